"""Images that any model restored, measured as this project's own are."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from autoencoders.corruptions.base import Corruption, split
from autoencoders.corruptions.registry import build_corruption
from autoencoders.errors import UserError
from autoencoders.experiment import described
from autoencoders.io.arrays import read_pairs
from autoencoders.io.files import read_json
from autoencoders.io.tensors import EVALUATION_BATCH, to_float
from autoencoders.measures.baselines import copy_mse
from autoencoders.measures.reconstruction import (
    mse_per_image,
    reconstruction_measures,
    ssim_per_image,
)
from autoencoders.measures.stress import mse_by
from autoencoders.params import Params, read_params

TEST = Path("data/processed/test.safetensors")
ARRAY = "images"
COLUMNS = {"MSE": "mse", "PSNR, dB": "psnr", "SSIM": "ssim", "tiles in place": "tile_accuracy"}


def score(folder: Path, *, as_json: bool) -> None:
    """Print how near restored test images are to the originals, as a table or as JSON.

    `folder` holds CORRUPTION.npz for one or more corruptions of params.yaml: under "images" what a
    model made of data/corrupted/CORRUPTION/test.safetensors, in its order, uint8 or float32 in
    [0, 1], (N, C, H, W). The measures are those of the sections `reconstruction` and `stress` of
    docs/metrics.md. "inputs" is the SHA-256 of the corrupted images: scores may be compared where
    it is the same.

    Raises:
        UserError: there is no such file, or one that is none of these; or there is no data yet.
    """
    params = read_params()
    files = sorted(folder.glob("*.npz"))
    strange = [file.name for file in files if file.stem not in params.corruptions]
    if strange or not files:
        raise UserError(
            f"{folder}: found {', '.join(strange) or 'no .npz file'}, expected NAME.npz for "
            f"corruptions of params.yaml: {', '.join(params.corruptions)}"
        )
    found = {file.stem: _score(file, params) for file in files}
    print(json.dumps(found, indent=2) if as_json else table(found))


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """A row for each corruption, as Markdown."""
    lines = [["", *COLUMNS, "MSE of the input itself", "inputs"]]
    lines.append(["---"] * len(lines[0]))
    for name, measures in found.items():
        cells = [f"{measures[key]:.4g}" if key in measures else "" for key in COLUMNS.values()]
        lines.append([name, *cells, f"{measures['copy_mse']:.4g}", measures["inputs"][:12]])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@dataclass(frozen=True)
class Task:
    """Corrupted test images, and what they should be restored to, both uint8 (N, C, H, W)."""

    originals: np.ndarray
    labels: np.ndarray
    classes: list[str]
    inputs: np.ndarray
    drawn: Mapping[str, np.ndarray]
    """What was done to each input, by the corruption's own names: (N, ...) each."""
    corruption: Corruption

    @classmethod
    def read(cls, name: str, params: Params, root: Path = Path()) -> "Task":
        """The task of a corruption of the project in the folder `root`, of these params.

        Raises:
            UserError: the data are not there yet.
        """
        corrupted = root / f"data/corrupted/{name}/test.safetensors"
        originals, drawn = read_pairs(root / TEST, corrupted)
        classes = read_json(root / "data/processed/dataset.json", "classes")["classes"]
        inputs = drawn.pop("images")
        corruption = build_corruption(described(params.corruptions[name]), *inputs.shape[2:])
        images, labels = originals["images"], originals["labels"]
        return cls(images, labels, classes, inputs, drawn, corruption)

    def measures(self, restored: np.ndarray) -> dict[str, Any]:
        """All that is measured of restored images (N, C, H, W), uint8 or float32 in [0, 1]."""
        errors = _errors(restored, self.originals, self.drawn, self.corruption)
        mse, ssim = errors.pop("mse"), errors.pop("ssim")
        groups = self.corruption.groups(self.drawn).items()
        return (
            reconstruction_measures(mse, ssim, self.labels, self.classes)
            | {name: float(values.mean()) for name, values in errors.items()}
            | {f"by_{name}": mse_by(group, mse) for name, group in groups}
            | {"copy_mse": copy_mse(self.inputs, self.originals)}
            | {"inputs": hash_of_inputs(self.inputs)}
        )


def _score(file: Path, params: Params) -> dict[str, Any]:
    task = Task.read(file.stem, params)
    return task.measures(_read_restored(file, task.originals.shape))


def hash_of_inputs(images: np.ndarray) -> str:
    """SHA-256 of corrupted images, uint8 (N, C, H, W), by which people know they have the same."""
    return hashlib.sha256(images.tobytes()).hexdigest()


def _errors(
    restored: np.ndarray,
    originals: np.ndarray,
    drawn: Mapping[str, np.ndarray],
    corruption: Corruption,
) -> dict[str, np.ndarray]:
    """Each measure of each image: (N,)."""
    record = {name: torch.from_numpy(values) for name, values in drawn.items()}
    parts = (torch.from_numpy(images).split(EVALUATION_BATCH) for images in (restored, originals))
    found: dict[str, list[np.ndarray]] = {}
    for made, wanted, own in zip(*parts, split(record, EVALUATION_BATCH), strict=True):
        images = to_float(made) if made.dtype == torch.uint8 else made
        targets = to_float(wanted)
        measures = {"mse": mse_per_image(images, targets), "ssim": ssim_per_image(images, targets)}
        others = corruption.measures(images, targets, own)
        measures |= {name: values.numpy() for name, values in others.items()}
        for name, values in measures.items():
            found.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in found.items()}


def _read_restored(file: Path, shape: tuple[int, ...]) -> np.ndarray:
    """What a file holds, uint8 or float32 in [0, 1]; no code can hide in it."""
    try:
        with file.open("rb") as content, np.load(content, allow_pickle=False) as arrays:
            images = arrays[ARRAY]
    except (OSError, EOFError, TypeError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{file}: not readable as an npz file with an array {ARRAY!r} ({error})"
        ) from error
    wanted = f"expected uint8 or float32 in [0, 1] of shape {shape}"
    if images.dtype not in (np.uint8, np.float32) or images.shape != shape:
        raise UserError(f"{file}: {ARRAY!r} is {images.dtype} of shape {images.shape}, {wanted}")
    if images.dtype == np.float32 and not (images.min() >= 0 and images.max() <= 1):
        extent = f"{images.min():.4g} to {images.max():.4g}"
        raise UserError(f"{file}: {ARRAY!r} is float32 from {extent}, {wanted}")
    return images
