"""Classes in latent space: their means, how close they lie, and who represents them."""

from collections.abc import Sequence

import numpy as np


def class_means(codes: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """The mean code of each class: codes (N, L), labels (N,) in 0..classes-1 to (classes, L)."""
    return np.stack([codes[labels == label].mean(axis=0) for label in range(classes)])


def distances(means: np.ndarray) -> np.ndarray:
    """Euclidean distances between class means (K, L): a symmetric matrix (K, K)."""
    from scipy.spatial.distance import cdist

    return cdist(means, means)


def closest_sets(distance: np.ndarray, size: int, count: int) -> list[tuple[int, ...]]:
    """The `count` pairs (`size` 2) or triples (3) of classes that lie closest, closest first.

    Their closeness is the sum of the distances, of (K, K), within them. Of equally close sets
    the first in the order of their members come first.
    """
    classes = len(distance)
    best: list[tuple[float, tuple[int, ...]]] = []
    later = np.triu(np.ones_like(distance, dtype=bool), k=1)
    # For each first class a matrix of all sums at once: millions of triples in a second.
    for first in range(classes):
        after = distance[first, first + 1 :]
        if size == 2:
            sums, members = after, np.arange(first + 1, classes)[:, np.newaxis]
        else:
            inner = later[first + 1 :, first + 1 :]
            total = after[:, np.newaxis] + after + distance[first + 1 :, first + 1 :]
            sums, members = total[inner], np.argwhere(inner) + first + 1
        chosen = np.argsort(sums, kind="stable")[:count]
        best += [(float(sums[i]), (first, *members[i].tolist())) for i in chosen]
        best = sorted(best)[:count]
    return [members for _, members in best]


def representatives(codes: np.ndarray, labels: np.ndarray, classes: int) -> list[int]:
    """For each class the position of that of its own codes (N, L) that is nearest to its mean."""
    means = class_means(codes, labels, classes)
    away = np.square(codes - means[labels]).sum(axis=1)
    return [int(np.where(labels == label, away, np.inf).argmin()) for label in range(classes)]


def sets_to_blend(
    means: np.ndarray, classes: Sequence[str], chosen: Sequence[Sequence[str]], closest: int
) -> list[tuple[str, list[int]]]:
    """The sets of classes to blend, as (label, members): those chosen by name, and the closest.

    `means` (K, L) are the classes' mean codes; `closest` is how many pairs, and how many triples.
    """
    sets = [(f"chosen {n}", [classes.index(c) for c in names]) for n, names in enumerate(chosen, 1)]
    for size, name in ((2, "pair"), (3, "triple")):
        found = closest_sets(distances(means), size, closest)
        sets += [(f"closest\n{name} {n}", list(members)) for n, members in enumerate(found, 1)]
    return sets


def examples(labels: np.ndarray, count: int) -> np.ndarray:
    """The positions of up to so many images to show: the first of each class, then further ones."""
    first = np.unique(labels, return_index=True)[1]
    others = np.setdiff1d(np.arange(len(labels)), first)
    return np.concatenate([first, others])[:count]
