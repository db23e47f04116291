"""Engines by backend kind; each is imported, with its libraries, only when it is built."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from starlette.applications import Starlette

from synapse_engines.settings import Settings

Build = Callable[[Settings], Starlette]
KINDS: Mapping[str, str] = {
    "kokoro": "synapse_engines.synthesis.kokoro",
    "chatterbox": "synapse_engines.synthesis.chatterbox",
    "piper": "synapse_engines.synthesis.piper",
    "whisper": "synapse_engines.transcription.whisper_stt",
    "speaches": "synapse_engines.transcription.speaches",
    "pyannote": "synapse_engines.speakers.pyannote",
    "deepfilter": "synapse_engines.enhancement.deepfilter",
}
"""Kind -> the module whose `build` returns the application."""


def build(kind: str, settings: Settings) -> Starlette:
    """Return the application of *kind*. Raises SettingError."""
    return cast(Build, import_module(KINDS[kind]).build)(settings)
