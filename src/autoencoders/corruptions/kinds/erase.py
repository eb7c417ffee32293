"""Patches removed: what is left has to tell what was there."""

from collections.abc import Mapping

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from autoencoders.corruptions.base import Corruption, Record
from autoencoders.corruptions.randomness import ShareOrRange, by_level, draw_levels
from autoencoders.errors import UserError
from autoencoders.settings import Settings

GREY = 128


class Erase(Corruption):
    """The image in patches of `patch` x `patch` pixels, a share of which turns grey.

    As masked autoencoders see it (He et al., 2022, arXiv:2111.06377), and inpainting. Patches at
    the right and at the bottom are smaller where the side is no multiple. The record is "erased",
    int64 (N, patches): 1 where a patch is gone, row by row, and the "share" that was drawn.
    """

    class Settings(Settings):
        patch: int = Field(ge=1, description="side of a patch in pixels, below that of the image")
        share: ShareOrRange = Field(
            description="of the patches; or [lowest, highest] to draw it from"
        )

    def __init__(
        self,
        height: int,
        width: int,
        device: torch.device | str = "cpu",
        *,
        patch: int,
        share: float | list[float],
    ) -> None:
        super().__init__(height, width, device)
        if patch >= min(height, width):
            raise UserError(
                f"patch is {patch}, expected less than {min(height, width)}, the side in pixels "
                "of the images"
            )
        self.share = share
        rows, columns = -(-height // patch), -(-width // patch)
        self.patches = rows * columns
        row = torch.arange(height, device=device).unsqueeze(1) // patch
        column = torch.arange(width, device=device).unsqueeze(0) // patch
        self.patch_of = (row * columns + column).flatten()

    def draw(self, count: int, generator: torch.Generator) -> Record:
        share = draw_levels(self.share, count, generator)
        # At least one patch is erased, and one is left: else there is nothing to measure, or see.
        erased = (share * self.patches).round().clamp(1, self.patches - 1).unsqueeze(1)
        order = torch.rand(count, self.patches, generator=generator).argsort(dim=1)
        return {"erased": (order < erased).long(), "share": share}

    def apply(self, images: Tensor, record: Record) -> Tensor:
        return images.masked_fill(self._mask(record), GREY)

    def captions(self, record: Mapping[str, np.ndarray]) -> list[str]:
        return [f"{share:.0%} erased" for share in record["erased"].mean(axis=1)]

    def groups(self, record: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"share": by_level(record["share"], self.share)}

    def measures(self, restored: Tensor, originals: Tensor, record: Record) -> dict[str, Tensor]:
        """The squared error inside of what was erased, and outside."""
        errors = (restored - originals).square().mean(dim=1, keepdim=True)
        mask = self._mask(record).to(errors.dtype)
        return {
            name: ((errors * of).sum((1, 2, 3)) / of.sum((1, 2, 3))).cpu().double()
            for name, of in (("mse_inside", mask), ("mse_outside", 1 - mask))
        }

    def _mask(self, record: Record) -> Tensor:
        """Where nothing is left, (N, 1, H, W)."""
        erased = record["erased"][:, self.patch_of] > 0
        return erased.view(-1, 1, self.height, self.width)


PART = Erase
