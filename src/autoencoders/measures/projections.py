"""Projections of the latent space to two dimensions."""

import numpy as np

from autoencoders.errors import left_out
from autoencoders.io.streams import library_seed

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
    start = library_seed(seed, "t-SNE")
    with threadpool_limits(1):
        tsne = TSNE(perplexity=perplexity, init=initial, random_state=start)
        return tsne.fit_transform(codes)
