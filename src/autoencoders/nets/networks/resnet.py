"""Residual blocks, for larger images.

Blocks normalise before each convolution and add what they were given (He et al., 2016,
arXiv:1603.05027).
"""

import math
from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from autoencoders.nets.base import Network
from autoencoders.nets.networks.conv import doubling, halvings
from autoencoders.nets.parallel import BatchNorm2d


class Residual(nn.Module):
    """Two convolutions whose result is added to the images (N, channels, H, W)."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            BatchNorm2d(channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            BatchNorm2d(channels),
            nn.SiLU(),
            nn.Dropout(dropout),
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, images: Tensor) -> Tensor:
        return images + self.blocks(images)


class ResnetEncoder(nn.Module):
    """Images (N, C, H, W) to codes (N, code_size)."""

    def __init__(self, image_shape: tuple[int, ...], code_size: int, settings: "Resnet") -> None:
        super().__init__()
        channels = settings.channels
        layers: list[nn.Module] = []
        for before, after in pairwise([image_shape[0], *channels]):
            layers.append(nn.Conv2d(before, after, 3, stride=2, padding=1))
            layers += [Residual(after, settings.dropout) for _ in range(settings.blocks)]
        self.blocks = nn.Sequential(*layers, BatchNorm2d(channels[-1]), nn.SiLU())
        height, width = halvings(image_shape, len(channels))[-1]
        self.to_code = nn.Linear(channels[-1] * height * width, code_size)

    def forward(self, images: Tensor) -> Tensor:
        return self.to_code(self.blocks(images).permute(0, 2, 3, 1).flatten(1))


class ResnetDecoder(nn.Module):
    """Codes (N, code_size) to logits (N, C, H, W), the encoder's sizes backwards."""

    def __init__(self, image_shape: tuple[int, ...], code_size: int, settings: "Resnet") -> None:
        super().__init__()
        channels = settings.channels
        sizes = halvings(image_shape, len(channels))[::-1]
        self.grid = (*sizes[0], channels[-1])
        self.from_code = nn.Linear(code_size, math.prod(self.grid))
        widths = [*channels[::-1], channels[0]]
        layers: list[nn.Module] = []
        for level, (before, after) in enumerate(pairwise(widths)):
            layers += [Residual(before, settings.dropout) for _ in range(settings.blocks)]
            layers.append(doubling(sizes[level], sizes[level + 1], before, after, bias=True))
        layers += [BatchNorm2d(channels[0]), nn.SiLU()]
        self.blocks = nn.Sequential(*layers, nn.Conv2d(channels[0], image_shape[0], 3, padding=1))

    def forward(self, codes: Tensor) -> Tensor:
        grid = self.from_code(codes).unflatten(1, self.grid)
        return self.blocks(grid.permute(0, 3, 1, 2))


class Resnet(Network):
    """Each of `channels` halves height and width, and is followed by residual blocks."""

    channels: list[Annotated[int, Field(ge=1, le=4096)]] = Field(
        min_length=1, max_length=6, description="channels after each halving"
    )
    blocks: int = Field(ge=1, le=32, description="residual blocks after each halving")
    dropout: float = Field(ge=0, lt=1, description="share of numbers dropped within each block")

    def encoder(self, image_shape: tuple[int, ...], code_size: int) -> nn.Module:
        return ResnetEncoder(image_shape, code_size, self)

    def decoder(self, image_shape: tuple[int, ...], code_size: int) -> nn.Module:
        return ResnetDecoder(image_shape, code_size, self)


PART = Resnet
