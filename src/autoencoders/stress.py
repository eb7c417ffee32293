"""Stress tests: how the error of a reconstruction depends on what was done to the input."""

import numpy as np
import torch
from torch import Tensor

from autoencoders.corruptions import Jigsaw
from autoencoders.models.inference import EVALUATION_BATCH


def mse_by(record: np.ndarray, mse: np.ndarray) -> dict[str, dict[str, float]]:
    """The mean of `mse` (N,), and the number of images, for each value in `record` (N,)."""
    return {
        str(value): {"mse": float(mse[record == value].mean()), "images": int(count)}
        for value, count in zip(*np.unique(record, return_counts=True), strict=True)
    }


def misplaced(permutations: np.ndarray) -> np.ndarray:
    """How many tiles of each image lie in another's place: permutations (N, T) to (N,)."""
    return (permutations != np.arange(permutations.shape[1])).sum(axis=1)


def tile_accuracy(reconstructed: Tensor, originals: Tensor, jigsaw: Jigsaw) -> float:
    """The share of places whose reconstructed tile is nearest to the tile that belongs there.

    Both are float images (N, C, H, W) in [0, 1]. A tile is compared by its squared error with each
    tile of the original; others that are identical to the right one count as right.
    """
    right = 0.0
    for batch in zip(
        reconstructed.split(EVALUATION_BATCH), originals.split(EVALUATION_BATCH), strict=True
    ):
        made, true = (cut(images, jigsaw) for images in batch)
        errors = torch.stack(
            [(made - tile.unsqueeze(1)).square().sum(dim=2) for tile in true.unbind(dim=1)], dim=2
        )
        own = errors.diagonal(dim1=1, dim2=2)
        right += (own <= errors.amin(dim=2)).double().mean().item() * len(made)
    return right / len(originals)


def cut(images: Tensor, jigsaw: Jigsaw) -> Tensor:
    """The tiles of images (N, C, H, W), row by row: (N, tiles, numbers in a tile)."""
    number = jigsaw.place.masked_fill(~jigsaw.in_tile, -1)
    pixels = torch.stack([(number == tile).nonzero().flatten() for tile in range(jigsaw.grid**2)])
    return images.flatten(2)[:, :, pixels].transpose(1, 2).flatten(2)
