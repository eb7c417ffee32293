"""A small classifier of the data set at hand: the feature space in which generation is measured."""

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from autoencoders.errors import UserError
from autoencoders.io.arrays import read_arrays, write_arrays
from autoencoders.io.files import read_json, write_json
from autoencoders.io.tensors import EVALUATION_BATCH, gather, to_float

FOLDER = Path("models/classifier")
CHANNELS = (32, 64, 128)
FEATURES = 128
DROPOUT = 0.3
LARGEST = 64
"""The side that larger images are brought to, as the time of an epoch grows with the pixels."""


class Classifier(nn.Module):
    """Convolutions with batch normalisation and pooling, a dense layer of 128 features, and a last.

    Of images with a side above 64 it sees the means of squares, of the least size by which both
    sides are at most 64. Of a data set without classes it is not trained, and its features are
    those of chance.
    """

    def __init__(self, image_shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.image_shape = tuple(image_shape)
        layers: list[nn.Module] = []
        before, *sides = image_shape
        self.square = math.ceil(max(sides) / LARGEST)
        sides = [side // self.square for side in sides]
        for channels in CHANNELS:
            layers += [
                nn.Conv2d(before, channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
            before = channels
            sides = [side // 2 for side in sides]
        self.blocks = nn.Sequential(*layers)
        self.to_features = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(DROPOUT),
            nn.Linear(before * math.prod(sides), FEATURES, bias=False),
            nn.BatchNorm1d(FEATURES),
            nn.ReLU(),
        )
        self.to_classes = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(FEATURES, max(1, classes)))
        self.to(memory_format=torch.channels_last)

    def features(self, images: Tensor) -> Tensor:
        """Images in [0, 1] (N, C, H, W) to features (N, 128), at least 0."""
        seen = functional.avg_pool2d(images, self.square) if self.square > 1 else images
        return self.to_features(self.blocks(seen))

    def forward(self, images: Tensor) -> Tensor:
        """Images in [0, 1] (N, C, H, W) to the classes' logits (N, K)."""
        return self.to_classes(self.features(images))


def accuracy(model: Classifier, images: Tensor, labels: Tensor) -> float:
    """The share of uint8 images that are classified as labelled."""
    return float((logits(model, images).argmax(dim=1) == labels).cpu().double().mean())


@torch.inference_mode()
def logits(model: Classifier, images: Tensor) -> Tensor:
    """The logits (N, K) of uint8 images."""
    model.eval()
    parts = images.split(EVALUATION_BATCH)
    return gather(({"logits": model(to_float(part))} for part in parts), len(images))["logits"]


@torch.inference_mode()
def features(model: Classifier, images: Tensor) -> Tensor:
    """The features (N, 128) of uint8 images."""
    model.eval()
    parts = images.split(EVALUATION_BATCH)
    made = ({"features": model.features(to_float(part))} for part in parts)
    return gather(made, len(images))["features"]


def save_classifier(folder: Path, model: Classifier, classes: list[str]) -> None:
    """Write config.json and weights.safetensors."""
    config = {"image_shape": list(model.image_shape), "classes": classes}
    write_json(folder / "config.json", config)
    arrays = {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()}
    write_arrays(folder / "weights.safetensors", arrays)


def load_classifier(folder: Path, device: torch.device | str = "cpu") -> Classifier:
    """Load a trained classifier, ready for evaluation.

    Raises:
        UserError: a file is missing or damaged, or the weights do not fit the config.
    """
    config = read_json(folder / "config.json", "image_shape", "classes")
    arrays = read_arrays(folder / "weights.safetensors")
    try:
        with torch.device("meta"):
            model = Classifier(tuple(config["image_shape"]), len(config["classes"]))
        weights = {name: torch.from_numpy(array) for name, array in arrays.items()}
        model.load_state_dict(weights, assign=True)
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{folder}: config and weights do not fit: {error}") from error
    return model.to(device).to(memory_format=torch.channels_last).eval()


def read_features() -> dict[str, np.ndarray]:
    """What train-classifier says of "train", "validation" and "test" images: features (N, 128).

    Raises:
        UserError: the file is missing or damaged.
    """
    path = FOLDER / "features.safetensors"
    arrays = read_arrays(path)
    for split in ("train", "validation", "test"):
        found = arrays.get(split)
        if found is None or found.dtype != np.float32 or found.shape[1:] != (FEATURES,):
            raise UserError(f"{path}: expected {split!r} as float32 (N, {FEATURES})")
    return arrays
