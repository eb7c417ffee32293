"""Rotations by multiples of 90 degrees, and what turns images back."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from autoencoders.corruptions.base import Permutation, Record
from autoencoders.errors import UserError
from autoencoders.nets.networks.conv import ConvEncoder


class Rotation(Permutation):
    """Rotation by k * 90 degrees counter-clockwise, k uniform on 0..3 for each image.

    The record is "k", of shape (N,).
    """

    def __init__(self, height: int, width: int, device: torch.device | str = "cpu") -> None:
        super().__init__(height, width, device)
        if height != width:
            raise UserError(
                f"corruption kind 'rotate' needs square images, found {height}x{width} pixels"
            )
        pixels = torch.arange(height * width, device=device).view(height, width)
        self.tables = torch.stack([torch.rot90(pixels, k).flatten() for k in range(4)])

    def draw(self, count: int, generator: torch.Generator) -> Record:
        return {"k": torch.randint(4, (count,), generator=generator)}

    def table(self, record: Record) -> Tensor:
        return self.tables[record["k"]]

    def captions(self, record: Mapping[str, np.ndarray]) -> list[str]:
        return [f"k = {k}" for k in record["k"]]

    def groups(self, record: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"k": record["k"]}

    def aligner(self, channels: int) -> nn.Module:
        return RotationAligner((channels, self.height, self.width))


class RotationAligner(nn.Module):
    """Turns images back: the mean over the four rotations, weighted by how upright each looks."""

    CHANNELS = (16, 32, 64)

    def __init__(self, image_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.uprightness = ConvEncoder(image_shape, 1, list(self.CHANNELS))

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, C, H, H) to the estimates of their originals, of the same shape."""
        turned = torch.stack([images.rot90(-k, (2, 3)) for k in range(4)])
        batch = turned.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        weights = self.uprightness(batch).view(4, -1, 1, 1, 1).softmax(dim=0)
        return (weights * turned).sum(dim=0)


PART = Rotation
