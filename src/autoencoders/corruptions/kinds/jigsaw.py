"""Jigsaws, and what puts them together."""

from collections.abc import Mapping

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from autoencoders.corruptions.base import Permutation, Record
from autoencoders.errors import UserError
from autoencoders.settings import Settings


class Jigsaw(Permutation):
    """The image is cut into `grid` x `grid` tiles, shuffled by a permutation for each image.

    Tiles are numbered row by row; of the record "permutation", (N, grid * grid), the number at
    [i, j] is the tile of image i that lands in place j. Where the grid does not divide the image,
    the strip that remains at the right and at the bottom stays where it is.
    """

    class Settings(Settings):
        grid: int = Field(ge=2, description="tiles in a row, and rows, up to the side in pixels")

    def __init__(
        self, height: int, width: int, device: torch.device | str = "cpu", *, grid: int
    ) -> None:
        super().__init__(height, width, device)
        if not 2 <= grid <= min(height, width):
            raise UserError(
                f"grid is {grid}, expected 2 to {min(height, width)}, the side in pixels of the "
                "images"
            )
        self.grid = grid
        tile_height, tile_width = height // grid, width // grid
        row = torch.arange(height, device=device).unsqueeze(1)
        column = torch.arange(width, device=device).unsqueeze(0)
        self.pixel = (row * width + column).flatten()
        self.in_tile = ((row < grid * tile_height) & (column < grid * tile_width)).flatten()
        place = (row // tile_height) * grid + column // tile_width
        self.place = place.flatten().clamp(max=grid * grid - 1)
        self.offset = (row % tile_height * width + column % tile_width).flatten()
        number = torch.arange(grid * grid, device=device)
        self.corner = number // grid * tile_height * width + number % grid * tile_width

    def draw(self, count: int, generator: torch.Generator) -> Record:
        tiles = self.grid * self.grid
        return {"permutation": torch.rand(count, tiles, generator=generator).argsort(dim=1)}

    def table(self, record: Record) -> Tensor:
        source = self.corner[record["permutation"]][:, self.place] + self.offset
        return torch.where(self.in_tile, source, self.pixel)

    def groups(self, record: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"misplaced_tiles": misplaced(record["permutation"])}

    def measures(self, restored: Tensor, originals: Tensor, record: Record) -> dict[str, Tensor]:
        return {"tile_accuracy": tiles_right(restored, originals, self.grid)}

    def aligner(self, channels: int) -> nn.Module:
        return JigsawAligner((channels, self.height, self.width), grid=self.grid)


def misplaced(permutations: np.ndarray) -> np.ndarray:
    """How many tiles of each image lie in another's place: permutations (N, T) to (N,)."""
    return (permutations != np.arange(permutations.shape[1])).sum(axis=1)


def tiles_right(restored: Tensor, originals: Tensor, grid: int) -> Tensor:
    """The share of each image's places whose tile is nearest to the tile that belongs there: (N,).

    Both are float images (N, C, H, W) in [0, 1]. A tile is compared by its squared error with each
    tile of the original; others that are identical to the right one count as right.
    """
    made, true = (cut(images, grid) for images in (restored, originals))
    errors = torch.stack(
        [(made - tile.unsqueeze(1)).square().sum(dim=2) for tile in true.unbind(dim=1)], dim=2
    )
    own = errors.diagonal(dim1=1, dim2=2)
    return (own <= errors.amin(dim=2)).cpu().double().mean(dim=1)


def cut(images: Tensor, grid: int) -> Tensor:
    """The tiles of images (N, C, H, W), row by row: (N, grid * grid, numbers in a tile)."""
    height, width = (grid * (side // grid) for side in images.shape[2:])
    region = images[:, :, :height, :width]
    apart = region.unflatten(3, (grid, -1)).unflatten(2, (grid, -1))
    return apart.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def paste(tiles: Tensor, channels: int, tile_height: int, grid: int) -> Tensor:
    """The inverse of `cut`, without the strips that the grid leaves over."""
    apart = tiles.unflatten(2, (channels, tile_height, -1)).unflatten(1, (grid, grid))
    return apart.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)


class JigsawAligner(nn.Module):
    """Puts tiles back: in each place the mean of all tiles, weighted by a transformer.

    The transformer sees the tiles as a set (Vaswani et al., 2017, without positions), so it has
    to tell from what they show where they belong. The strips at the right and at the bottom that
    a jigsaw leaves in place, where its grid does not divide the image, are a token of their own.
    Tiles that may have been turned stand in the set in each of their four rotations.
    """

    WIDTH, HEADS, LAYERS = 128, 4, 2

    def __init__(self, image_shape: tuple[int, ...], *, grid: int, turned: bool = False) -> None:
        super().__init__()
        self.turned = turned
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
            dim_feedforward=2 * self.WIDTH,
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
        tiles, scores = self.scores(images)
        # From (image, candidate, place): for each place the probabilities of the candidates.
        weights = scores.softmax(dim=1).transpose(1, 2)
        put_back = paste((weights @ tiles).to(images.dtype), *self.tile_shape[:2], self.grid)
        right, bottom = self._strips(images)
        return torch.cat([torch.cat([put_back, right], dim=3), bottom], dim=2)

    def scores(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The candidates (N, T, numbers in a tile), and how well each fits where: (N, T, places).

        Scores are logarithms of probabilities, up to a constant for each place.
        """
        tiles = cut(images, self.grid)
        if self.turned:
            upright = tiles.unflatten(2, self.tile_shape)
            tiles = torch.cat([upright.rot90(-k, (3, 4)).flatten(2) for k in range(4)], dim=1)
        tokens = self.embed_tile(tiles)
        if self.embed_strips is not None:
            strips = torch.cat([part.flatten(1) for part in self._strips(images)], dim=1)
            tokens = torch.cat([tokens, self.embed_strips(strips).unsqueeze(1)], dim=1)
        return tiles, self.to_places(self.transformer(tokens)[:, : tiles.shape[1]])

    def _strips(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What the grid leaves over at the right and at the bottom."""
        return images[:, :, : self.height, self.width :], images[:, :, self.height :]


PART = Jigsaw
