"""Rotations by multiples of 90 degrees, and what turns images back."""

import torch
from torch import Tensor, nn

from autoencoders.corruptions.base import Corruption
from autoencoders.errors import UserError
from autoencoders.nets.conv import ConvEncoder


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
