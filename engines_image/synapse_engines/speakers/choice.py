"""Choice of the implementation: free models, or those of pyannote."""

from importlib import import_module
from typing import cast

from synapse_engines.settings import Settings
from synapse_engines.speakers.diarizer import Diarizer
from synapse_engines.speakers.open_diarizer import OpenDiarizer


def choose_diarizer(settings: Settings) -> Diarizer:
    """Return the diarizer of the settings; its libraries are imported only if it is chosen. Raises SettingError."""
    if settings.diarizer == "pyannote":
        module = import_module("synapse_engines.speakers.pyannote_diarizer")
        return cast(Diarizer, module.PyannoteDiarizer(settings))
    return OpenDiarizer(settings.models, settings.idle_unload_s)
