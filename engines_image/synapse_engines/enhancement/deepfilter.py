"""API of deepfilter-audio: `/denoise` and `/convert`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from synapse_engines.audio.ffmpeg import FFMPEG, decode, unreadable_error, upload_arguments
from synapse_engines.audio.formats import CONVERSION_FORMATS, AudioFormat
from synapse_engines.audio.subprocesses import run
from synapse_engines.audio.waveform import Waveform
from synapse_engines.enhancement.rnnoise import RATE, denoise
from synapse_engines.errors import BadInputError, InvalidError
from synapse_engines.settings import Settings
from synapse_engines.web.application import application, get, health, post
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

    async def denoise(self, request: Request) -> Response:
        async with read_form(request, self._settings.max_upload) as form:
            return await cancel_on_disconnect(request, self._denoise(form.file("file").path))

    async def convert(self, request: Request) -> Response:
        async with read_form(request, self._settings.max_upload) as form:
            output, options = _format(form), (*_sample_rate(form), *_bitrate(form))
            return await cancel_on_disconnect(request, self._convert(form.file("file").path, output, options))

    async def _denoise(self, path: Path) -> Response:
        noisy = await decode(path, RATE, self._settings.max_seconds)

        def work(cancel: CancelEvent) -> bytes:
            return Waveform(denoise(noisy.samples, cancel), RATE).wav()

        return Response(await self._queue.run(work), media_type="audio/wav")

    async def _convert(self, path: Path, output: AudioFormat, options: tuple[str, ...]) -> Response:
        """Convert into a file, because some formats complete their header at the end. Raises BadInputError."""
        target = path.with_suffix(".converted")
        limit = ("-t", str(self._settings.max_seconds))
        result = await run((*FFMPEG, *upload_arguments(path), *limit, *options, *output.arguments, f"file:{target}"))
        if result.code or not target.is_file():
            raise unreadable_error(result)
        size = {"content-length": str(target.stat().st_size)}
        return StreamingResponse(_chunks(target.open("rb")), media_type=output.media_type, headers=size)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the content of an open file; the file may be deleted meanwhile."""
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _format(form: UploadForm) -> AudioFormat:
    name = form.text("output_format", "wav").strip().lower()
    if name not in CONVERSION_FORMATS:
        raise BadInputError(f"got output_format {name[:32]!r}; accepted: {', '.join(CONVERSION_FORMATS)}")
    return CONVERSION_FORMATS[name]


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
    routes = (post("/denoise", server.denoise), post("/convert", server.convert), get("/health", health))
    return application(routes, fastapi_format, queue.close)
