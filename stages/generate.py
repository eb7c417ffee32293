"""Generate new images: class means, blends, interpolations and, for a VAE, prior samples."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from autoencoders.core.cli import run_stage
from autoencoders.core.errors import UserError
from autoencoders.core.seeds import generator
from autoencoders.core.storage import (
    CODES,
    IMAGES,
    LABELS,
    read_arrays,
    read_json,
    whole_folder,
)
from autoencoders.figures import Row, image_grid
from autoencoders.generation import blend, decode_codes, interpolate
from autoencoders.latent import class_means, closest_pairs, distances, nearest_to, subsample
from autoencoders.models.base import Autoencoder
from autoencoders.models.devices import prepare
from autoencoders.models.registry import load_model
from autoencoders.models.vae import VariationalAutoencoder
from autoencoders.params import Generate, Params

CLASSES_PER_ROW = 10
SAMPLES_PER_ROW = 16


def generate(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    settings = params.generate
    model = load_model(Path("models") / item, prepare(params.train.device))
    dataset = read_json(Path("data/processed/dataset.json"), "name", "classes")
    classes = dataset["classes"]
    originals = read_arrays(Path("data/processed/validation.safetensors"), images=IMAGES)["images"]
    arrays = read_arrays(
        Path(f"data/embeddings/{item}/validation.safetensors"), mean=CODES, labels=LABELS
    )
    codes = arrays["mean"]

    with whole_folder(Path("plots/generated") / item) as folder:
        if classes:
            means = class_means(codes, arrays["labels"], len(classes))
            sets = _sets(classes, means, settings, dataset["name"])
            decoded = decode_codes(model, means)
            rows = [
                Row(
                    "decoded",
                    decoded[start : start + CLASSES_PER_ROW],
                    classes[start : start + CLASSES_PER_ROW],
                )
                for start in range(0, len(classes), CLASSES_PER_ROW)
            ]
            image_grid(folder / "class-means.png", f"{item}: the mean code of each class", rows)
            blends = [_blend_row(model, means, decoded, classes, *named) for named in sets]
            image_grid(folder / "blends.png", f"{item}: blends, each beside its parents", blends)
            pairs = dict.fromkeys(pair for _, members in sets for pair in pairwise(members))
            ends = [[nearest_to(means[label], codes) for label in pair] for pair in pairs]
            labels = [f"{classes[first]}\nto {classes[second]}" for first, second in pairs]
        else:
            print(f"{dataset['name']} has no classes: no class means and no blends of classes")
            ends = subsample(len(codes), 2 * settings.closest_pairs, params.seed)
            ends = ends[: len(ends) // 2 * 2].reshape(-1, 2).tolist()
            labels = [f"image {first}\nto {second}" for first, second in ends]
        strips = [
            _strip(model, codes, originals, pair, label, settings.interpolation_steps)
            for pair, label in zip(ends, labels, strict=True)
        ]
        title = f"{item}: from one image to another through the latent space"
        image_grid(folder / "interpolations.png", title, strips)
        if isinstance(model, VariationalAutoencoder):
            chance = generator(params.seed, "prior")
            samples = decode_codes(model, model.sample_prior(settings.prior_samples, chance))
            rows = np.split(samples, range(SAMPLES_PER_ROW, len(samples), SAMPLES_PER_ROW))
            grid = [Row("", row) for row in rows]
            image_grid(folder / "prior-samples.png", f"{item}: samples from the prior", grid)


def _sets(
    classes: Sequence[str], means: np.ndarray, settings: Generate, dataset: str
) -> list[tuple[str, list[int]]]:
    """The classes to blend, as (label, members): those that params name, and the closest."""
    chosen = settings.blends.get(dataset, [])
    unknown = [name for names in chosen for name in names if name not in classes]
    if unknown:
        raise UserError(
            f"generate.blends.{dataset} names {unknown[0]!r}, expected of {', '.join(classes)}"
        )
    closest = closest_pairs(distances(means), settings.closest_pairs)
    sets = [(f"chosen {n}", [classes.index(c) for c in names]) for n, names in enumerate(chosen, 1)]
    return sets + [(f"closest {n}", list(pair)) for n, pair in enumerate(closest, 1)]


def _blend_row(
    model: Autoencoder,
    means: np.ndarray,
    decoded: np.ndarray,
    classes: Sequence[str],
    label: str,
    members: list[int],
) -> Row:
    blended = decode_codes(model, blend(means, members)[np.newaxis])
    captions = [*(classes[member] for member in members), "blend"]
    return Row(label, np.concatenate([decoded[members], blended]), captions, [len(members)])


def _strip(
    model: Autoencoder,
    codes: np.ndarray,
    originals: np.ndarray,
    ends: Sequence[int],
    label: str,
    steps: int,
) -> Row:
    way = interpolate(*codes[ends], steps)
    start, end = originals[ends][:, np.newaxis]
    images = np.concatenate([start, decode_codes(model, way), end])
    captions = ["original", *(f"{weight:.0%}" for weight in np.linspace(0, 1, steps)), "original"]
    return Row(label, images, captions)


if __name__ == "__main__":
    run_stage(generate, "models", "corruptions")
