"""Stress tests: how the error of a reconstruction depends on what was done to the input."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autoencoders.corruptions.jigsaw import Jigsaw
from autoencoders.io.tensors import EVALUATION_BATCH
from autoencoders.measures.ratio import ratio


def stress_measures(
    mse: np.ndarray,
    tiles_right: np.ndarray | None,
    clean_mse: float,
    record: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """How well corrupted images are restored.

    Args:
        mse: the error (N,) of each reconstruction of a corrupted image.
        tiles_right: for jigsaws `tiles_right` of each (N,).
        clean_mse: the same model's MSE on the originals as inputs.
        record: what was done, under the corruption's `record_name`.
    """
    mean = float(mse.mean())
    measured: dict[str, Any] = {"mse": mean, "excess": ratio(mean, clean_mse)}
    if "k" in record:
        measured["by_k"] = mse_by(record["k"], mse)
    if tiles_right is not None:
        measured["by_misplaced_tiles"] = mse_by(misplaced(record["permutation"]), mse)
        measured["tile_accuracy"] = float(tiles_right.mean())
    return measured


def mse_by(record: np.ndarray, mse: np.ndarray) -> dict[str, dict[str, float]]:
    """The mean of `mse` (N,), and the number of images, for each value in `record` (N,)."""
    return {
        str(value): {"mse": float(mse[record == value].mean()), "images": int(count)}
        for value, count in zip(*np.unique(record, return_counts=True), strict=True)
    }


def misplaced(permutations: np.ndarray) -> np.ndarray:
    """How many tiles of each image lie in another's place: permutations (N, T) to (N,)."""
    return (permutations != np.arange(permutations.shape[1])).sum(axis=1)


def tiles_right(reconstructed: Tensor, originals: Tensor, jigsaw: Jigsaw) -> np.ndarray:
    """The share of each image's places whose tile is nearest to the tile that belongs there: (N,).

    Both are float images (N, C, H, W) in [0, 1]. A tile is compared by its squared error with each
    tile of the original; others that are identical to the right one count as right.
    """
    shares = []
    for batch in zip(
        reconstructed.split(EVALUATION_BATCH), originals.split(EVALUATION_BATCH), strict=True
    ):
        made, true = (cut(images, jigsaw) for images in batch)
        errors = torch.stack(
            [(made - tile.unsqueeze(1)).square().sum(dim=2) for tile in true.unbind(dim=1)], dim=2
        )
        own = errors.diagonal(dim1=1, dim2=2)
        shares.append((own <= errors.amin(dim=2)).cpu().double().mean(dim=1))
    return torch.cat(shares).numpy()


def cut(images: Tensor, jigsaw: Jigsaw) -> Tensor:
    """The tiles of images (N, C, H, W), row by row: (N, tiles, numbers in a tile)."""
    number = jigsaw.place.masked_fill(~jigsaw.in_tile, -1)
    pixels = torch.stack([(number == tile).nonzero().flatten() for tile in range(jigsaw.grid**2)])
    return images.flatten(2)[:, :, pixels].transpose(1, 2).flatten(2)
