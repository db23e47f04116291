"""Agglomerative clustering: merge the two most similar clusters until they differ too much or are few enough."""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
NEVER = -2.0
"""Similarity of pairs that must not be merged: below any cosine."""


def cluster(vectors: Matrix, threshold: float, min_clusters: int = 1, max_clusters: int | None = None) -> list[int]:
    """Return the cluster number of each row of *vectors*, in order of first appearance.

    Clusters are merged while their mean cosine similarity is above *threshold* and there are more than *min_clusters*.
    While there are more than *max_clusters*, the threshold is ignored.
    """
    labels = np.arange(len(vectors))
    sizes = np.ones(len(vectors))
    similarity = cosine_similarity(vectors)
    np.fill_diagonal(similarity, NEVER)
    for count in range(len(vectors), max(min_clusters, 1), -1):
        first, second = np.unravel_index(np.argmax(similarity), similarity.shape)
        if similarity[first, second] < threshold and (max_clusters is None or count <= max_clusters):
            break
        _merge(similarity, sizes, int(first), int(second))
        labels[labels == second] = first
    return _renumber(labels.tolist())


def cosine_similarity(vectors: Matrix) -> Matrix:
    """Return the cosine similarity of each pair of rows, from -1 to 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(lengths, 1e-9)
    similarity: Matrix = unit @ unit.T
    return similarity


def _merge(similarity: Matrix, sizes: NDArray[np.float64], first: int, second: int) -> None:
    """Merge *second* into *first*; its new similarities are the means over its members (Lance and Williams)."""
    weights = np.array([sizes[first], sizes[second]]) / (sizes[first] + sizes[second])
    mean = weights @ similarity[[first, second]]
    similarity[first] = similarity[:, first] = mean
    similarity[second] = similarity[:, second] = NEVER
    similarity[first, first] = similarity[first, second] = similarity[second, first] = NEVER
    sizes[first] += sizes[second]


def _renumber(labels: list[int]) -> list[int]:
    order = list(dict.fromkeys(labels))
    return [order.index(label) for label in labels]
