"""A jigsaw whose tiles are turned as well, and what puts them together."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from autoencoders.corruptions.base import Record
from autoencoders.corruptions.kinds.jigsaw import Jigsaw, JigsawAligner
from autoencoders.errors import UserError


class Scramble(Jigsaw):
    """The tiles of a jigsaw, each turned by its own k * 90 degrees counter-clockwise.

    Beside the "permutation" the record holds "turns", (N, grid * grid): the k of the tile that
    lands in each place.
    """

    def __init__(
        self, height: int, width: int, device: torch.device | str = "cpu", *, grid: int
    ) -> None:
        super().__init__(height, width, device, grid=grid)
        side = height // grid
        if side != width // grid:
            raise UserError(
                f"corruption kind 'scramble' turns tiles, which have to be square: found "
                f"{height // grid}x{width // grid} pixels at grid {grid}"
            )
        pixels = torch.arange(side * side, device=device).view(side, side)
        turned = torch.stack([torch.rot90(pixels, k).flatten() for k in range(4)])
        # From the number of a pixel in its tile to the distance from the tile's first, and back.
        self.turned = turned // side * width + turned % side
        self.number = self.offset // width * side + self.offset % width

    def draw(self, count: int, generator: torch.Generator) -> Record:
        tiles = self.grid * self.grid
        return super().draw(count, generator) | {
            "turns": torch.randint(4, (count, tiles), generator=generator)
        }

    def table(self, record: Record) -> Tensor:
        corners = self.corner[record["permutation"]][:, self.place]
        turns = record["turns"][:, self.place]
        source = corners + self.turned[turns, self.number.expand_as(turns)]
        return torch.where(self.in_tile, source, self.pixel)

    def groups(self, record: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return super().groups(record) | {"turned_tiles": (record["turns"] > 0).sum(axis=1)}

    def aligner(self, channels: int) -> nn.Module:
        return JigsawAligner((channels, self.height, self.width), grid=self.grid, turned=True)


PART = Scramble
