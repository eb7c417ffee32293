"""Fewer pixels, as of a camera of lower resolution."""

from collections.abc import Mapping

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from autoencoders.corruptions.base import Corruption, Record
from autoencoders.errors import UserError
from autoencoders.settings import Settings


class Downsample(Corruption):
    """Squares of `factor` x `factor` pixels take their mean, so that the size stays: to restore
    them is super-resolution by that factor.

    Squares at the right and at the bottom are smaller where the side is no multiple. The record is
    the "factor", int64 (N,), the same for all images.
    """

    class Settings(Settings):
        factor: int = Field(ge=2, description="side of the squares in pixels, up to the image's")

    def __init__(
        self, height: int, width: int, device: torch.device | str = "cpu", *, factor: int
    ) -> None:
        super().__init__(height, width, device)
        if factor > min(height, width):
            raise UserError(
                f"factor is {factor}, expected 2 to {min(height, width)}, the side in pixels of "
                "the images"
            )
        self.factor = factor

    def draw(self, count: int, generator: torch.Generator) -> Record:
        return {"factor": torch.full((count,), self.factor)}

    def apply(self, images: Tensor, record: Record) -> Tensor:
        pooled = functional.avg_pool2d(
            images.float(), self.factor, ceil_mode=True, count_include_pad=False
        )
        for axis in (2, 3):
            pooled = pooled.repeat_interleave(self.factor, dim=axis)
        return pooled[:, :, : self.height, : self.width].round().to(torch.uint8)

    def captions(self, record: Mapping[str, np.ndarray]) -> list[str]:
        return [f"1/{factor}" for factor in record["factor"]]


PART = Downsample
