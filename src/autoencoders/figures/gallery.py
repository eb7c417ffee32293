"""The figures of one model: what it restores, blends and makes.

Codes are decoded by a function that is given, so that nothing here needs torch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from autoencoders.errors import left_out
from autoencoders.figures.grids import Row, image_grid
from autoencoders.sampling.classes import representatives
from autoencoders.sampling.ways import blend, interpolate, interpolate_on_sphere, plane, traverse

CLASSES_PER_ROW = 10
SAMPLES_PER_ROW = 16
MOST_INTERPOLATIONS = 6
NEAREST_SHOWN = 10
TRAVERSED_DEVIATIONS = 2.5
BATCH = 1000


@dataclass(frozen=True)
class Gallery:
    """A folder for the figures of an item.

    Images are uint8 (N, C, H, W), codes float32 (N, L).
    """

    folder: Path
    item: str
    decode: Callable[[np.ndarray], np.ndarray]
    """Codes to images."""
    steps: int
    """Images on the way between two."""

    def draw_reconstructions(
        self,
        snapshots: Mapping[str, np.ndarray],
        originals: np.ndarray,
        inputs: np.ndarray,
        names: Sequence[str],
        captions: Sequence[str],
    ) -> None:
        """Originals, inputs (with what was done to them), and reconstructions after some epochs.

        `snapshots` are those that a training has kept, of the images at their "positions". `names`
        and `captions`, of originals and inputs, are for all of them, or empty.
        """
        images = dict(snapshots)
        shown = images.pop("positions")
        aligned = images.pop("aligned", None)
        epochs = sorted(int(name.removeprefix("epoch_")) for name in images)
        rows = [
            Row("original", originals[shown], [names[n] for n in shown] if names else ()),
            Row("input", inputs[shown], [captions[n] for n in shown] if captions else ()),
        ]
        if aligned is not None:
            rows.append(Row(f"aligned\nafter epoch {epochs[-1]}", aligned))
        for epoch in epochs:
            rows.append(Row(f"reconstruction\nafter epoch {epoch}", images[f"epoch_{epoch}"]))
        self._grid("reconstructions", "validation images", rows)

    def draw_classes(
        self, means: np.ndarray, classes: Sequence[str], sets: Sequence[tuple[str, list[int]]]
    ) -> None:
        """The decoded mean code of each class, and blends of sets of classes beside their parents.

        `means` are of shape (K, L); a set is a label and its members.
        """
        decoded = self.decode(means)
        starts = range(0, len(classes), CLASSES_PER_ROW)
        parts = [slice(start, start + CLASSES_PER_ROW) for start in starts]
        rows = [Row("decoded", decoded[part], classes[part]) for part in parts]
        self._grid("class-means", "the mean code of each class", rows)
        blends = []
        for label, members in sets:
            blended = self.decode(blend(means, members)[np.newaxis])
            captions = [*(classes[member] for member in members), "blend"]
            images = np.concatenate([decoded[members], blended])
            blends.append(Row(label, images, captions, [len(members)]))
        self._grid("blends", "blends, each beside its parents", blends)

    def draw_interpolations(
        self, codes: np.ndarray, originals: np.ndarray, ends: Mapping[str, tuple[int, int]]
    ) -> None:
        """From one image to another, straight and along an arc; `ends` are positions of images."""
        rows = []
        weights = [f"{weight:.0%}" for weight in np.linspace(0, 1, self.steps)]
        for label, pair in ends.items():
            start, end = originals[list(pair)][:, np.newaxis]
            one, other = codes[list(pair)]
            straight = self.decode(interpolate(one, other, self.steps))
            arc = self.decode(interpolate_on_sphere(one, other, self.steps))
            captions = ["original", *weights, "original"]
            rows.append(Row(label, np.concatenate([start, straight, end]), captions))
            rows.append(Row("along an arc", np.concatenate([start, arc, end])))
        if rows:
            title = "from one image to another, straight and along an arc"
            self._grid("interpolations", title, rows)
        else:
            left_out("interpolations", f"they need 2 validation images, found {len(codes)}")

    def draw_samples(self, source: str, codes: np.ndarray, train: np.ndarray) -> None:
        """Decoded samples, and the first of them beside the training images that they resemble."""
        images = self.decode(codes)
        title = f"samples from the {source}"
        parts = np.split(images, range(SAMPLES_PER_ROW, len(images), SAMPLES_PER_ROW))
        self._grid(f"{source}-samples", title, [Row("", part) for part in parts])
        shown = images[:NEAREST_SHOWN]
        nearest = train[nearest_images(shown, train)]
        rows = [Row("sample", shown), Row("nearest\ntraining image", nearest)]
        self._grid(f"{source}-nearest", f"{title}, and training images", rows)

    def draw_class_samples(self, codes: np.ndarray, classes: Sequence[str]) -> None:
        """Decoded samples of each class, a row for each: codes (K, S, L)."""
        rows = [Row(name, self.decode(own)) for name, own in zip(classes, codes, strict=True)]
        self._grid("class-samples", "samples of each class, by the same draws", rows)

    def draw_traversals(self, codes: np.ndarray, most: int) -> None:
        """The dimensions that vary most, at most so many, from low to high around the mean code."""
        order = np.argsort(-codes.var(axis=0), kind="stable")[:most]
        reach = TRAVERSED_DEVIATIONS
        values = np.linspace(-reach, reach, self.steps, dtype=codes.dtype)
        captions = [f"{value:+.1f}" for value in values]
        rows = [
            Row(
                f"dimension {dimension}",
                self.decode(traverse(codes.mean(axis=0), dimension, values)),
                () if n else captions,
            )
            for n, dimension in enumerate(order)
        ]
        self._grid("traversals", "the most active dimensions, changed one by one", rows)

    def draw_plane(self, codes: np.ndarray) -> None:
        """What lies where, of codes of two numbers."""
        side = 2 * self.steps
        quantiles = (np.arange(side) + 0.5) / side
        decoded = self.decode(plane(quantiles, codes.mean(axis=0), codes.std(axis=0)))
        rows = [Row("", row) for row in decoded.reshape(side, side, *decoded.shape[1:])]
        self._grid("plane", "the plane of its two latent dimensions", rows)

    def _grid(self, name: str, title: str, rows: Sequence[Row]) -> None:
        image_grid(self.folder / f"{name}.png", f"{self.item}: {title}", rows)


def ends_of_classes(
    codes: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    sets: Sequence[tuple[str, list[int]]],
) -> dict[str, tuple[int, int]]:
    """Between which images to interpolate: for neighbours in sets of classes those that stand for
    them, as positions of codes (N, L), by what is written beside the row.
    """
    nearest = representatives(codes, labels, len(classes))
    pairs = dict.fromkeys(pair for _, members in sets for pair in pairwise(members))
    return {
        f"{classes[one]}\nto {classes[other]}": (nearest[one], nearest[other])
        for one, other in list(pairs)[:MOST_INTERPOLATIONS]
    }


def ends_of_images(positions: np.ndarray) -> dict[str, tuple[int, int]]:
    """The same without classes, of an even number of images."""
    pairs = positions[: len(positions) // 2 * 2].reshape(-1, 2).tolist()
    return {f"image {one}\nto {other}": (one, other) for one, other in pairs}


def nearest_images(images: np.ndarray, train: np.ndarray) -> np.ndarray:
    """For each uint8 image (S, C, H, W) the position of that of (N, C, H, W) with the least squared
    error: (S,).
    """
    # |a - b|^2 without |a|^2, which is the same for all; float32 holds these sums exactly enough.
    flat, wanted = train.reshape(len(train), -1), images.reshape(len(images), -1) / 255
    error = np.empty((len(train), len(images)), np.float32)
    for start in range(0, len(train), BATCH):
        part = flat[start : start + BATCH].astype(np.float32) / 255
        lengths = (part**2).sum(axis=1, keepdims=True)
        error[start : start + BATCH] = lengths - 2 * part @ wanted.T
    return error.argmin(axis=0)
