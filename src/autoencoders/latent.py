"""The latent space: projections to two dimensions, class means and their distances."""

import numpy as np

from autoencoders.core.errors import left_out

FEWEST_CODES = 4


def project_pca(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first two principal components of codes (N, L): points (N, 2), shares of variance (2,).

    What has no second component gets a coordinate of zeros, with a share of 0.
    """
    from sklearn.decomposition import PCA

    components = min(2, *codes.shape)
    if codes.shape[1] == 1:
        points, shares = codes, np.ones(1)
    elif not codes.std(axis=0).any():
        points, shares = np.zeros((len(codes), 1)), np.zeros(1)
    else:
        pca = PCA(n_components=components, svd_solver="full")
        points, shares = pca.fit_transform(codes.astype(np.float64)), pca.explained_variance_ratio_
    missing = 2 - points.shape[1]
    return np.pad(points, ((0, 0), (0, missing))), np.pad(shares, (0, missing))


def project_tsne(codes: np.ndarray, perplexity: float, seed: int) -> np.ndarray | None:
    """t-SNE (van der Maaten & Hinton, 2008) of codes (N, L): points (N, 2).

    The perplexity is at most a third of the number of codes, which have no more neighbours. None
    where there are fewer than 4 codes, or all are equal, of which there is no map.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    spread = codes.std()
    if len(codes) < FEWEST_CODES or not spread:
        found = f"{len(codes)}, all equal" if not spread else len(codes)
        left_out("t-SNE", f"it needs {FEWEST_CODES} validation codes that differ, found {found}")
        return None
    perplexity = min(perplexity, (len(codes) - 1) / 3)
    initial = (project_pca(codes)[0] / spread * 1e-4).astype(np.float32)
    # With several threads the gradients' sums are taken in an order that differs between runs.
    with threadpool_limits(1):
        tsne = TSNE(perplexity=perplexity, init=initial, random_state=seed)
        return tsne.fit_transform(codes)


def subsample(count: int, most: int, seed: int) -> np.ndarray:
    """Up to `most` of the positions 0..count-1, in order, the same for a given seed."""
    chosen = np.random.default_rng(seed).permutation(count)[:most]
    return np.sort(chosen)


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
