"""The corruptions: kind -> class, and kind -> what undoes it.

An aligner undoes a corruption: it estimates the original from the corrupted image, before that is
encoded. A corruption is a permutation of pixels. Among all estimates of the original, the one with
the least expected squared error is its conditional mean: each way back from the corrupted image,
weighted by its probability. An aligner learns these probabilities. It sees the corrupted image
alone, needs no labels, and learns from the squared error of its estimate. The error of an
autoencoder that encodes the estimate y is then the sum of two, E|x - y|^2, which alignment alone
can reduce, and E|y - D|^2, which encoder and decoder alone can.

Soft permutations as layers: Mena et al., 2018 (arXiv:1802.08665). Scoring each rotation of an image
by one network: Kaba et al., 2023 (arXiv:2211.06489).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from autoencoders.corruptions.base import Corruption
from autoencoders.corruptions.jigsaw import Jigsaw, JigsawAligner
from autoencoders.corruptions.none import NoCorruption
from autoencoders.corruptions.rotate import Rotation, RotationAligner

CORRUPTIONS: dict[str, Callable[..., Corruption]] = {
    "none": NoCorruption,
    "rotate": Rotation,
    "jigsaw": Jigsaw,
}


def build_corruption(
    kind: str, height: int, width: int, device: torch.device | str = "cpu", **settings: Any
) -> Corruption:
    """The corruption `kind` for images of that size, its constants on `device`.

    Raises:
        UserError: the kind or one of its settings does not fit the images.
    """
    return CORRUPTIONS[kind](height, width, device, **settings)


ALIGNERS: dict[str, Callable[..., nn.Module]] = {"rotate": RotationAligner, "jigsaw": JigsawAligner}
"""Kind of corruption -> what undoes it, built from the image shape and the corruption's settings.

A corruption that has no entry is left to the encoder.
"""


def build_aligner(image_shape: tuple[int, ...], *, kind: str, **settings: Any) -> nn.Module | None:
    """The aligner for a corruption of that kind and settings, or None where there is none."""
    return ALIGNERS[kind](image_shape, **settings) if kind in ALIGNERS else None
