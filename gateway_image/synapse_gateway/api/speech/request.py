"""What somebody wants to have said, in the gateway's own words."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One text and how to say it. *voice_id*: a voice of the library to clone; None: the backend's usual voice."""

    text: str
    language: str = "en"  # empty: whatever the backend takes it for
    speed: float = 1.0
    is_split: bool = True  # into sentences, which long texts need
    is_streamed: bool = False
    audio_format: str | None = None  # None: WAV
    voice_id: str | None = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)
