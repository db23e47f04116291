"""Agglomerative clustering: the two closest groups become one, until they are too far apart or few enough."""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
APART = -2.0
"""Less than any likeness."""


def clusters(vectors: Matrix, threshold: float, least: int = 1, most: int | None = None) -> list[int]:
    """The group of each row of *vectors*, numbered in the order in which groups come.

    Groups are joined while their mean cosine similarity is above *threshold* and there are more than *least*; where
    there are more than *most*, the closest are joined all the same.
    """
    group = np.arange(len(vectors))
    size = np.ones(len(vectors))
    likeness = cosines(vectors)
    np.fill_diagonal(likeness, APART)
    for left in range(len(vectors), max(least, 1), -1):
        first, second = np.unravel_index(np.argmax(likeness), likeness.shape)
        if likeness[first, second] < threshold and (most is None or left <= most):
            break
        _join(likeness, size, int(first), int(second))
        group[group == second] = first
    return _numbered(group.tolist())


def cosines(vectors: Matrix) -> Matrix:
    """How alike each two rows are, from -1 to 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(lengths, 1e-9)
    likeness: Matrix = unit @ unit.T
    return likeness


def _join(likeness: Matrix, size: NDArray[np.float64], first: int, second: int) -> None:
    """*second* is part of *first*, whose likeness to the others is the mean of its members' (Lance and Williams)."""
    shares = np.array([size[first], size[second]]) / (size[first] + size[second])
    mean = shares @ likeness[[first, second]]
    likeness[first] = likeness[:, first] = mean
    likeness[second] = likeness[:, second] = APART
    likeness[first, first] = likeness[first, second] = likeness[second, first] = APART
    size[first] += size[second]


def _numbered(groups: list[int]) -> list[int]:
    order = list(dict.fromkeys(groups))
    return [order.index(group) for group in groups]
