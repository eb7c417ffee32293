"""What the page shows of one trained model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autoencoders.io.arrays import CODES, LABELS, read_arrays
from autoencoders.io.files import read_history
from autoencoders.models.registry import load_model
from autoencoders.report.content import packed, picture, plane_of, rounded
from autoencoders.report.decoder import decoder_content
from autoencoders.sampling.classes import class_means


def item_content(
    model_name: str,
    corruption_name: str,
    validation: Mapping[str, np.ndarray],
    inputs: tuple[np.ndarray, Sequence[str]],
    chosen: np.ndarray,
    classes: Sequence[str],
) -> dict[str, Any]:
    """The model's decoder, its map, its training's curve and its reconstructions.

    Args:
        model_name: its name in params.yaml.
        corruption_name: that of the corruption that it was trained on.
        validation: the validation images and labels.
        inputs: the corrupted images, and what was done to each in a word, if anything is said.
        chosen: the positions of the images on the map.
        classes: their names, none where there are none.
    """
    name = f"{model_name}-{corruption_name}"
    model = load_model(Path("models") / name)
    codes = read_arrays(Path(f"data/embeddings/{name}/validation.safetensors"), mean=CODES)["mean"]
    points, origin, axes = plane_of(codes)
    means = class_means(codes, validation["labels"], len(classes)) if classes else codes[:0]
    history = read_history(Path(f"plots/history/{name}.csv"))
    return {
        "name": name,
        "model": model_name,
        "corruption": corruption_name,
        "latent": model.code_dim,
        "prior": model.prior,
        **decoder_content(model, codes[chosen], means),
        "codes": packed(codes[chosen]),
        "means": packed(means),
        "origin": packed(origin),
        "axes": packed(axes),
        "points": rounded(points[chosen]),
        "history": history["validation_mse"],
        "strips": _strips(name, validation["images"], *inputs),
    }


def first_explored(items: Sequence[Mapping[str, Any]]) -> str:
    """The name of the item that the page opens with: the first that has a prior, or the first."""
    return next((item["name"] for item in items if item["prior"]), items[0]["name"])


def _strips(
    name: str, originals: np.ndarray, inputs: np.ndarray, captions: Sequence[str]
) -> dict[str, Any]:
    """Originals, inputs and reconstructions of the same images, each a row in one picture."""
    snapshots = read_arrays(Path(f"models/{name}/snapshots.safetensors"), positions=LABELS)
    shown = snapshots.pop("positions")
    strips: dict[str, Any] = {
        "original": picture(originals[shown], len(shown)),
        "input": picture(inputs[shown], len(shown)),
    }
    if captions:
        strips["captions"] = [captions[position] for position in shown]
    if "aligned" in snapshots:
        strips["aligned"] = picture(snapshots.pop("aligned"), len(shown))
    epochs = sorted(int(key.removeprefix("epoch_")) for key in snapshots)
    strips["epochs"] = {
        str(epoch): picture(snapshots[f"epoch_{epoch}"], len(shown)) for epoch in epochs
    }
    return strips
