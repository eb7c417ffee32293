"""Random numbers for each pixel that every device makes alike, from a seed for each image.

torch's generators differ between devices, and the noise of a whole epoch does not fit into memory.
So an image's record holds a seed, of which a hash makes the numbers where they are needed.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import numpy as np
import torch
from pydantic import AfterValidator, Field
from torch import Tensor

BITS = 16
ROOM = 1 << 24
"""Numbers in a stream."""
GROUPS = 5
"""Parts of a range by which errors are broken down."""


def rising(ends: list[float]) -> list[float]:
    """The ends of a range; a ValueError where the first is above the second."""
    if ends[0] > ends[1]:
        raise ValueError("expected the lower end of the range first")
    return ends


Share = Annotated[float, Field(gt=0, le=1)]
ShareOrRange = (
    Share | Annotated[list[Share], Field(min_length=2, max_length=2), AfterValidator(rising)]
)
"""One number for all images, or the two ends of a range from which each draws its own."""


def draw_levels(level: float | Sequence[float], count: int, generator: torch.Generator) -> Tensor:
    """A number for each of `count` images: the one there is, or uniform in the range; (N,)."""
    low, high = (level, level) if isinstance(level, float | int) else level
    return low + (high - low) * torch.rand(count, generator=generator)


def by_level(levels: np.ndarray, setting: float | list[float]) -> np.ndarray:
    """For each level (N,) the part of the range that it lies in, one of five, as its text."""
    if isinstance(setting, float | int):
        return np.full(len(levels), f"{setting:g}")
    edges = np.linspace(setting[0], setting[1], GROUPS + 1)
    part = np.clip(np.searchsorted(edges, levels, side="right") - 1, 0, GROUPS - 1)
    names = np.array([f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)])
    return names[part]


def draw_seeds(count: int, generator: torch.Generator) -> Tensor:
    """A seed for each of `count` images: 32 bits, as int64 (N,)."""
    return torch.randint(-(1 << 31), 1 << 31, (count,), generator=generator)


def uniform(seeds: Tensor, count: int, stream: int = 0) -> Tensor:
    """Integers that are uniform on 0..65535, int32 (N, count), from the seeds (N,).

    Each of a seed's 256 streams gives up to 2^24 other numbers.
    """
    number = torch.arange(count, dtype=torch.int32, device=seeds.device) + stream * ROOM
    mixed = _hash(seeds.int()).unsqueeze(1) ^ (number * _signed(0x9E3779B9))
    return _shifted(_hash(mixed), 32 - BITS)


def black_and_white(images: Tensor, seeds: Tensor) -> Tensor:
    """Draw each pixel of uint8 images (N, C, H, W), white as often as it is bright: 0 or 255.

    `seeds` (N,) are those of `draw_seeds`.
    """
    drawn = uniform(seeds, images[0].numel()).view(images.shape)
    return (drawn * 255 < images.int() * (1 << BITS)).to(torch.uint8) * 255


def normal_quantiles(device: torch.device | str) -> Tensor:
    """Of each integer of `uniform` the standard normal number in its place: float32 (65536,).

    Computed on the CPU in double precision, so that every device looks up the same numbers.
    """
    places = (torch.arange(1 << BITS, dtype=torch.float64) + 0.5) / (1 << BITS)
    return torch.special.ndtri(places).float().to(device)


def _hash(values: Tensor) -> Tensor:
    """Chris Wellons' lowbias32 (nullprogram.com/blog/2018/07/31): mixes the bits of int32."""
    values = values ^ _shifted(values, 16)
    values = values * _signed(0x7FEB352D)
    values = values ^ _shifted(values, 15)
    values = values * _signed(0x846CA68B)
    return values ^ _shifted(values, 16)


def _shifted(values: Tensor, places: int) -> Tensor:
    """To the right, with zeros from the left, as of an unsigned integer."""
    return (values >> places) & ((1 << (32 - places)) - 1)


def _signed(number: int) -> int:
    """The int32 of the same bits."""
    return number - (1 << 32) if number >= 1 << 31 else number
