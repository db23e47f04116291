"""Response formats of OpenAI's transcription API."""

from collections.abc import Callable, Collection, Mapping
from math import ceil
from typing import Any

import msgspec
from starlette.responses import Response

from synapse_engines.transcription.recognizer import Task
from synapse_engines.transcription.transcript import Segment, Transcript

TEXT = "text/plain"
Granularities = Collection[str]


def _json(transcript: Transcript, _: Task, __: Granularities) -> Response:
    return _encoded({"text": transcript.text, "usage": _usage(transcript)})


def _text(transcript: Transcript, _: Task, __: Granularities) -> Response:
    return Response(transcript.text, media_type=TEXT)


def _verbose_json(transcript: Transcript, task: Task, granularities: Granularities) -> Response:
    """Return the words or the segments, or both, as *granularities* says; a translation is English."""
    content: dict[str, Any] = {
        "task": task,
        "language": "en" if task == "translate" else transcript.language.code,
        "duration": transcript.duration,
        "text": transcript.text,
        "usage": _usage(transcript),
    }
    if "word" in granularities:
        content["words"] = [word for segment in transcript.segments for word in segment.words or ()]
    if "segment" in granularities:
        content["segments"] = [_openai_segment(segment) for segment in transcript.segments]
    return _encoded(content)


def _srt(transcript: Transcript, _: Task, __: Granularities) -> Response:
    cues = (f"{each.id}\n{_time_range(each, ',')}\n{each.text.strip()}\n" for each in transcript.segments)
    return Response("\n".join(cues), media_type=TEXT)


def _vtt(transcript: Transcript, _: Task, __: Granularities) -> Response:
    cues = (f"{_time_range(each, '.')}\n{each.text.strip()}\n" for each in transcript.segments)
    return Response("\n".join(["WEBVTT\n", *cues]), media_type="text/vtt")


FORMATS: Mapping[str, Callable[[Transcript, Task, Granularities], Response]] = {
    "json": _json,
    "text": _text,
    "verbose_json": _verbose_json,
    "srt": _srt,
    "vtt": _vtt,
}
"""`response_format` -> function of the transcript, the task and the timestamp granularities."""


def _encoded(content: Any) -> Response:  # noqa: ANN401 - JSON
    return Response(msgspec.json.encode(content), media_type="application/json")


def _usage(transcript: Transcript) -> dict[str, object]:
    """Return OpenAI's usage of a model that counts by time: seconds, rounded up."""
    return {"type": "duration", "seconds": ceil(transcript.duration)}


def _time_range(segment: Segment, decimal_point: str) -> str:
    return f"{_timestamp(segment.start, decimal_point)} --> {_timestamp(segment.end, decimal_point)}"


def _timestamp(seconds: float, decimal_point: str) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}{decimal_point}{milliseconds:03d}"


def _openai_segment(segment: Segment) -> dict[str, Any]:
    """Return the segment with OpenAI's numbering from 0, and the figures that the recognizer has."""
    times = {"id": segment.id - 1, "start": segment.start, "end": segment.end, "text": segment.text}
    scores: dict[str, Any] = msgspec.to_builtins(segment.scores)
    return {**times, "seek": segment.scores.seek, **scores}
