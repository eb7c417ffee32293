"""What the page shows of one trained model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autoencoders.io.arrays import CODES, LABELS, read_arrays
from autoencoders.io.files import read_history
from autoencoders.io.streams import subsample
from autoencoders.models.inference import decode_codes
from autoencoders.models.registry import load_model
from autoencoders.report.content import data_url, packed, picture, plane_of, rounded
from autoencoders.report.decoder import network_content
from autoencoders.sampling.classes import class_means, sets_to_blend
from autoencoders.sampling.mixture import MIXTURE

MOST_FACTORS = 200_000
"""Numbers in the covariances of a mixture that the page draws from."""


@dataclass(frozen=True)
class Explored:
    """The images on the page's maps."""

    rows: np.ndarray
    """Their places among those that t-SNE has placed."""
    positions: np.ndarray
    """Their positions among the validation images."""


def choose_explored(item: str, most: int, seed: int) -> Explored:
    """Up to so many of the images that t-SNE has placed, which are the same for all items."""
    mapped = read_arrays(Path(f"data/projections/{item}.safetensors"), positions=LABELS)
    rows = subsample(len(mapped["positions"]), most, seed, "explored images")
    return Explored(rows, mapped["positions"][rows])


def item_content(
    model_name: str,
    corruption_name: str,
    validation: Mapping[str, np.ndarray],
    inputs: tuple[np.ndarray, Sequence[str]],
    explored: Explored,
    classes: Sequence[str],
    blends: Sequence[Sequence[str]],
    closest: int,
) -> dict[str, Any]:
    """The model's networks, its maps, its training's curve and its reconstructions.

    Args:
        model_name: its name in params.yaml.
        corruption_name: that of the corruption that it was trained on.
        validation: the validation images and labels.
        inputs: the corrupted images, and what was done to each in a word, if anything is said.
        explored: the images on the map.
        classes: their names, none where there are none.
        blends: sets of them to blend.
        closest: how many pairs, and how many triples, of the closest classes to blend as well.
    """
    name, chosen = f"{model_name}-{corruption_name}", explored.positions
    model = load_model(Path("models") / name)
    embeddings = Path("data/embeddings") / name
    codes = read_arrays(embeddings / "validation.safetensors", mean=CODES)["mean"]
    points, origin, axes = plane_of(codes)
    placed = read_arrays(Path(f"data/projections/{name}.safetensors")).get("tsne")
    means = class_means(codes, validation["labels"], len(classes)) if classes else codes[:0]
    sets = sets_to_blend(means, classes, blends, closest) if classes else []
    originals = validation["images"][chosen].astype(np.float32)
    errors = np.square((decode_codes(model, codes[chosen]) - originals) / 255).mean((1, 2, 3))
    source = "prior" if model.prior == "standard normal" else "mixture"
    return {
        "name": name,
        "model": model_name,
        "corruption": corruption_name,
        "latent": model.code_dim,
        "prior": model.prior,
        **network_content(model, inputs[0][chosen], codes[chosen], means),
        "codes": packed(codes[chosen]),
        "means": packed(means),
        "blends": [
            {"title": title.replace("\n", " "), "members": members} for title, members in sets
        ],
        "origin": packed(origin),
        "axes": packed(axes),
        "points": rounded(points[chosen]),
        "tsne": None if placed is None else rounded(placed[explored.rows], 2),
        "errors": [round(float(error), 6) for error in errors],
        "mixture": None if source == "prior" else _mixture(embeddings / "mixture.safetensors"),
        "nearest": data_url(Path(f"plots/generated/{name}/{source}-nearest.png")),
        "history": read_history(Path(f"plots/history/{name}.csv"))["validation_mse"],
        "strips": _strips(name, validation["images"], *inputs),
    }


def first_explored(items: Sequence[Mapping[str, Any]]) -> str:
    """The name of the item that the page opens with: the first that has a prior, or the first."""
    return next((item["name"] for item in items if item["prior"]), items[0]["name"])


def _mixture(path: Path) -> dict[str, str] | None:
    """The mixture of the codes, of each factor the lower half; None where there is no room."""
    mixture = read_arrays(path, **MIXTURE)
    lower = np.tril_indices(mixture["means"].shape[1])
    factors = mixture["scales"][:, lower[0], lower[1]]
    if factors.size > MOST_FACTORS:
        return None
    arrays = {"weights": mixture["weights"], "means": mixture["means"], "factors": factors}
    return {name: packed(array) for name, array in arrays.items()}


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
    epochs = sorted(int(key.removeprefix("epoch_")) for key in snapshots if key != "aligned")
    strips["epochs"] = {
        str(epoch): picture(snapshots[f"epoch_{epoch}"], len(shown)) for epoch in epochs
    }
    return strips
