"""Noise reduction of a recording in blocks, from ffmpeg through DeepFilterNet into a WAV file."""

import wave
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from synapse_engines.audio.waveform import FULL_SCALE
from synapse_engines.enhancement.deepfilternet import DELAY, FRAME, RATE, UNLIMITED_DB, Channel, channels
from synapse_engines.enhancement.pcm_stream import Frames, Source, read_blocks
from synapse_engines.models.holder import release_memory
from synapse_engines.web.work_queue import CancelEvent

BLOCK = 100 * FRAME
"""Samples between two looks at the cancellation: one second."""


def denoise_to_wav(
    source: Source, model: Path, target: IO[bytes], cancel: CancelEvent, limit_db: int = UNLIMITED_DB
) -> None:
    """Write *source* without noise as 16-bit WAV to *target*, which is left unfinished after a cancellation.

    Raises BadInputError and TooLargeError, as `read_blocks`.
    """
    try:
        with wave.open(target, "wb") as file, channels(model, source.channels, limit_db) as states:
            file.setparams((source.channels, 2, RATE, 0, "NONE", ""))
            for block in denoise(read_blocks(source, BLOCK, cancel), states):
                file.writeframesraw((np.clip(block, -1, 1) * FULL_SCALE).astype("<i2").tobytes())
    finally:
        release_memory()


def denoise(blocks: Iterable[Frames], states: Sequence[Channel]) -> Iterator[Frames]:
    """Yield the samples of *blocks* without noise, as many as come in and at the same times.

    Each block except the last is a multiple of FRAME.
    """
    late, left = DELAY, 0
    for block in blocks:
        left += len(block)
        processed = _process(block, states)
        result = processed[late:][:left]
        late = max(late - len(processed), 0)
        left -= len(result)
        yield result
    # The last samples are still in the network.
    if left:
        yield _process(np.zeros((left + late, len(states)), np.float32), states)[late:][:left]


def _process(block: Frames, states: Sequence[Channel]) -> Frames:
    """Return *block*, filled up to a multiple of FRAME, after the network of each channel."""
    padded = np.pad(block, ((0, -len(block) % FRAME), (0, 0)))
    return np.stack([state.process(column) for state, column in zip(states, padded.T, strict=True)], axis=1)
