"""The contract of deepfilter-audio: `/denoise` and `/convert`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from synapse_engines.audio.ffmpeg import QUIET, decode, reading, unreadable
from synapse_engines.audio.programs import run
from synapse_engines.audio.sound import Sound
from synapse_engines.enhancement.formats import FORMATS, Format
from synapse_engines.enhancement.rnnoise import RATE, denoised
from synapse_engines.errors import BadInputError, InvalidError
from synapse_engines.settings import Settings
from synapse_engines.web.application import application, get, post
from synapse_engines.web.bodies import Form, form
from synapse_engines.web.refusals import detail
from synapse_engines.web.turns import Stop, Turns, unless_left

LOWEST_HZ, HIGHEST_HZ = 8000, 192_000
PART = 256 * 1024
BITRATE = re.compile(r"[0-9]{1,4}k")


class DeepFilter:
    """One recording is cleaned at a time; ffmpeg is a process of its own."""

    def __init__(self, settings: Settings, turns: Turns) -> None:
        self._settings = settings
        self._turns = turns

    async def denoise(self, request: Request) -> Response:
        async with form(request, self._settings.max_upload) as sent:
            return await unless_left(request, self._denoised(sent.file("file").path))

    async def convert(self, request: Request) -> Response:
        async with form(request, self._settings.max_upload) as sent:
            wanted, options = _format(sent), (*_rate(sent), *_bitrate(sent))
            return await unless_left(request, self._converted(sent.file("file").path, wanted, options))

    async def _denoised(self, path: Path) -> Response:
        noisy = await decode(path, RATE, self._settings.max_seconds)

        def work(stop: Stop) -> bytes:
            return Sound(denoised(noisy.samples, stop), RATE).wav()

        return Response(await self._turns.take(work), media_type="audio/wav")

    async def _converted(self, path: Path, wanted: Format, options: tuple[str, ...]) -> Response:
        """Into a file, for a format may end with what its beginning says. Raises BadInputError."""
        target = path.with_suffix(".converted")
        longest = ("-t", str(self._settings.max_seconds))
        done = await run((*QUIET, *reading(path), *longest, *options, *wanted.arguments, f"file:{target}"))
        if done.code or not target.is_file():
            raise unreadable(done)
        size = {"content-length": str(target.stat().st_size)}
        return StreamingResponse(_parts(target.open("rb")), media_type=wanted.media, headers=size)


def _parts(file: BinaryIO) -> Iterator[bytes]:
    """An open file can be read to its end after it was deleted."""
    with file:
        while part := file.read(PART):
            yield part


def _format(sent: Form) -> Format:
    name = sent.text("output_format", "wav").strip().lower()
    if name not in FORMATS:
        raise BadInputError(f"got output_format {name[:32]!r}; accepted: {', '.join(FORMATS)}")
    return FORMATS[name]


def _rate(sent: Form) -> tuple[str, ...]:
    rate = sent.number("sample_rate", LOWEST_HZ)
    if rate is None:
        return ()
    if rate > HIGHEST_HZ:
        raise InvalidError(f"got {rate}; accepted: {LOWEST_HZ} to {HIGHEST_HZ} Hz", "sample_rate")
    return ("-ar", str(rate))


def _bitrate(sent: Form) -> tuple[str, ...]:
    bitrate = sent.text("bitrate")
    if bitrate and not BITRATE.fullmatch(bitrate):
        raise InvalidError(f"got {bitrate[:32]!r}; accepted: kilobits a second, such as 192k", "bitrate")
    return ("-b:a", bitrate) if bitrate else ()


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def build(settings: Settings) -> Starlette:
    turns = Turns("denoise")
    server = DeepFilter(settings, turns)
    routes = (post("/denoise", server.denoise), post("/convert", server.convert), get("/health", _health))
    return application(routes, detail, turns.close)
