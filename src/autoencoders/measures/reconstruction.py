"""Measures of reconstruction.

Conventions, stated once: images are in [0, 1]; MSE is the mean over the pixels of an image, then
over images; PSNR and SSIM are means over images.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from autoencoders.io.tensors import EVALUATION_BATCH

WINDOW, DEVIATION = 11, 1.5  # of SSIM, in pixels
SMALLEST_MSE = 1e-10  # a PSNR of 100 dB, so that a perfect image does not make the mean infinite


def reconstruction_measures(
    mse: np.ndarray, ssim: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """The means of MSE, PSNR and SSIM over images, of each image's (N,), and each class's MSE."""
    errors = {"mse": mse, "psnr": psnr_from_mse(mse), "ssim": ssim}
    measured: dict[str, Any] = {name: float(v.mean()) for name, v in errors.items()}
    if classes:
        per_class = {name: float(mse[labels == label].mean()) for label, name in enumerate(classes)}
        return measured | {"mse_per_class": per_class}
    return measured


def mse_per_image(images: Tensor, originals: Tensor) -> np.ndarray:
    """MSE of each image in [0, 1] (N, C, H, W): float64 of shape (N,)."""
    return (images - originals).square().flatten(1).mean(dim=1).cpu().double().numpy()


def psnr_from_mse(mse: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB of images in [0, 1], at most 100."""
    return -10 * np.log10(np.maximum(mse, SMALLEST_MSE))


def ssim_per_image(images: Tensor, originals: Tensor) -> np.ndarray:
    """Structural similarity of images in [0, 1] (N, C, H, W), at most 1: float64 of shape (N,).

    Wang et al., 2004, with a Gaussian window of 11 pixels and images mirrored at their edges, which
    is what torchmetrics computes; that takes five seconds to import, and this a few lines.
    """
    batches = zip(images.split(EVALUATION_BATCH), originals.split(EVALUATION_BATCH), strict=True)
    return torch.cat([_ssim(*batch) for batch in batches]).cpu().double().numpy()


def _ssim(images: Tensor, originals: Tensor) -> Tensor:
    away = torch.arange(WINDOW, device=images.device) - WINDOW // 2
    line = torch.exp(-(away / DEVIATION).square() / 2)
    line = line / line.sum()
    channels = images.shape[1]
    window = line.outer(line).expand(channels, 1, WINDOW, WINDOW)

    def blurred(values: Tensor) -> Tensor:
        return functional.conv2d(values, window, groups=channels)

    x, y = (
        functional.pad(batch, [WINDOW // 2] * 4, mode="reflect") for batch in (images, originals)
    )
    mean_x, mean_y = blurred(x), blurred(y)
    spread = (blurred(x * x) - mean_x.square()).clamp(min=0)
    spread = spread + (blurred(y * y) - mean_y.square()).clamp(min=0)
    together = blurred(x * y) - mean_x * mean_y
    small, smaller = 0.03**2, 0.01**2
    likeness = (2 * mean_x * mean_y + smaller) * (2 * together + small)
    most = (mean_x.square() + mean_y.square() + smaller) * (spread + small)
    return (likeness / most).flatten(1).mean(dim=1)
