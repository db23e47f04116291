"""Finding the directions in which voices differ: `python -m synapse_engines.speakers.training FILE`.

The voices are espeak-ng's named ones at two pitches each; those that measurements are made with are not among them.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import msgspec
import numpy as np

from synapse_engines.audio.resampling import resampled
from synapse_engines.audio.sound import Sound
from synapse_engines.speakers.features import RATE
from synapse_engines.speakers.voiceprint import Directions, Vector, statistics
from synapse_engines.voice.espeak import Voice, say

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
DIRECTIONS = 10
SMOOTHING = 0.01
"""Added to each variance, as its share: so few voices tell little of some directions."""


def fit(voices: Mapping[Voice, Sequence[Sound]]) -> Directions:
    """The directions in which the *voices* are furthest apart, next to how much each varies by itself."""
    groups = [[row for sound in sounds if (row := statistics(sound)) is not None] for sounds in voices.values()]
    centres = np.array([np.mean(group, axis=0) for group in groups])
    within = np.cov(np.concatenate([np.array(group) - centre for group, centre in zip(groups, centres, strict=True)]).T)
    white = np.linalg.inv(np.linalg.cholesky(within + SMOOTHING * np.diag(np.diag(within))))
    _, found = np.linalg.eigh(white @ np.cov(centres.T) @ white.T)
    rows: Vector = found[:, ::-1][:, :DIRECTIONS].T @ white
    mean: Vector = np.concatenate([np.array(group) for group in groups]).mean(axis=0)
    return Directions(mean.round(5).tolist(), rows.round(5).tolist())


async def spoken() -> dict[Voice, list[Sound]]:
    """Each voice with each text."""
    found: dict[Voice, list[Sound]] = {}
    for variant, pitch in product(VARIANTS, PITCHES):
        voice = Voice(variant, pitch)
        found[voice] = [await resampled(await say(text, voice), RATE) for text in TEXTS]
    return found


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(msgspec.json.encode(fit(asyncio.run(spoken()))) + b"\n")
