"""The floors that give a model's numbers meaning: what needs no training of a network.

Images are uint8 (N, C, H, W); a mean squared error is that of their values in [0, 1].
"""

from collections.abc import Callable

import numpy as np
from sklearn.decomposition import PCA

from autoencoders.io.streams import library_seed, numpy_generator, subsample

BATCH = 1000
MAX_NUMBERS = 1 << 27  # a gibibyte of float64, the most that is made of images at once
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
        return pca.inverse_transform(pca_codes(pca, batch)).reshape(batch.shape) * 255

    return _mse(project, test, test)


def fit_pca(train: np.ndarray, components: int, seed: int) -> PCA:
    """PCA of uint8 images (N, C, H, W), with as many components as a latent code has.

    Components are capped at what the images determine. Of more than MAX_NUMBERS grey levels it
    is fitted to a seeded sample of the images, and of more than MAX_EXACT_PCA levels per image by
    randomised SVD (Halko et al., 2011).
    """
    levels = train[0].size
    most = max(components, MAX_NUMBERS // levels)
    if len(train) > most:
        train = train[subsample(len(train), most, seed, "images for PCA")]
    fitted = flat(train)
    solver = "covariance_eigh" if levels <= MAX_EXACT_PCA else "randomized"
    start = library_seed(seed, "randomised SVD")
    pca = PCA(min(components, *fitted.shape), svd_solver=solver, random_state=start)
    with np.errstate(invalid="ignore"):  # equal images have shares of no variance
        return pca.fit(fitted)


def pca_codes(pca: PCA, images: np.ndarray) -> np.ndarray:
    """What stands for a latent code of uint8 images (N, C, H, W): float64 (N, components)."""
    parts = range(0, len(images), BATCH)
    return np.concatenate([pca.transform(flat(images[start : start + BATCH])) for start in parts])


def pixel_codes(images: np.ndarray, labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Raw pixels in [0, 1] in the place of codes, float32 (N, C * H * W), and their labels.

    Of more than MAX_NUMBERS grey levels a seeded sample of the images.
    """
    chosen = subsample(len(images), MAX_NUMBERS // images[0].size, seed, "images as codes")
    return images[chosen].reshape(len(chosen), -1) / np.float32(255), labels[chosen]


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
    chance = numpy_generator(seed, "Gaussian over PCA")
    images = np.empty((count, *shape), np.uint8)
    for start in range(0, count, BATCH):
        batch = images[start : start + BATCH]
        codes = chance.standard_normal((len(batch), len(scales))) * scales
        decoded = pca.inverse_transform(codes).reshape(batch.shape)
        batch[:] = (decoded.clip(0, 1) * 255).round()
    return images
