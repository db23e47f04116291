"""Units of the engines that need no process."""

import numpy as np
import pytest

from synapse_engines.audio.pitch import median_pitch
from synapse_engines.audio.waveform import Waveform
from synapse_engines.benchmark.transcription import edit_distance, word_error_rate
from synapse_engines.speakers.clustering import cluster
from synapse_engines.synthesis.references import safe_file_name

RATE = 16_000


def tone(hz: float, seconds: float = 1.0) -> Waveform:
    """Return a tone with overtones, similar to a voice."""
    times = np.arange(round(seconds * RATE)) / RATE
    waves = np.sum([np.sin(2 * np.pi * hz * order * times) / order for order in range(1, 6)], axis=0)
    return Waveform((0.2 * waves).astype(np.float32), RATE)


@pytest.mark.parametrize("hz", [80, 120, 165, 220, 330])
def test_the_pitch_of_a_tone_is_its_frequency(hz: float) -> None:
    assert median_pitch(tone(hz)) == pytest.approx(hz, rel=0.02)


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(1).standard_normal(RATE).astype(np.float32) * np.float32(0.1)
    assert median_pitch(Waveform(noise, RATE)) is None
    assert median_pitch(Waveform(np.zeros(RATE, np.float32), RATE)) is None


def test_word_errors_are_counted() -> None:
    assert edit_distance(["a", "b", "c"], ["a", "x", "c", "d"]) == 2
    assert word_error_rate([("One, two.", "one two"), ("three four", "three")]) == 0.25


def test_clusters_are_numbered_in_order_of_appearance() -> None:
    vectors = np.array([[1, 0], [0, 1], [1, 0.1], [0.1, 1], [1, 0.05]], np.float64)
    assert cluster(vectors, 0.8) == [0, 1, 0, 1, 0]
    assert cluster(vectors, 0.8, max_clusters=1) == [0] * 5
    assert len(set(cluster(vectors, -1, min_clusters=3))) == 3
    assert cluster(vectors[:1], 0.8, min_clusters=4) == [0]


def test_clusters_are_merged_by_the_mean_similarity_of_their_members() -> None:
    """Compare with the slow definition: the mean over all pairs of members of two clusters."""
    vectors = np.random.default_rng(3).standard_normal((40, 4))
    labels = cluster(vectors, 0.3)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    similarity = unit @ unit.T
    groups = [np.flatnonzero(np.array(labels) == label) for label in set(labels)]
    assert len(groups) > 3
    for index, first in enumerate(groups):
        for second in groups[index + 1 :]:
            assert similarity[np.ix_(first, second)].mean() < 0.3


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.wav", "a.wav"),
        ("../../x.wav", "x.wav"),
        (".hidden", "hidden"),
        ("a b\n.mp3", "a_b_.mp3"),
        ("", "_"),
        ("..", "_"),
    ],
)
def test_a_file_name_is_made_safe(name: str, safe: str) -> None:
    assert safe_file_name(name) == safe
