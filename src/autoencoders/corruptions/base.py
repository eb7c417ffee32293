"""What every corruption of the input has in common.

A corruption draws a *record* of what happens to each image, such as its k or the order of its
tiles, and does what the record says to whole batches, on any device, with the same bytes on each.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from autoencoders.io.tensors import EVALUATION_BATCH
from autoencoders.settings import Settings as NoSettings

Record = dict[str, Tensor]
"""By name what was drawn for N images, each of shape (N, ...); "images" is not a name."""


class Corruption(ABC):
    """What is done to images of `height` x `width` pixels.

    A kind implements `draw` and `apply`, and what of the others it has something to say to. It is
    built with its settings as keywords, and raises a UserError where they do not fit the images.
    """

    Settings: ClassVar[type[NoSettings]] = NoSettings
    """What params.yaml says beside the kind."""

    def __init__(self, height: int, width: int, device: torch.device | str = "cpu") -> None:
        self.height = height
        self.width = width
        self.device = device

    @abstractmethod
    def draw(self, count: int, generator: torch.Generator) -> Record:
        """Draw the record of `count` images, on the CPU, so that it is the same for any device."""

    @abstractmethod
    def apply(self, images: Tensor, record: Record) -> Tensor:
        """Corrupt uint8 images (N, C, H, W) as the record says, both on this one's device."""

    def captions(self, record: Mapping[str, np.ndarray]) -> list[str]:
        """What to write over each input, in a word or two; nothing unless a kind has a say."""
        return []

    def groups(self, record: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """By what errors are broken down: under each name a group for each image, (N,)."""
        return {}

    def measures(self, restored: Tensor, originals: Tensor, record: Record) -> dict[str, Tensor]:
        """What else tells how well each image was restored: under each name (N,), float64.

        Both are float images (N, C, H, W) in [0, 1].
        """
        return {}

    def aligner(self, channels: int) -> nn.Module | None:
        """What learns to undo it: of images (N, channels, H, W) it estimates the originals.

        None, unless a kind has one: it is left to the encoder then.
        """
        return None

    def draw_and_apply(self, images: Tensor, generator: torch.Generator) -> tuple[Tensor, Record]:
        """Corrupt uint8 images (N, C, H, W) once: the inputs, and the record of what was done.

        Batch by batch, as what it takes to corrupt may take more memory than images.
        """
        record = self.draw(len(images), generator)
        inputs = torch.empty_like(images)
        start = 0
        for batch, drawn in batches(images, record):
            inputs[start : start + len(batch)] = self.apply(batch, drawn)
            start += len(batch)
        return inputs, record


class Permutation(Corruption):
    """A corruption that moves pixels: a table of where each comes from, and a gather.

    One code path serves every batch, device and channel count. Tables compose by gathering one
    with the other and are undone by their argsort.
    """

    @abstractmethod
    def table(self, record: Record) -> Tensor:
        """The source pixel of each pixel, row by row: int64 of shape (N, height * width)."""

    def apply(self, images: Tensor, record: Record) -> Tensor:
        return permute_pixels(images, self.table(record))


def permute_pixels(images: Tensor, table: Tensor) -> Tensor:
    """Gather each image's pixels: images (N, C, H, W) of any dtype, table (N, H * W)."""
    flat = images.flatten(2)
    return flat.gather(2, table.unsqueeze(1).expand_as(flat)).view_as(images)


def split(record: Record, size: int) -> Iterator[Record]:
    """The record batch by batch."""
    parts = (values.split(size) for values in record.values())
    for values in zip(*parts, strict=True):
        yield dict(zip(record, values, strict=True))


def batches(images: Tensor, record: Record) -> Iterator[tuple[Tensor, Record]]:
    """Images and what was drawn for them, so many at a time as evaluation takes."""
    yield from zip(images.split(EVALUATION_BATCH), split(record, EVALUATION_BATCH), strict=True)
