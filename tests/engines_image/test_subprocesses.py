"""Programs that a request starts end with it, however much of their output nobody has read."""

import asyncio
from collections.abc import AsyncGenerator

import numpy as np
import pytest

from synapse_engines.audio.encoding import encode_stream
from synapse_engines.audio.subprocesses import run
from synapse_engines.audio.waveform import Waveform

pytestmark = pytest.mark.anyio
END_S = 120
RATE = 24_000


@pytest.mark.parametrize("milliseconds", [10, 20, 40])
async def test_a_cancelled_command_with_much_output_ends(milliseconds: int) -> None:
    running = asyncio.create_task(run(("yes",)))
    await asyncio.wait({running}, timeout=milliseconds / 1000)
    running.cancel()
    await asyncio.wait({running}, timeout=END_S)
    assert running.cancelled()


async def test_a_stream_of_speech_that_is_closed_early_ends() -> None:
    async def minutes() -> AsyncGenerator[Waveform, None]:
        for _ in range(60):
            yield Waveform(np.zeros(60 * RATE, np.float32), RATE)

    chunks = encode_stream(minutes(), "wav", tempo=2)
    for _ in range(20):
        await anext(chunks)
        await asyncio.sleep(0.02)  # a slow client: ffmpeg has written more than was read
    await asyncio.wait_for(chunks.aclose(), END_S)
