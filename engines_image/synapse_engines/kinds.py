"""The engines by the kind whose contract they speak; each is imported when it is asked for, with its libraries."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from starlette.applications import Starlette

from synapse_engines.settings import Settings

Build = Callable[[Settings], Starlette]
KINDS: Mapping[str, str] = {
    "llama-embed": "synapse_engines.llama.embed",
    "llama-router": "synapse_engines.llama.router",
    "chatterbox": "synapse_engines.voice.chatterbox",
    "piper": "synapse_engines.voice.piper",
    "whisper": "synapse_engines.hearing.whisper",
    "speaches": "synapse_engines.hearing.speaches",
    "pyannote": "synapse_engines.speakers.pyannote",
    "deepfilter": "synapse_engines.enhancement.deepfilter",
}
"""Kind -> the module whose `build` makes the application."""


def build(kind: str, settings: Settings) -> Starlette:
    """Raises SettingError."""
    return cast(Build, import_module(KINDS[kind]).build)(settings)
