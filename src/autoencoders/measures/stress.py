"""Stress tests: how the error of a reconstruction depends on what was done to the input."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from autoencoders.measures.ratio import ratio


def stress_measures(
    mse: np.ndarray,
    clean_mse: float,
    groups: Mapping[str, np.ndarray],
    restored: Mapping[str, float],
) -> dict[str, Any]:
    """How well corrupted images are restored.

    Args:
        mse: the error (N,) of each reconstruction of a corrupted image.
        clean_mse: the same model's MSE on the originals as inputs.
        groups: what the error is broken down by, as `Corruption.groups` gives it.
        restored: the means of `Corruption.measures`.
    """
    mean = float(mse.mean())
    broken_down = {f"by_{name}": mse_by(record, mse) for name, record in groups.items()}
    return {"mse": mean, "excess": ratio(mean, clean_mse), **broken_down, **restored}


def mse_by(record: np.ndarray, mse: np.ndarray) -> dict[str, dict[str, float]]:
    """The mean of `mse` (N,), and the number of images, for each value in `record` (N,)."""
    return {
        str(value): {"mse": float(mse[record == value].mean()), "images": int(count)}
        for value, count in zip(*np.unique(record, return_counts=True), strict=True)
    }
