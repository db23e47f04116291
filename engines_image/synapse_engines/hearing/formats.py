"""A transcript in the formats of OpenAI's API."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from synapse_engines.hearing.transcript import Segment, Transcript

TEXT = "text/plain"


def plain(found: Transcript, _: frozenset[str]) -> Response:
    return Response(msgspec.json.encode({"text": found.text}), media_type="application/json")


def text(found: Transcript, _: frozenset[str]) -> Response:
    return Response(found.text, media_type=TEXT)


def verbose(found: Transcript, granularities: frozenset[str]) -> Response:
    """Words stand beside the segments, where *granularities* ask for them."""
    whole: dict[str, Any] = {
        "task": "transcribe",
        "language": found.language,
        "duration": found.duration,
        "text": found.text,
        "segments": [_bare(segment) for segment in found.segments],
    }
    if "word" in granularities:
        whole["words"] = [word for segment in found.segments for word in segment.words or ()]
    return Response(msgspec.json.encode(whole), media_type="application/json")


def srt(found: Transcript, _: frozenset[str]) -> Response:
    cues = (f"{each.id}\n{span(each, ',')}\n{each.text}\n" for each in found.segments)
    return Response("\n".join(cues), media_type=TEXT)


def vtt(found: Transcript, _: frozenset[str]) -> Response:
    cues = (f"{span(each, '.')}\n{each.text}\n" for each in found.segments)
    return Response("\n".join(["WEBVTT\n", *cues]), media_type="text/vtt")


FORMATS: Mapping[str, Callable[[Transcript, frozenset[str]], Response]] = {
    "json": plain,
    "text": text,
    "verbose_json": verbose,
    "srt": srt,
    "vtt": vtt,
}
"""By `response_format`."""


def events(named: Iterable[tuple[str, Any]]) -> str:
    """Server-sent events; a name may be empty."""
    return "".join(event(name, value) for name, value in named)


def event(name: str, value: Any) -> str:  # noqa: ANN401 - whatever msgspec writes
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {msgspec.json.encode(value).decode()}\n\n"


def span(segment: Segment, point: str) -> str:
    return f"{_clock(segment.start, point)} --> {_clock(segment.end, point)}"


def _clock(seconds: float, point: str) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{point}{milliseconds:03d}"


def _bare(segment: Segment) -> dict[str, Any]:
    return {"id": segment.id - 1, "start": segment.start, "end": segment.end, "text": segment.text}
