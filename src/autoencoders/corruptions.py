"""Corruptions of the input: each is a permutation of pixels, so a table of indices and a gather.

One code path serves every batch, device and channel count. A corruption draws a *record* of what
happens to each image (k, or the order of the tiles) and turns records into tables of source pixels.
Tables compose by gathering one with the other and are undone by their argsort.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from autoencoders.core.errors import UserError


class Corruption(ABC):
    """A family of pixel permutations of images of `height` x `width` pixels."""

    record_name: str
    """What the record holds, and its name in data/corrupted."""

    @abstractmethod
    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw the record of `count` images: int64 of shape (count, ...), on the CPU."""

    @abstractmethod
    def table(self, record: Tensor) -> Tensor:
        """The source pixel of each pixel, row by row: int64 of shape (count, height * width)."""


class NoCorruption(Corruption):
    """The input is the original; every image's record is 0."""

    record_name = "unchanged"

    def __init__(self, height: int, width: int, device: torch.device | str = "cpu") -> None:
        self.identity = torch.arange(height * width, device=device)

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.zeros(count, dtype=torch.int64)

    def table(self, record: Tensor) -> Tensor:
        return self.identity.expand(len(record), -1)


class Rotation(Corruption):
    """Rotation by k * 90 degrees counter-clockwise, k uniform on 0..3 for each image.

    The record is k, of shape (count,).
    """

    record_name = "k"

    def __init__(self, height: int, width: int, device: torch.device | str = "cpu") -> None:
        if height != width:
            raise UserError(
                f"corruption kind 'rotate' needs square images, found {height}x{width} pixels"
            )
        pixels = torch.arange(height * width, device=device).view(height, width)
        self.tables = torch.stack([torch.rot90(pixels, k).flatten() for k in range(4)])

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.randint(4, (count,), generator=generator)

    def table(self, record: Tensor) -> Tensor:
        return self.tables[record]


class Jigsaw(Corruption):
    """The image is cut into `grid` x `grid` tiles, shuffled by a permutation for each image.

    Tiles are numbered row by row; record[i, j] is the tile of image i that lands in place j, so the
    record has shape (count, grid * grid). Where the grid does not divide the image, the strip that
    remains at the right and at the bottom stays where it is.
    """

    record_name = "permutation"

    def __init__(
        self, height: int, width: int, device: torch.device | str = "cpu", *, grid: int
    ) -> None:
        if not 2 <= grid <= min(height, width):
            raise UserError(
                f"jigsaw grid is {grid}: expected 2 to {min(height, width)} "
                f"for images of {height}x{width} pixels"
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

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        return torch.rand(count, self.grid * self.grid, generator=generator).argsort(dim=1)

    def table(self, record: Tensor) -> Tensor:
        source = self.corner[record][:, self.place] + self.offset
        return torch.where(self.in_tile, source, self.pixel)


CORRUPTIONS: dict[str, type[Corruption]] = {
    "none": NoCorruption,
    "rotate": Rotation,
    "jigsaw": Jigsaw,
}


def build_corruption(
    kind: str, height: int, width: int, device: torch.device | str = "cpu", **settings: int
) -> Corruption:
    """The corruption `kind` for images of that size, its constants on `device`.

    Raises:
        UserError: the kind or one of its settings does not fit the images.
    """
    return CORRUPTIONS[kind](height, width, device, **settings)


def permute_pixels(images: Tensor, table: Tensor) -> Tensor:
    """Gather each image's pixels: images (N, C, H, W) of any dtype, table (N, H * W)."""
    flat = images.flatten(2)
    return flat.gather(2, table.unsqueeze(1).expand_as(flat)).view_as(images)
