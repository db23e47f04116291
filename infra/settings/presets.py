"""Presets of an engine: how long a context is, and how many of them the KV cache holds at the same time.

Both take the same cache of 65,536 tokens. The first request of an agent has up to 20,000 tokens, and asks for an answer
of 8,000 to 32,000; a chat with tools has 6,600.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

PresetName = Literal["agents", "chat"]


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Longest context in tokens, and the requests that are served at the same time."""

    context_tokens: int
    sequences: int


PRESETS: Final[Mapping[str, Preset]] = {
    "agents": Preset(context_tokens=32_768, sequences=2),
    "chat": Preset(context_tokens=8192, sequences=8),
}
DEFAULT_PRESET: Final = "agents"


def preset_context(values: Mapping[str, Any]) -> int:
    """Return the context of the preset in *values*, the options that are validated already."""
    return _preset(values).context_tokens


def preset_sequences(values: Mapping[str, Any]) -> int:
    """Return the sequences of the preset in *values*, the options that are validated already."""
    return _preset(values).sequences


def _preset(values: Mapping[str, Any]) -> Preset:
    return PRESETS[values.get("preset", DEFAULT_PRESET)]
