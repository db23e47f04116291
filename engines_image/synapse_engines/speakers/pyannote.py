"""API of pyannote-speaker: `/diarize` and `/verify`."""

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines.audio.ffmpeg import decode
from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError, InvalidError
from synapse_engines.settings import Settings
from synapse_engines.speakers.diarization import diarize
from synapse_engines.speakers.mfcc import RATE
from synapse_engines.speakers.voiceprint import Voiceprint, voiceprint
from synapse_engines.web.application import application, get, health, post
from synapse_engines.web.error_responses import fastapi_format
from synapse_engines.web.requests import UploadForm, read_form
from synapse_engines.web.work_queue import CancelEvent, WorkQueue, cancel_on_disconnect

THRESHOLD = 0.9
"""Similarity of the same speaker: the equal error rate, where false rejections are as frequent as false matches."""


class PyannoteServer:
    """Handlers of the API; one recording is analyzed at a time."""

    def __init__(self, settings: Settings, queue: WorkQueue) -> None:
        self._settings = settings
        self._queue = queue

    async def diarize(self, request: Request) -> Response:
        async with read_form(request, self._settings.max_upload) as form:
            minimum, maximum = _speaker_limits(form)
            return JSONResponse(await cancel_on_disconnect(request, self._diarize(form, minimum, maximum)))

    async def verify(self, request: Request) -> Response:
        async with read_form(request, self._settings.max_upload) as form:
            score = await cancel_on_disconnect(request, self._similarity(form))
        is_same = score >= THRESHOLD
        return JSONResponse({"is_same_speaker": is_same, "similarity_score": round(score, 4), "threshold": THRESHOLD})

    async def _diarize(self, form: UploadForm, minimum: int, maximum: int | None) -> dict[str, Any]:
        waveform = await self._decode(form, "file")
        turns = await self._queue.run(lambda cancel: diarize(waveform, cancel, minimum, maximum))
        segments = [
            {
                "speaker": f"SPEAKER_{turn.speaker:02d}",
                "start": round(turn.span.start, 3),
                "end": round(turn.span.end, 3),
            }
            for turn in turns
        ]
        speakers = len({turn.speaker for turn in turns})
        return {"num_speakers": speakers, "segments": segments, "duration": round(waveform.seconds, 3)}

    async def _similarity(self, form: UploadForm) -> float:
        waveforms = {name: await self._decode(form, name) for name in ("file1", "file2")}

        def work(_: CancelEvent) -> float:
            first, second = (_voiceprint(name, waveform) for name, waveform in waveforms.items())
            return first.similarity(second)

        return await self._queue.run(work)

    async def _decode(self, form: UploadForm, name: str) -> Waveform:
        return await decode(form.file(name).path, RATE, self._settings.max_seconds)


def _voiceprint(name: str, waveform: Waveform) -> Voiceprint:
    result = voiceprint(waveform)
    if result is None:
        raise BadInputError(f"{name}: no voice in the recording")
    return result


def _speaker_limits(form: UploadForm) -> tuple[int, int | None]:
    """Return the minimum and the maximum number of speakers. Raises InvalidError."""
    exact = form.number("num_speakers")
    if exact is not None:
        return exact, exact
    minimum, maximum = form.number("min_speakers") or 1, form.number("max_speakers")
    if maximum is not None and maximum < minimum:
        raise InvalidError(f"got {maximum}; accepted: at least min_speakers, {minimum}", "max_speakers")
    return minimum, maximum


def build(settings: Settings) -> Starlette:
    queue = WorkQueue("speakers")
    server = PyannoteServer(settings, queue)
    routes = (post("/diarize", server.diarize), post("/verify", server.verify), get("/health", health))
    return application(routes, fastapi_format, queue.close)
