"""Corruptions of the input: each is a permutation of pixels, so a table of indices and a gather.

One code path serves every batch, device and channel count. A corruption draws a *record* of what
happens to each image (k, or the order of the tiles) and turns records into tables of source pixels.
Tables compose by gathering one with the other and are undone by their argsort.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from autoencoders.io.tensors import EVALUATION_BATCH


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

    def draw_and_apply(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Corrupt uint8 images (N, C, H, W) once: the inputs, and the record of what was done.

        Batch by batch, as tables take more memory than images.
        """
        record = self.draw(len(images), generator)
        inputs = torch.empty_like(images)
        for start in range(0, len(images), EVALUATION_BATCH):
            batch = slice(start, start + EVALUATION_BATCH)
            inputs[batch] = permute_pixels(images[batch], self.table(record[batch]))
        return inputs, record


def permute_pixels(images: Tensor, table: Tensor) -> Tensor:
    """Gather each image's pixels: images (N, C, H, W) of any dtype, table (N, H * W)."""
    flat = images.flatten(2)
    return flat.gather(2, table.unsqueeze(1).expand_as(flat)).view_as(images)
