"""A convolutional encoder and its mirror: stride-2 convolutions with batch normalisation.

Both keep the channels innermost from end to end, through the flattening on either side of the
bottleneck too: a change of memory layout in between costs more than the layers around it.
"""

import math
from itertools import pairwise
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from autoencoders.nets.base import Network
from autoencoders.nets.parallel import BatchNorm2d


class ConvEncoder(nn.Module):
    """Images (N, C, H, W) to codes (N, code_size); each of `channels` halves height and width."""

    def __init__(self, image_shape: tuple[int, ...], code_size: int, channels: list[int]) -> None:
        super().__init__()
        widths = [image_shape[0], *channels]
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
                    BatchNorm2d(after),
                    nn.SiLU(),
                )
                for before, after in pairwise(widths)
            )
        )
        height, width = halvings(image_shape, len(channels))[-1]
        self.to_code = nn.Linear(channels[-1] * height * width, code_size)

    def forward(self, images: Tensor) -> Tensor:
        return self.to_code(self.blocks(images).permute(0, 2, 3, 1).flatten(1))


class ConvDecoder(nn.Module):
    """Codes (N, code_size) to logits (N, C, H, W), the encoder's sizes backwards."""

    def __init__(self, image_shape: tuple[int, ...], code_size: int, channels: list[int]) -> None:
        super().__init__()
        sizes = halvings(image_shape, len(channels))[::-1]
        self.grid = (*sizes[0], channels[-1])
        self.from_code = nn.Sequential(nn.Linear(code_size, math.prod(self.grid)), nn.SiLU())
        widths = [*channels[::-1], image_shape[0]]
        layers: list[nn.Module] = []
        for level, (before, after) in enumerate(pairwise(widths)):
            last = level == len(channels) - 1
            layers.append(doubling(sizes[level], sizes[level + 1], before, after, bias=last))
            layers += [] if last else [BatchNorm2d(after), nn.SiLU()]
        self.blocks = nn.Sequential(*layers)

    def forward(self, codes: Tensor) -> Tensor:
        grid = self.from_code(codes).unflatten(1, self.grid)
        return self.blocks(grid.permute(0, 3, 1, 2))


def halvings(image_shape: tuple[int, ...], times: int) -> list[tuple[int, int]]:
    """The image's (height, width) and those after each of `times` halvings, rounded up."""
    height, width = image_shape[1:]
    sizes = [(height, width)]
    for _ in range(times):
        height, width = sizes[-1]
        sizes.append((-(-height // 2), -(-width // 2)))
    return sizes


def doubling(
    small: tuple[int, int], large: tuple[int, int], before: int, after: int, *, bias: bool
) -> nn.ConvTranspose2d:
    """The transposed convolution from `small` to `large`, an even or odd size."""
    padding = large[0] - (2 * small[0] - 1), large[1] - (2 * small[1] - 1)
    return nn.ConvTranspose2d(
        before, after, 3, stride=2, padding=1, output_padding=padding, bias=bias
    )


class Conv(Network):
    """Each of `channels` halves height and width."""

    channels: list[Annotated[int, Field(ge=1, le=4096)]] = Field(
        min_length=1, max_length=4, description="channels of the convolutions"
    )

    def encoder(self, image_shape: tuple[int, ...], code_size: int) -> nn.Module:
        return ConvEncoder(image_shape, code_size, self.channels)

    def decoder(self, image_shape: tuple[int, ...], code_size: int) -> nn.Module:
        return ConvDecoder(image_shape, code_size, self.channels)


PART = Conv
