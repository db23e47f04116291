"""Agglomerative clustering: the two most similar clusters are merged until they differ too much or are few enough."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synapse_engines.speakers.diarizer import SpeakerCount, Vector
from synapse_engines.speakers.voice_encoder import unit

SAME_SPEAKER = 0.75
"""Mean cosine similarity of the windows of two clusters, from which they are one speaker. A window is shorter than the
recordings of a verification, so the value is a little lower than that threshold."""
MIN_SPEAKER_S = 1.5
"""Minimum time of a speaker; a smaller cluster, often a window with two voices, goes to the most similar speaker."""
MAX_WINDOWS = 1000
"""Windows that are clustered, evenly over the recording; the others go to the most similar speaker."""
NEVER = -2.0
"""Similarity of pairs that must not be merged: below any cosine."""


def cluster_windows(vectors: Vector, seconds: NDArray[np.float64], count: SpeakerCount) -> tuple[list[int], Vector]:
    """Return the speaker of each window, numbered in order of appearance, and the voice of each speaker.

    *vectors* (windows, dimensions) have length 1, *seconds* are the times of the windows.
    """
    chosen = np.unique(np.linspace(0, len(vectors) - 1, min(len(vectors), MAX_WINDOWS)).round().astype(int))
    weights = seconds[chosen] * seconds.sum() / seconds[chosen].sum()
    clusters = merge_similar(vectors[chosen], weights, count)
    voices = unit(np.stack([vectors[chosen][members].mean(axis=0) for members in clusters]))
    return _in_order(np.argmax(vectors @ voices.T, axis=1), voices)


def merge_similar(vectors: Vector, seconds: NDArray[np.float64], count: SpeakerCount) -> list[NDArray[np.int64]]:
    """Return the windows of each speaker, from the one with the most time.

    Only clusters of at least MIN_SPEAKER_S count as speakers, unless there are fewer of them than *count* allows.
    """
    clusters = _Clusters(vectors, seconds)
    while clusters.merge_best(count):
        pass
    return clusters.speakers(max(count.minimum, 1), count.maximum)


class _Clusters:
    """Clusters of windows, and the mean similarity of each pair."""

    def __init__(self, vectors: Vector, seconds: NDArray[np.float64]) -> None:
        self._similarity = (vectors @ vectors.T).astype(np.float64)
        np.fill_diagonal(self._similarity, NEVER)
        self._sizes = np.ones(len(vectors))
        self._seconds = seconds.copy()
        self._labels = np.arange(len(vectors))

    def merge_best(self, count: SpeakerCount) -> bool:
        """Merge the two most similar clusters; return False if none are similar enough."""
        first, second = (int(index) for index in np.unravel_index(np.argmax(self._similarity), self._similarity.shape))
        best = self._similarity[first, second]
        is_large = self._seconds >= MIN_SPEAKER_S
        large = int(is_large.sum())
        is_enough = count.maximum is None or large <= count.maximum
        if best == NEVER or (best < SAME_SPEAKER and is_enough):
            return False
        if is_large[first] and is_large[second] and large <= count.minimum:
            self._similarity[first, second] = self._similarity[second, first] = NEVER
        else:
            self._merge(first, second)
        return True

    def speakers(self, minimum: int, maximum: int | None) -> list[NDArray[np.int64]]:
        order: Sequence[int] = np.argsort(-self._seconds, kind="stable").tolist()
        kept = max(int((self._seconds >= MIN_SPEAKER_S).sum()), minimum)
        kept = min(kept, maximum or kept, int((self._seconds > 0).sum()))
        return [np.flatnonzero(self._labels == label) for label in order[:kept]]

    def _merge(self, first: int, second: int) -> None:
        """Merge *second* into *first*; its new similarities are the means over its members (Lance and Williams)."""
        weights = self._sizes[[first, second]] / self._sizes[[first, second]].sum()
        mean = weights @ self._similarity[[first, second]]
        mean[(self._similarity[[first, second]] == NEVER).any(axis=0)] = NEVER
        self._similarity[first] = self._similarity[:, first] = mean
        self._similarity[second] = self._similarity[:, second] = NEVER
        self._similarity[first, first] = NEVER
        for values in (self._sizes, self._seconds):
            values[first] += values[second]
            values[second] = 0
        self._labels[self._labels == second] = first


def _in_order(labels: NDArray[np.int64], voices: Vector) -> tuple[list[int], Vector]:
    """Number the speakers that have windows in order of appearance."""
    order = list(dict.fromkeys(labels.tolist()))
    return [order.index(label) for label in labels.tolist()], voices[order]
