"""Blur, as of a lens that is out of focus."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import torch
from pydantic import AfterValidator, Field
from torch import Tensor

from autoencoders.corruptions.base import Corruption, Record
from autoencoders.corruptions.randomness import by_level, rising
from autoencoders.settings import Settings

LEVELS = 16
"""Of a range, so that each has its table."""
WHOLE, FINE = 1 << 12, 1 << 4
"""Weights are integers that sum to the one, and what a first pass gives counts the other to a grey
level: products and sums stay below 2^24, where float32 is exact, whatever the device and order."""

Sigma = Annotated[float, Field(ge=0.2, le=50)]


class Blur(Corruption):
    """A Gaussian blur of so many pixels, the same for all images or drawn from a range for each.

    Beyond its edges an image goes on as if the weights there belonged to the pixel itself. The
    record is "sigma", float32 (N,), one of 16 levels of a range.
    """

    class Settings(Settings):
        sigma: (
            Sigma
            | Annotated[list[Sigma], Field(min_length=2, max_length=2), AfterValidator(rising)]
        ) = Field(description="deviation in pixels; or [lowest, highest] to draw it from")

    def __init__(
        self,
        height: int,
        width: int,
        device: torch.device | str = "cpu",
        *,
        sigma: float | list[float],
    ) -> None:
        super().__init__(height, width, device)
        self.sigma = sigma
        ends = [sigma] if isinstance(sigma, float | int) else sigma
        self.levels = torch.linspace(ends[0], ends[-1], LEVELS if len(ends) > 1 else 1)
        self.down, self.across = (self._weights(side).to(device) for side in (height, width))

    def draw(self, count: int, generator: torch.Generator) -> Record:
        return {
            "sigma": self.levels[torch.randint(len(self.levels), (count,), generator=generator)]
        }

    def apply(self, images: Tensor, record: Record) -> Tensor:
        level = torch.searchsorted(self.levels.to(self.device), record["sigma"])
        down, across = (table[level].unsqueeze(1) for table in (self.down, self.across))
        columns = (down @ images.float() / (WHOLE / FINE)).round()
        return (columns @ across.mT / (WHOLE * FINE)).round().to(torch.uint8)

    def captions(self, record: Mapping[str, np.ndarray]) -> list[str]:
        return [f"sigma {sigma:.1f}" for sigma in record["sigma"]]

    def groups(self, record: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"sigma": by_level(record["sigma"], self.sigma)}

    def _weights(self, side: int) -> Tensor:
        """For each level the weight of each pixel of a line in each: (levels, side, side)."""
        apart = torch.arange(side).unsqueeze(1) - torch.arange(side)
        weights = torch.exp(-0.5 * (apart / self.levels.double().view(-1, 1, 1)).square())
        whole = (weights / weights.sum(dim=2, keepdim=True) * WHOLE).round()
        missing = WHOLE - whole.sum(dim=2)
        return (whole + torch.diag_embed(missing)).float()


PART = Blur
