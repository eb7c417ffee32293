"""The latent space: projections to two dimensions, class means and their distances."""

from itertools import combinations

import numpy as np

from autoencoders.core.errors import UserError

FEWEST_CODES = 4


def project_pca(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first two principal components of codes (N, L): points (N, 2), shares of variance (2,).

    Codes of a single dimension get a second coordinate of zeros.
    """
    from sklearn.decomposition import PCA

    if codes.shape[1] == 1:
        return np.column_stack([codes, np.zeros(len(codes))]), np.array([1.0, 0.0])
    pca = PCA(n_components=2, svd_solver="full")
    return pca.fit_transform(codes.astype(np.float64)), pca.explained_variance_ratio_


def project_tsne(codes: np.ndarray, perplexity: float, seed: int) -> np.ndarray:
    """t-SNE (van der Maaten & Hinton, 2008) of codes (N, L): points (N, 2).

    The perplexity is at most a third of the number of codes, which have no more neighbours.

    Raises:
        UserError: there are fewer codes than a map can be made of.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if len(codes) < FEWEST_CODES:
        raise UserError(
            f"t-SNE needs at least {FEWEST_CODES} validation codes, found {len(codes)}; "
            "raise data.validation_fraction or add images"
        )
    perplexity = min(perplexity, (len(codes) - 1) / 3)
    initial = (project_pca(codes)[0] / codes.std() * 1e-4).astype(np.float32)
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
    """The `count` sets of so many classes that lie closest to each other, closest first.

    Their closeness is the sum of the distances, of (K, K), within them.
    """
    sets = list(combinations(range(len(distance)), size))
    spread = [sum(distance[pair] for pair in combinations(members, 2)) for members in sets]
    return [sets[i] for i in np.argsort(spread, kind="stable")[:count]]


def representatives(codes: np.ndarray, labels: np.ndarray, classes: int) -> list[int]:
    """For each class the position of that of its own codes (N, L) that is nearest to its mean."""
    means = class_means(codes, labels, classes)
    away = np.square(codes - means[labels]).sum(axis=1)
    return [int(np.where(labels == label, away, np.inf).argmin()) for label in range(classes)]
