"""A Gaussian mixture of latent codes: a prior for models that have none, as in Ghosh et al., 2020
(arXiv:1903.12436), and a better one for those that have.
"""

import warnings
from collections.abc import Mapping

import numpy as np

from autoencoders.io.streams import library_seed, subsample

FITTED = 20_000
MIXTURE = {"weights": ("float64", 1), "means": ("float64", 2), "scales": ("float64", 3)}
"""The arrays of a mixture of K Gaussians over L dimensions: weights (K,), means (K, L) and scales
(K, L, L), the lower Cholesky factors of the covariances."""


def fit_mixture(codes: np.ndarray, components: int, seed: int) -> dict[str, np.ndarray]:
    """Fit full Gaussians to codes (N, L) by expectation maximisation: the arrays of MIXTURE.

    To a sample of 20,000 codes, and with fewer components where there are too few codes for them.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits

    codes = codes[subsample(len(codes), FITTED, seed, "codes for a mixture")].astype(np.float64)
    # So that a dimension that a model does not use does not make a covariance singular.
    floor = 1e-6 * max(codes.var(axis=0).max(), 1e-6)
    start = library_seed(seed, "mixture")
    components = max(1, min(components, len(codes) // (2 * codes.shape[1])))
    # With several threads sums are taken in an order that differs between runs.
    with threadpool_limits(1), warnings.catch_warnings():
        # Of fewer different codes than components, some components are equal.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture = GaussianMixture(components, reg_covar=floor, random_state=start).fit(codes)
    return {
        "weights": mixture.weights_,
        "means": mixture.means_,
        "scales": np.linalg.cholesky(mixture.covariances_),
    }


def sample_mixture(
    mixture: Mapping[str, np.ndarray], count: int, chance: np.random.Generator
) -> np.ndarray:
    """Draw codes (count, L), float32, in random order."""
    chosen = chance.choice(len(mixture["weights"]), count, p=mixture["weights"])
    noise = chance.standard_normal((count, mixture["means"].shape[1]))
    codes = np.empty_like(noise)
    for component, (mean, scale) in enumerate(
        zip(mixture["means"], mixture["scales"], strict=True)
    ):
        own = chosen == component
        codes[own] = mean + noise[own] @ scale.T
    return codes.astype(np.float32)
