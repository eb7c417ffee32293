"""Aligners: an estimate of the original image from the corrupted one, made before it is encoded.

A corruption is a permutation of pixels. Among all estimates of the original, the one with the least
expected squared error is its conditional mean: each way back from the corrupted image, weighted by
its probability. An aligner learns these probabilities. It sees the corrupted image alone, needs no
labels, and learns from the squared error of its estimate. The error of an autoencoder that encodes
the estimate y is then the sum of two, E|x - y|^2, which alignment alone can reduce, and E|y - D|^2,
which encoder and decoder alone can.

Soft permutations as layers: Mena et al., 2018 (arXiv:1802.08665). Scoring each rotation of an image
by one network: Kaba et al., 2023 (arXiv:2211.06489).
"""

from typing import Any

import torch
from torch import Tensor, nn

from autoencoders.models.conv import ConvEncoder


class RotationAligner(nn.Module):
    """Turns images back: the mean over the four rotations, weighted by how upright each looks."""

    CHANNELS = (16, 32, 64)

    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.uprightness = ConvEncoder(image_shape, 1, list(self.CHANNELS))

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, C, H, H) to the estimates of their originals, of the same shape."""
        turned = torch.stack([images.rot90(-k, (2, 3)) for k in range(4)])
        batch = turned.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        weights = self.uprightness(batch).view(4, -1, 1, 1, 1).softmax(dim=0)
        return (weights * turned).sum(dim=0)


class JigsawAligner(nn.Module):
    """Puts tiles back: in each place the mean of all tiles, weighted by a transformer.

    The transformer sees the tiles as a set (Vaswani et al., 2017, without positions), so it has
    to tell from what they show where they belong. The strips at the right and at the bottom that
    a jigsaw leaves in place, where its grid does not divide the image, are a token of their own.
    """

    WIDTH, HEADS, LAYERS = 128, 4, 2

    def __init__(self, image_shape: tuple[int, int, int], *, grid: int) -> None:
        super().__init__()
        channels, height, width = image_shape
        self.grid = grid
        self.tile_shape = (channels, height // grid, width // grid)
        self.height, self.width = (grid * side for side in self.tile_shape[1:])
        tile_size = channels * (self.height // grid) * (self.width // grid)
        strip_size = channels * (height * width - self.height * self.width)
        self.embed_tile = nn.Sequential(
            nn.Linear(tile_size, 2 * self.WIDTH), nn.GELU(), nn.Linear(2 * self.WIDTH, self.WIDTH)
        )
        self.embed_strips = nn.Linear(strip_size, self.WIDTH) if strip_size else None
        layer = nn.TransformerEncoderLayer(
            self.WIDTH,
            self.HEADS,
            dim_feedforward=4 * self.WIDTH,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.transformer = nn.TransformerEncoder(
            layer, self.LAYERS, nn.LayerNorm(self.WIDTH), enable_nested_tensor=False
        )
        self.to_places = nn.Linear(self.WIDTH, grid * grid)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) to the estimates of their originals, of the same shape."""
        tiles = self.cut(images)
        tokens = self.embed_tile(tiles)
        right, bottom = images[:, :, : self.height, self.width :], images[:, :, self.height :]
        if self.embed_strips is not None:
            strips = torch.cat([right.flatten(1), bottom.flatten(1)], dim=1)
            tokens = torch.cat([tokens, self.embed_strips(strips).unsqueeze(1)], dim=1)
        tokens = self.transformer(tokens)[:, : tiles.shape[1]]
        # From (image, tile, place): for each place the probabilities of the tiles.
        weights = self.to_places(tokens).softmax(dim=1).transpose(1, 2)
        put_back = self.paste((weights @ tiles).to(images.dtype))
        return torch.cat([torch.cat([put_back, right], dim=3), bottom], dim=2)

    def cut(self, images: Tensor) -> Tensor:
        """The tiles of images (N, C, H, W), row by row: (N, grid * grid, numbers in a tile)."""
        region = images[:, :, : self.height, : self.width]
        cut = region.unflatten(3, (self.grid, -1)).unflatten(2, (self.grid, -1))
        return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)

    def paste(self, tiles: Tensor) -> Tensor:
        """The inverse of `cut`, without the strips."""
        apart = tiles.unflatten(2, self.tile_shape).unflatten(1, (self.grid, self.grid))
        return apart.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)


ALIGNERS: dict[str, type[nn.Module]] = {"rotate": RotationAligner, "jigsaw": JigsawAligner}
"""Kind of corruption -> what undoes it, built from the image shape and the corruption's settings.

A corruption that has no entry is left to the encoder.
"""


def build_aligner(
    image_shape: tuple[int, int, int], *, kind: str, **settings: Any
) -> nn.Module | None:
    """The aligner for a corruption of that kind and settings, or None where there is none."""
    return ALIGNERS[kind](image_shape, **settings) if kind in ALIGNERS else None
