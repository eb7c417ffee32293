"""What a model is trained on and validated by."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autoencoders.io.arrays import IMAGES, LABELS, read_arrays, read_pairs
from autoencoders.training.source import StoredImages, open_images


@dataclass(frozen=True)
class TrainingData:
    """uint8 images of shape (N, C, H, W), all on the model's device, or read to it."""

    images: Tensor | StoredImages
    """The originals to train on; their inputs are drawn in every epoch."""
    validation_inputs: Tensor
    """The fixed corrupted inputs to validate on."""
    validation_targets: Tensor
    """The originals of `validation_inputs`."""
    shown_inputs: Tensor
    """The inputs whose reconstructions are kept."""
    labels: Tensor | None = None
    """The numbers of the classes of `images`, int64 (N,), for models that learn from them."""
    validation_labels: Tensor | None = None
    """The same of `validation_inputs`."""
    binarise: bool = False
    """Whether to draw each pixel of `images` in every epoch, white as often as it is bright."""


def read_data(
    train: Path, validation: Path, corrupted: Path, shown: np.ndarray, device: torch.device
) -> TrainingData:
    """The data of the stages' files; `shown` are the positions of the inputs to be kept.

    Raises:
        UserError: a file is missing or damaged, or two do not belong together.
    """
    originals = read_arrays(train, images=IMAGES, labels=LABELS)
    targets, inputs = read_pairs(validation, corrupted)
    # Beside images that are black and white there may be the levels to draw more of them from.
    name = "levels" if "levels" in originals else "images"
    labels, seen, wanted, wanted_labels = (
        torch.from_numpy(array).to(device)
        for array in (originals["labels"], inputs["images"], targets["images"], targets["labels"])
    )
    return TrainingData(
        open_images(train, name, originals[name], device),
        seen,
        wanted,
        seen[torch.from_numpy(shown)],
        labels,
        wanted_labels,
        binarise=name == "levels",
    )
