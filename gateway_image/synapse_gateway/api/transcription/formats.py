"""Formats of a transcript in the APIs of clients."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from synapse_gateway.api.transcription.transcript import Segment, Transcript

Encoded = tuple[bytes, str]  # body and media type
JSON, TEXT, EVENTS = "application/json", "text/plain; charset=utf-8", "text/event-stream"


def native_json(transcript: Transcript) -> Encoded:
    """Encode for /stt/transcribe."""
    return msgspec.json.encode(transcript), JSON


def segment_events(transcript: Transcript) -> Encoded:
    """Encode for /stt/stream."""
    return events([("segment", segment) for segment in transcript.segments] + [("done", {})]), EVENTS


def short_json(transcript: Transcript) -> Encoded:
    return msgspec.json.encode({"text": transcript.text}), JSON


def plain_text(transcript: Transcript) -> Encoded:
    return f"{transcript.text}\n".encode(), TEXT


def verbose_json(transcript: Transcript) -> Encoded:
    """Encode with words beside the segments, if there are words."""
    words = [word for segment in transcript.segments for word in segment.words or ()]
    fields: dict[str, Any] = {"task": "transcribe", **msgspec.structs.asdict(transcript)}
    del fields["language_probability"]
    fields["segments"] = [_without_words(number, segment) for number, segment in enumerate(transcript.segments)]
    return msgspec.json.encode({**fields, "words": words} if words else fields), JSON


def srt(transcript: Transcript) -> Encoded:
    """Encode as SubRip: numbered cues, and a comma before the milliseconds."""
    cues = (
        f"{number}\n{_span(segment, ',')}\n{segment.text.strip()}\n"
        for number, segment in enumerate(transcript.segments, 1)
    )
    return "\n".join(cues).encode(), TEXT


def vtt(transcript: Transcript) -> Encoded:
    """Encode as WebVTT."""
    cues = (f"{_span(segment, '.')}\n{segment.text.strip()}\n" for segment in transcript.segments)
    return "\n".join(["WEBVTT\n", *cues]).encode(), "text/vtt; charset=utf-8"


def delta_events(transcript: Transcript) -> Encoded:
    """Encode as the stream of OpenAI's API."""
    deltas = [{"type": "transcript.text.delta", "delta": segment.text} for segment in transcript.segments]
    return events(("", event) for event in [*deltas, {"type": "transcript.text.done", "text": transcript.text}]), EVENTS


FORMATS: Mapping[str, Callable[[Transcript], Encoded]] = {
    "json": short_json,
    "text": plain_text,
    "verbose_json": verbose_json,
    "srt": srt,
    "vtt": vtt,
}
"""Encoder by OpenAI's `response_format`; `diarized_json` needs a model that separates speakers."""


def events(named: Iterable[tuple[str, Any]]) -> bytes:
    """Encode values as server-sent events, each with its name, which may be empty."""
    return b"".join(_event(name, value) for name, value in named)


def _event(name: str, value: Any) -> bytes:  # noqa: ANN401 - any type that msgspec encodes
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + msgspec.json.encode(value) + b"\n\n"


def _without_words(number: int, segment: Segment) -> dict[str, Any]:
    return {"id": number, "start": segment.start, "end": segment.end, "text": segment.text}


def _span(segment: Segment, point: str) -> str:
    return " --> ".join(_times((segment.start, segment.end), point))


def _times(moments: Iterable[float], point: str) -> Iterator[str]:
    for moment in moments:
        whole, milliseconds = divmod(round(moment * 1000), 1000)
        minutes, seconds = divmod(whole, 60)
        yield f"{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}{point}{milliseconds:03d}"
