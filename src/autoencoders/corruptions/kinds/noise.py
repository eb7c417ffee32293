"""Noise in each pixel: Gaussian, or salt and pepper."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from autoencoders.corruptions.base import Corruption, Record
from autoencoders.corruptions.randomness import (
    BITS,
    ShareOrRange,
    by_level,
    draw_levels,
    draw_seeds,
    normal_quantiles,
    uniform,
)
from autoencoders.settings import Settings


class Noise(Corruption):
    """Noise of a level that is the same for all images, or that each draws from a range.

    Gaussian noise has the level as its standard deviation, of grey levels in [0, 1], beyond which
    it is clipped; of salt and pepper the level is the share of numbers that are 0 or 1, as often
    the one as the other. Denoising autoencoders: Vincent et al., 2008. The record is the "level",
    float32 (N,), and the "seed" that the noise is made from.
    """

    class Settings(Settings):
        distribution: Literal["gaussian", "salt_and_pepper"] = Field(
            description="what is added: normal numbers, or black and white"
        )
        level: ShareOrRange = Field(
            description="deviation or share; or [lowest, highest] to draw it from"
        )

    def __init__(
        self,
        height: int,
        width: int,
        device: torch.device | str = "cpu",
        *,
        distribution: str,
        level: float | list[float],
    ) -> None:
        super().__init__(height, width, device)
        self.level = level
        self.quantiles = normal_quantiles(device) if distribution == "gaussian" else None

    def draw(self, count: int, generator: torch.Generator) -> Record:
        return {
            "level": draw_levels(self.level, count, generator),
            "seed": draw_seeds(count, generator),
        }

    def apply(self, images: Tensor, record: Record) -> Tensor:
        flat = images.flatten(1)
        drawn = uniform(record["seed"], flat.shape[1])
        level = record["level"].unsqueeze(1)
        if self.quantiles is not None:
            noisy = flat + (255 * level) * self.quantiles[drawn]
            noisy = noisy.round_().clamp_(0, 255).to(torch.uint8)
        else:
            # Black below the half of the level, white from there to the level, of 2^16 places.
            ends = (level * (1 << BITS)).int()
            noisy = flat.masked_fill(drawn < ends, 255).masked_fill(drawn < ends // 2, 0)
        return noisy.view_as(images)

    def captions(self, record: Mapping[str, np.ndarray]) -> list[str]:
        return [f"level {level:.2f}" for level in record["level"]]

    def groups(self, record: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"level": by_level(record["level"], self.level)}


PART = Noise
