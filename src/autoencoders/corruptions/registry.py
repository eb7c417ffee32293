"""Corruptions, and what undoes them, as params.yaml describes them.

An aligner undoes a corruption: it estimates the original from the corrupted image, before that is
encoded. Where a corruption is a permutation of pixels, among all estimates of the original the one
with the least expected squared error is its conditional mean: each way back from the corrupted
image, weighted by its probability. An aligner learns these probabilities. It sees the corrupted
image alone, needs no labels, and learns from the squared error of its estimate. The error of an
autoencoder that encodes the estimate y is then the sum of two, E|x - y|^2, which alignment alone
can reduce, and E|y - D|^2, which encoder and decoder alone can.

Soft permutations as layers: Mena et al., 2018 (arXiv:1802.08665). Scoring each rotation of an image
by one network: Kaba et al., 2023 (arXiv:2211.06489).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from autoencoders.corruptions.base import Corruption
from autoencoders.corruptions.composition import Composition
from autoencoders.parts import find

Described = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""A kind and its settings, or several that follow each other."""


def build_corruption(
    described: Described, height: int, width: int, device: torch.device | str = "cpu"
) -> Corruption:
    """The corruption for images of that size, its constants on `device`.

    Raises:
        UserError: one of its settings does not fit the images.
        ValueError: there is no such kind.
    """
    if isinstance(described, Mapping):
        settings = dict(described)
        return find("corruption", settings.pop("kind"))(height, width, device, **settings)
    return Composition([build_corruption(part, height, width, device) for part in described])


def build_aligner(image_shape: tuple[int, ...], described: Described) -> nn.Module | None:
    """What learns to undo the corruption, or None where nothing does."""
    channels, height, width = image_shape
    with torch.device("cpu"):  # where the aligner is built on the meta device too
        corruption = build_corruption(described, height, width)
    return corruption.aligner(channels)
