"""New images: decoded class means, blends of classes, interpolations, samples from the prior."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from autoencoders.models.base import Autoencoder
from autoencoders.models.inference import decode, to_bytes


def decode_codes(model: Autoencoder, codes: np.ndarray | Tensor) -> np.ndarray:
    """Decode codes (N, L) to uint8 images (N, C, H, W) on the model's device."""
    device = next(model.parameters()).device
    return to_bytes(decode(model, torch.as_tensor(codes).to(device))).numpy()


def blend(means: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    """The code amid classes: the mean (L,) of their means, of (K, L)."""
    return means[list(classes)].mean(axis=0)


def interpolate(start: np.ndarray, end: np.ndarray, steps: int) -> np.ndarray:
    """`steps` codes on the straight line from `start` (L,) to `end` (L,), both included."""
    weight = np.linspace(0, 1, steps, dtype=start.dtype)[:, np.newaxis]
    return (1 - weight) * start + weight * end
