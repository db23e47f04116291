"""Encoding of speech while it is synthesized: each piece of sound is sent before the next one exists."""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress

from synapse_engines.audio.ffmpeg import FFMPEG
from synapse_engines.audio.formats import SPEECH_FORMATS
from synapse_engines.audio.subprocesses import kill
from synapse_engines.audio.waveform import Waveform, wav_header, with_length
from synapse_engines.errors import FailedError

CHUNK_BYTES = 16 * 1024
LEAST_TEMPO, GREATEST_TEMPO = 0.5, 2.0
"""Range of one filter `atempo`; beyond it two are chained."""
Chunks = AsyncGenerator[bytes, None]
Pieces = AsyncGenerator[Waveform, None]


async def encode_stream(pieces: Pieces, name: str, tempo: float = 1.0) -> Chunks:
    """Yield *pieces*, all of one rate, in the speech format *name*, played *tempo* times as fast.

    A WAV has a header for an unknown length. The first piece is awaited before anything is yielded, so that an error
    of the synthesis can still become an error response.
    """
    async with aclosing(pieces):
        first = await anext(pieces)
        arguments = _arguments(name, tempo)
        samples = _pcm(first, pieces)
        if name == "wav":
            yield wav_header(first.rate)
        async with aclosing(_ffmpeg(samples, first.rate, arguments) if arguments else samples) as chunks:
            async for chunk in chunks:
                yield chunk


async def encode(pieces: Pieces, name: str, tempo: float = 1.0) -> bytes:
    """Return *pieces* as one file; a WAV has a header with its length."""
    chunks = [chunk async for chunk in encode_stream(pieces, name, tempo)]
    if name == "wav":
        chunks[0] = with_length(chunks[0], sum(map(len, chunks[1:])))
    return b"".join(chunks)


async def _pcm(first: Waveform, others: AsyncIterator[Waveform]) -> Chunks:
    yield first.pcm()
    async for piece in others:
        yield piece.pcm()


def _arguments(name: str, tempo: float) -> tuple[str, ...]:
    """Return the arguments of ffmpeg, none where it is not needed."""
    output = SPEECH_FORMATS[name].arguments
    if abs(tempo - 1) < 0.01:
        return output
    step = min(max(tempo, LEAST_TEMPO), GREATEST_TEMPO)
    filters = ("-af", f"atempo={step:.4f},atempo={tempo / step:.4f}")
    return (*filters, *(output or ("-f", "s16le")))


async def _ffmpeg(samples: Chunks, rate: int, arguments: tuple[str, ...]) -> Chunks:
    """Yield the output of one ffmpeg process, fed with PCM *samples* as they come; kill it when closed early."""
    process = await _start(rate, arguments)
    feeding = asyncio.create_task(_feed(process, samples))
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        while chunk := await process.stdout.read(CHUNK_BYTES):
            yield chunk
        await feeding
        if await process.wait():
            raise FailedError(f"ffmpeg failed with exit code {process.returncode}")
    finally:
        await _stop(process, feeding)


async def _start(rate: int, arguments: tuple[str, ...]) -> Process:
    path = shutil.which(FFMPEG[0])
    if path is None:
        raise FailedError(f"{FFMPEG[0]} is not installed: install the Debian package of that name")
    # Without these ffmpeg reads ahead to recognize its input.
    source = ("-probesize", "32", "-analyzeduration", "0", "-f", "s16le", "-ar", str(rate), "-ac", "1", "-i", "pipe:0")
    command = (path, "-hide_banner", "-loglevel", "error", "-threads", "1", *source)
    output = (*arguments, "pipe:1")
    return await asyncio.create_subprocess_exec(*command, *output, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)


async def _feed(process: Process, samples: Chunks) -> None:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    try:
        async with aclosing(samples):
            async for data in samples:
                process.stdin.write(data)
                await process.stdin.drain()
    finally:
        process.stdin.close()


async def _stop(process: Process, feeding: asyncio.Task[None]) -> None:
    feeding.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await feeding
    await kill(process)
