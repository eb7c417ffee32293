"""The floors that give a model's numbers meaning: what needs no training of a network.

Images are uint8 (N, C, H, W); a mean squared error is that of their values in [0, 1].
"""

from collections.abc import Callable

import numpy as np
from sklearn.decomposition import PCA

from autoencoders.io.streams import subsample

BATCH = 1000
MAX_PCA_NUMBERS = 1 << 27  # a gibibyte of float64
MAX_EXACT_PCA = 4096  # grey levels of an image whose covariance matrix is still quick to solve


def mean_image_mse(train: np.ndarray, test: np.ndarray) -> float:
    """MSE on `test` of the mean image of `train`, both uint8 (N, C, H, W)."""
    mean = train.mean(axis=0, dtype=np.float64)
    return _mse(lambda batch: np.broadcast_to(mean, batch.shape), test, test)


def copy_mse(inputs: np.ndarray, originals: np.ndarray) -> float:
    """MSE of the input taken for the reconstruction, both uint8 (N, C, H, W)."""
    return _mse(lambda batch: batch, inputs, originals)


def pca_mse(pca: PCA, test: np.ndarray) -> float:
    """MSE on `test`, uint8 (N, C, H, W), of what PCA's components keep of the images."""

    def project(batch: np.ndarray) -> np.ndarray:
        restored = pca.inverse_transform(pca.transform(flat(batch)))
        return restored.reshape(batch.shape) * 255

    return _mse(project, test, test)


def fit_pca(train: np.ndarray, components: int, seed: int) -> PCA:
    """PCA of uint8 images (N, C, H, W), with as many components as a latent code has.

    Components are capped at what the images determine. Of more than MAX_PCA_NUMBERS grey levels it
    is fitted to a seeded sample of the images, and of more than MAX_EXACT_PCA levels per image by
    randomised SVD (Halko et al., 2011).
    """
    levels = train[0].size
    most = max(components, MAX_PCA_NUMBERS // levels)
    if len(train) > most:
        train = train[subsample(len(train), most, seed)]
    fitted = flat(train)
    solver = "covariance_eigh" if levels <= MAX_EXACT_PCA else "randomized"
    pca = PCA(min(components, *fitted.shape), svd_solver=solver, random_state=seed)
    with np.errstate(invalid="ignore"):  # equal images have shares of no variance
        return pca.fit(fitted)


def flat(images: np.ndarray) -> np.ndarray:
    """uint8 images (N, C, H, W) to float64 rows (N, C * H * W) in [0, 1]."""
    return images.reshape(len(images), -1) / 255


def _mse(
    reconstruct: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray, originals: np.ndarray
) -> float:
    """The MSE in [0, 1] of a reconstruction in grey levels, in batches that fit any memory."""
    total = 0.0
    for start in range(0, len(inputs), BATCH):
        batch = slice(start, start + BATCH)
        errors = (reconstruct(inputs[batch]) - originals[batch].astype(np.float64)) / 255
        total += float(np.square(errors).sum())
    return total / originals.size


def pca_samples(pca: PCA, count: int, seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """uint8 images (count, *shape) drawn from a Gaussian over PCA's components."""
    scales = np.sqrt(pca.explained_variance_)
    codes = np.random.default_rng(seed).standard_normal((count, len(scales))) * scales
    images = pca.inverse_transform(codes).reshape(count, *shape)
    return (images.clip(0, 1) * 255).round().astype(np.uint8)
