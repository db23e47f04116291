"""Events of OpenAI's transcription stream.

https://platform.openai.com/docs/api-reference/audio/transcript-text-delta-event
"""

from collections.abc import Iterator
from typing import Any

from synapse_engines.errors import EngineError
from synapse_engines.transcription.service import Item
from synapse_engines.transcription.streaming import Event
from synapse_engines.transcription.transcript import Segment, Start


class OpenAiEvents:
    """Events of one stream; the deltas, joined, are the text of the last event."""

    def __init__(self) -> None:
        self._text = ""
        self._input_tokens = 0
        self._output_tokens = 0

    def render(self, item: Item | None) -> Iterator[Event]:
        """Yield the events of the start, of a segment, or of the end (None)."""
        if item is None:
            yield Event("", {"type": "transcript.text.done", "text": self._text, "usage": self._usage()})
        elif isinstance(item, Start):
            self._input_tokens = item.audio_tokens
        else:
            yield Event("", {"type": "transcript.text.delta", "delta": self._delta(item)})

    def _delta(self, segment: Segment) -> str:
        delta = segment.text if self._text else segment.text.lstrip()
        self._text += delta
        self._output_tokens += segment.token_count
        return delta

    def _usage(self) -> dict[str, Any]:
        """Return OpenAI's usage by tokens, the only kind that its last event has."""
        return {
            "type": "tokens",
            "input_tokens": self._input_tokens,
            "input_token_details": {"audio_tokens": self._input_tokens, "text_tokens": 0},
            "output_tokens": self._output_tokens,
            "total_tokens": self._input_tokens + self._output_tokens,
        }


def error_event(error: EngineError) -> Event:
    """Return an error within a stream, which OpenAI's clients raise as an exception."""
    return Event("error", {"error": {"message": error.message, "type": error.type, "param": None, "code": None}})
