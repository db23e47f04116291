"""API of deepfilter-audio: `/denoise` and `/convert`."""

import re
from collections.abc import Iterator
from os import SEEK_END
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from synapse_engines.audio.ffmpeg import FFMPEG, unreadable_error, upload_arguments
from synapse_engines.audio.formats import CONVERSION_FORMATS, AudioFormat
from synapse_engines.audio.subprocesses import run
from synapse_engines.enhancement.deepfilternet import RATE, UNLIMITED_DB, find_model
from synapse_engines.enhancement.denoise import denoise_to_wav
from synapse_engines.enhancement.pcm_stream import Source, count_channels
from synapse_engines.errors import BadInputError, InvalidError
from synapse_engines.models.memory import resident_bytes
from synapse_engines.settings import Settings
from synapse_engines.web.application import application, get, post
from synapse_engines.web.error_responses import fastapi_format
from synapse_engines.web.requests import UploadForm, read_form
from synapse_engines.web.work_queue import CancelEvent, WorkQueue, cancel_on_disconnect

LOWEST_HZ, HIGHEST_HZ = 8000, 192_000
CHUNK_BYTES = 256 * 1024
BITRATE = re.compile(r"[0-9]{1,4}k")


class DeepFilterServer:
    """Handlers of the API; one recording is denoised at a time, ffmpeg runs as a subprocess."""

    def __init__(self, settings: Settings, queue: WorkQueue) -> None:
        self._settings = settings
        self._queue = queue
        self._model = find_model(settings.models)

    async def health(self, _: Request) -> Response:
        """Handle `GET /health`. A recording has a model of its own, which is in memory while it is denoised."""
        state = {"model": self._model.name.removesuffix(".tar.gz"), "model_loaded": bool(self._queue.running)}
        return JSONResponse({"status": "ok", **state, "memory_bytes": resident_bytes()})

    async def denoise(self, request: Request) -> Response:
        async with read_form(request, self._settings.max_upload) as form:
            return await cancel_on_disconnect(request, self._denoise(form))

    async def convert(self, request: Request) -> Response:
        async with read_form(request, self._settings.max_upload) as form:
            output, options = _format(form), (*_sample_rate(form), *_bitrate(form))
            return await cancel_on_disconnect(request, self._convert(form.file("file").path, output, options))

    async def _denoise(self, form: UploadForm) -> Response:
        path, limit_db = form.file("file").path, _attenuation_limit(form)
        keep_channels = form.flag("keep_channels", default=False)
        channels = await count_channels(path, self._settings.max_seconds)
        source = Source(path, RATE, channels if keep_channels else 1, self._settings.max_seconds)

        def work(cancel: CancelEvent) -> IO[bytes]:
            # The file has no name: nothing remains of it when a request ends early.
            target = TemporaryFile()  # noqa: SIM115 - the response closes it
            denoise_to_wav(source, self._model, target, cancel, limit_db)
            return target

        return _file_response(await self._queue.run(work), "audio/wav")

    async def _convert(self, path: Path, output: AudioFormat, options: tuple[str, ...]) -> Response:
        """Convert into a file, because some formats complete their header at the end. Raises BadInputError."""
        target = path.with_suffix(".converted")
        limit = ("-t", str(self._settings.max_seconds))
        result = await run((*FFMPEG, *upload_arguments(path), *limit, *options, *output.arguments, f"file:{target}"))
        if result.code or not target.is_file():
            raise unreadable_error(result)
        return _file_response(target.open("rb"), output.media_type)


def _file_response(file: IO[bytes], media_type: str) -> Response:
    """Return the content of an open file; the file may be deleted meanwhile."""
    size = {"content-length": str(file.seek(0, SEEK_END))}
    file.seek(0)
    return StreamingResponse(_chunks(file), media_type=media_type, headers=size)


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _format(form: UploadForm) -> AudioFormat:
    name = form.text("output_format", "wav").strip().lower()
    if name not in CONVERSION_FORMATS:
        raise BadInputError(f"got output_format {name[:32]!r}; accepted: {', '.join(CONVERSION_FORMATS)}")
    return CONVERSION_FORMATS[name]


def _attenuation_limit(form: UploadForm) -> int:
    limit_db = form.number("attenuation_limit_db")
    if limit_db is not None and limit_db > UNLIMITED_DB:
        raise InvalidError(f"got {limit_db}; accepted: 1 to {UNLIMITED_DB} dB", "attenuation_limit_db")
    return limit_db or UNLIMITED_DB


def _sample_rate(form: UploadForm) -> tuple[str, ...]:
    rate = form.number("sample_rate", LOWEST_HZ)
    if rate is None:
        return ()
    if rate > HIGHEST_HZ:
        raise InvalidError(f"got {rate}; accepted: {LOWEST_HZ} to {HIGHEST_HZ} Hz", "sample_rate")
    return ("-ar", str(rate))


def _bitrate(form: UploadForm) -> tuple[str, ...]:
    bitrate = form.text("bitrate")
    if bitrate and not BITRATE.fullmatch(bitrate):
        raise InvalidError(f"got {bitrate[:32]!r}; accepted: kilobits per second, such as 192k", "bitrate")
    return ("-b:a", bitrate) if bitrate else ()


def build(settings: Settings) -> Starlette:
    queue = WorkQueue("denoise")
    server = DeepFilterServer(settings, queue)
    routes = (post("/denoise", server.denoise), post("/convert", server.convert), get("/health", server.health))
    return application(routes, fastapi_format, queue.close)
