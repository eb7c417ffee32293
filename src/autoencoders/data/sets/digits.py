"""scikit-learn's embedded handwritten digits."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoencoders.data.base import Content, Split, split_balanced
from autoencoders.io.arrays import LABELS, read_arrays, write_arrays

SIDE = 28


@dataclass(frozen=True)
class Digits:
    """8x8 grey levels 0 to 16 of real handwriting, no network needed.

    They are resized to 28x28 by bilinear interpolation and scaled to 0..255. The set has no
    customary test split: a fixed fifth of it, class-balanced, is the test set.
    """

    classes: Sequence[str] = tuple("0123456789")
    blends: Sequence[Sequence[str]] = (("3", "8"), ("4", "7", "9"))
    image_shape: tuple[int, ...] = (1, SIDE, SIDE)

    def fetch(self, folder: Path, mirror: str | None) -> None:
        from sklearn.datasets import load_digits

        digits = load_digits()
        arrays = {
            "images": digits.images.astype(np.uint8),
            "labels": digits.target.astype(np.int64),
        }
        write_arrays(folder / "digits.safetensors", arrays)

    def read(self, folder: Path) -> Content:
        from scipy.ndimage import zoom

        arrays = read_arrays(folder / "digits.safetensors", images=("uint8", 3), labels=LABELS)
        levels = arrays["images"].astype(np.float32) * (255 / 16)
        factors = np.divide((len(levels), SIDE, SIDE), levels.shape)
        resized = zoom(levels, factors, order=1, mode="nearest", grid_mode=True)
        images = np.round(resized).astype(np.uint8)[:, np.newaxis]
        train, test = split_balanced(Split(images, arrays["labels"]), 0.2, seed=0)
        return Content({"train": train, "test": test}, self.classes)


DATASET = Digits()
