"""Response formats of OpenAI's transcription API, and server-sent events."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from synapse_engines.transcription.transcript import Segment, Transcript

TEXT = "text/plain"


def _json(transcript: Transcript, _: frozenset[str]) -> Response:
    return Response(msgspec.json.encode({"text": transcript.text}), media_type="application/json")


def _text(transcript: Transcript, _: frozenset[str]) -> Response:
    return Response(transcript.text, media_type=TEXT)


def _verbose_json(transcript: Transcript, granularities: frozenset[str]) -> Response:
    """Return segments, and words beside them if *granularities* has "word"."""
    content: dict[str, Any] = {
        "task": "transcribe",
        "language": transcript.language,
        "duration": transcript.duration,
        "text": transcript.text,
        "segments": [_openai_segment(segment) for segment in transcript.segments],
    }
    if "word" in granularities:
        content["words"] = [word for segment in transcript.segments for word in segment.words or ()]
    return Response(msgspec.json.encode(content), media_type="application/json")


def _srt(transcript: Transcript, _: frozenset[str]) -> Response:
    cues = (f"{each.id}\n{_time_range(each, ',')}\n{each.text}\n" for each in transcript.segments)
    return Response("\n".join(cues), media_type=TEXT)


def _vtt(transcript: Transcript, _: frozenset[str]) -> Response:
    cues = (f"{_time_range(each, '.')}\n{each.text}\n" for each in transcript.segments)
    return Response("\n".join(["WEBVTT\n", *cues]), media_type="text/vtt")


FORMATS: Mapping[str, Callable[[Transcript, frozenset[str]], Response]] = {
    "json": _json,
    "text": _text,
    "verbose_json": _verbose_json,
    "srt": _srt,
    "vtt": _vtt,
}
"""`response_format` -> function of the transcript and the timestamp granularities."""


def server_sent_events(named: Iterable[tuple[str, Any]]) -> str:
    """Return pairs of event name and data as server-sent events; a name may be empty."""
    return "".join(_event(name, value) for name, value in named)


def _event(name: str, value: Any) -> str:  # noqa: ANN401 - any type that msgspec encodes
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {msgspec.json.encode(value).decode()}\n\n"


def _time_range(segment: Segment, decimal_point: str) -> str:
    return f"{_timestamp(segment.start, decimal_point)} --> {_timestamp(segment.end, decimal_point)}"


def _timestamp(seconds: float, decimal_point: str) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{decimal_point}{milliseconds:03d}"


def _openai_segment(segment: Segment) -> dict[str, Any]:
    """Return the segment with OpenAI's numbering from 0 and without words."""
    return {"id": segment.id - 1, "start": segment.start, "end": segment.end, "text": segment.text}
