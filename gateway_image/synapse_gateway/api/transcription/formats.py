"""A transcript as each of the APIs writes it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from synapse_gateway.api.transcription.transcript import Segment, Transcript

Written = tuple[bytes, str]  # a body and its type
JSON, TEXT, EVENTS = "application/json", "text/plain; charset=utf-8", "text/event-stream"


def contract(found: Transcript) -> Written:
    """/stt/transcribe."""
    return msgspec.json.encode(found), JSON


def segments(found: Transcript) -> Written:
    """/stt/stream."""
    return events([("segment", segment) for segment in found.segments] + [("done", {})]), EVENTS


def short(found: Transcript) -> Written:
    return msgspec.json.encode({"text": found.text}), JSON


def text(found: Transcript) -> Written:
    return f"{found.text}\n".encode(), TEXT


def verbose(found: Transcript) -> Written:
    """Words beside the segments, and only where there are any."""
    words = [word for segment in found.segments for word in segment.words or ()]
    whole: dict[str, Any] = {"task": "transcribe", **msgspec.structs.asdict(found)}
    del whole["language_probability"]
    whole["segments"] = [_without_words(number, segment) for number, segment in enumerate(found.segments)]
    return msgspec.json.encode({**whole, "words": words} if words else whole), JSON


def srt(found: Transcript) -> Written:
    """SubRip: numbered cues, and a comma before the milliseconds."""
    cues = (
        f"{number}\n{_span(segment, ',')}\n{segment.text.strip()}\n" for number, segment in enumerate(found.segments, 1)
    )
    return "\n".join(cues).encode(), TEXT


def vtt(found: Transcript) -> Written:
    """WebVTT."""
    cues = (f"{_span(segment, '.')}\n{segment.text.strip()}\n" for segment in found.segments)
    return "\n".join(["WEBVTT\n", *cues]).encode(), "text/vtt; charset=utf-8"


def deltas(found: Transcript) -> Written:
    """OpenAI's stream."""
    said = [{"type": "transcript.text.delta", "delta": segment.text} for segment in found.segments]
    return events(("", event) for event in [*said, {"type": "transcript.text.done", "text": found.text}]), EVENTS


FORMATS: Mapping[str, Callable[[Transcript], Written]] = {
    "json": short,
    "text": text,
    "verbose_json": verbose,
    "srt": srt,
    "vtt": vtt,
}
"""By OpenAI's `response_format`; `diarized_json` needs a model that tells speakers apart."""


def events(named: Iterable[tuple[str, Any]]) -> bytes:
    """Server-sent events."""
    return b"".join(_event(name, value) for name, value in named)


def _event(name: str, value: Any) -> bytes:  # noqa: ANN401 - whatever msgspec writes
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
