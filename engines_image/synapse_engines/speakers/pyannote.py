"""API of pyannote-speaker: `/diarize` and `/verify`, and `/embeddings`."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from synapse_engines.audio.waveform import Waveform
from synapse_engines.errors import BadInputError, InvalidError
from synapse_engines.models.memory import resident_bytes
from synapse_engines.settings import Settings
from synapse_engines.speakers.choice import choose_diarizer
from synapse_engines.speakers.diarizer import Diarization, SpeakerCount, Vector
from synapse_engines.speakers.known_speakers import average, name_speakers
from synapse_engines.speakers.recording import read_recording
from synapse_engines.web.application import application, get, post
from synapse_engines.web.error_responses import fastapi_format
from synapse_engines.web.requests import UploadedFile, UploadForm, read_form
from synapse_engines.web.work_queue import CancelEvent, WorkQueue, cancel_on_disconnect

KNOWN_FIELD, KNOWN_PREFIX = "known", "speaker_"
"""Fields of reference recordings: the name of the speaker is that of the file, or follows in the name of the field."""
MAX_NAME = 64


class PyannoteServer:
    """Handlers of the API; one recording is analyzed at a time."""

    def __init__(self, settings: Settings, queue: WorkQueue) -> None:
        self._settings = settings
        self._queue = queue
        self._diarizer = choose_diarizer(settings)

    async def health(self, _: Request) -> Response:
        """Handle `GET /health`."""
        state = {"model": self._diarizer.name, "model_loaded": self._diarizer.is_loaded}
        return JSONResponse({"status": "ok", **state, "memory_bytes": resident_bytes()})

    async def diarize(self, request: Request) -> Response:
        async with read_form(request, self._settings.max_upload) as form:
            count = _speaker_count(form)
            return JSONResponse(await cancel_on_disconnect(request, self._diarize(form, count)))

    async def verify(self, request: Request) -> Response:
        async with read_form(request, self._settings.max_upload) as form:
            first, second = await cancel_on_disconnect(request, self._voices(form, "file1", "file2"))
        score, threshold = float(first @ second), self._diarizer.threshold
        return JSONResponse(
            {"is_same_speaker": score >= threshold, "similarity_score": round(score, 4), "threshold": threshold}
        )

    async def embed(self, request: Request) -> Response:
        async with read_form(request, self._settings.max_upload) as form:
            (voice,) = await cancel_on_disconnect(request, self._voices(form, "file"))
        embedding = [round(value, 6) for value in voice.tolist()]
        return JSONResponse({"embedding": embedding, "dimensions": len(embedding), "model": self._diarizer.name})

    def close(self) -> None:
        self._queue.close()
        self._diarizer.close()

    async def _diarize(self, form: UploadForm, count: SpeakerCount) -> dict[str, Any]:
        waveform = await self._read(form.file("file"))
        references: dict[str, list[Waveform]] = {}
        for name, file in _known_files(form):
            references.setdefault(name, []).append(await self._read(file))

        def work(cancel: CancelEvent) -> dict[str, Any]:
            voices = {
                name: average([self._embed(name, each, cancel) for each in references[name]]) for name in references
            }
            result = self._diarizer.diarize(waveform, count, cancel)
            names = name_speakers(result.voices, voices, self._diarizer.threshold, count.minimum)
            return {**_segments(result, names), "duration": round(waveform.seconds, 3)}

        return await self._queue.run(work)

    async def _voices(self, form: UploadForm, *fields: str) -> list[Vector]:
        waveforms = {field: await self._read(form.file(field)) for field in fields}

        def work(cancel: CancelEvent) -> list[Vector]:
            return [self._embed(field, waveform, cancel) for field, waveform in waveforms.items()]

        return await self._queue.run(work)

    def _embed(self, name: str, waveform: Waveform, cancel: CancelEvent) -> Vector:
        try:
            return self._diarizer.embed(waveform, cancel)
        except BadInputError as error:
            raise BadInputError(f"{name}: {error.message}") from error

    async def _read(self, file: UploadedFile) -> Waveform:
        return await read_recording(file.path, self._settings.max_seconds)


def _segments(result: Diarization, names: list[str]) -> dict[str, Any]:
    segments = [
        {"speaker": names[turn.speaker], "start": round(turn.span.start, 3), "end": round(turn.span.end, 3)}
        for turn in result.turns
    ]
    return {"num_speakers": len(set(names)), "segments": segments}


def _known_files(form: UploadForm) -> Iterator[tuple[str, UploadedFile]]:
    """Yield the name of each known speaker and a reference recording. Raises InvalidError for an empty name."""
    for field, files in form.files.items():
        for file in files:
            if field == KNOWN_FIELD:
                yield _speaker_name(PurePath(file.name).stem, field), file
            elif field.startswith(KNOWN_PREFIX):
                yield _speaker_name(field.removeprefix(KNOWN_PREFIX), field), file


def _speaker_name(text: str, field: str) -> str:
    name = text.strip()
    if not name or len(name) > MAX_NAME or name.upper().startswith("SPEAKER_"):
        raise InvalidError(f"got {name[:32]!r}; accepted: a name of 1 to {MAX_NAME} characters, not SPEAKER_...", field)
    return name


def _speaker_count(form: UploadForm) -> SpeakerCount:
    """Return the minimum and the maximum number of speakers. Raises InvalidError."""
    exact = form.number("num_speakers")
    if exact is not None:
        return SpeakerCount(exact, exact)
    minimum, maximum = form.number("min_speakers") or 1, form.number("max_speakers")
    if maximum is not None and maximum < minimum:
        raise InvalidError(f"got {maximum}; accepted: at least min_speakers, {minimum}", "max_speakers")
    return SpeakerCount(minimum, maximum)


def build(settings: Settings) -> Starlette:
    server = PyannoteServer(settings, WorkQueue("speakers"))
    routes = (
        post("/diarize", server.diarize),
        post("/verify", server.verify),
        post("/embeddings", server.embed),
        get("/health", server.health),
    )
    return application(routes, fastapi_format, server.close)
