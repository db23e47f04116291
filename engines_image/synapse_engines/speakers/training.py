"""Training of the voiceprint projection: `python -m synapse_engines.speakers.training FILE`.

The training voices are the named variants of espeak-ng at two pitches each; the benchmark uses other voices.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import msgspec
import numpy as np

from synapse_engines.audio.ffmpeg import resample
from synapse_engines.audio.waveform import Waveform
from synapse_engines.speakers.mfcc import RATE
from synapse_engines.speakers.voiceprint import Projection, Vector, voice_statistics
from synapse_engines.synthesis.espeak import EspeakVoice, synthesize

VARIANTS = (
    *("Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis"),
    *("Diogo", "Gene", "Hugo", "Jacky", "Lee", "Marco"),
    *("Mario", "Michael", "Mike", "adam", "anika", "antonio"),
    *("belinda", "benjamin", "boris", "caleb", "david", "ed"),
    *("gustave", "iven", "john", "linda", "marcelo", "max"),
)
PITCHES = (40, 60)
TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "Please call me back in the morning when you have time.",
    "We walked along the river until it was dark.",
    "A small boat came slowly into the harbour at noon.",
    "She sells flowers and bread near the old station.",
)
AXES = 10
SMOOTHING = 0.01
"""Share of each variance that is added to it: so few voices estimate some axes badly."""


def fit(voices: Mapping[EspeakVoice, Sequence[Waveform]]) -> Projection:
    """Return the axes with the largest variance between *voices*, relative to the variance within each."""
    groups = [_statistics(waveforms) for waveforms in voices.values()]
    centers = np.array([np.mean(group, axis=0) for group in groups])
    within = np.cov(np.concatenate([np.array(group) - center for group, center in zip(groups, centers, strict=True)]).T)
    whitening = np.linalg.inv(np.linalg.cholesky(within + SMOOTHING * np.diag(np.diag(within))))
    _, eigenvectors = np.linalg.eigh(whitening @ np.cov(centers.T) @ whitening.T)
    rows: Vector = eigenvectors[:, ::-1][:, :AXES].T @ whitening
    mean: Vector = np.concatenate([np.array(group) for group in groups]).mean(axis=0)
    return Projection(mean.round(5).tolist(), rows.round(5).tolist())


def _statistics(waveforms: Sequence[Waveform]) -> list[Vector]:
    return [row for waveform in waveforms if (row := voice_statistics(waveform)) is not None]


async def training_speech() -> dict[EspeakVoice, list[Waveform]]:
    """Return each text spoken by each training voice."""
    speech: dict[EspeakVoice, list[Waveform]] = {}
    for variant, pitch in product(VARIANTS, PITCHES):
        voice = EspeakVoice(variant, pitch)
        speech[voice] = [await resample(await synthesize(text, voice), RATE) for text in TEXTS]
    return speech


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(msgspec.json.encode(fit(asyncio.run(training_speech()))) + b"\n")
