"""Generate new images: blends, interpolations, samples, traversals, and the plane of two codes."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from autoencoders.core.cli import run_stage
from autoencoders.core.errors import left_out
from autoencoders.core.seeds import generator
from autoencoders.core.storage import (
    CODES,
    IMAGES,
    LABELS,
    read_arrays,
    read_json,
    whole_folder,
)
from autoencoders.data.base import check_blends
from autoencoders.figures import Row, image_grid
from autoencoders.generation import (
    blend,
    decode_codes,
    interpolate,
    interpolate_on_sphere,
    plane,
    traverse,
)
from autoencoders.latent import class_means, closest_sets, distances, representatives, subsample
from autoencoders.mixture import MIXTURE, sample_mixture
from autoencoders.models.base import Autoencoder
from autoencoders.models.devices import prepare
from autoencoders.models.registry import load_model
from autoencoders.models.vae import VariationalAutoencoder
from autoencoders.params import Generate, Params

CLASSES_PER_ROW = 10
SAMPLES_PER_ROW = 16
MOST_INTERPOLATIONS = 6
NEAREST_SHOWN = 10
TRAVERSED_DEVIATIONS = 2.5


def generate(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    settings = params.generate
    model = load_model(Path("models") / item, prepare(params.train.device))
    dataset = read_json(Path("data/processed/dataset.json"), "name", "classes")
    classes = dataset["classes"]
    originals = read_arrays(Path("data/processed/validation.safetensors"), images=IMAGES)["images"]
    train = read_arrays(Path("data/processed/train.safetensors"), images=IMAGES)["images"]
    arrays = read_arrays(
        Path(f"data/embeddings/{item}/validation.safetensors"), mean=CODES, labels=LABELS
    )
    mixture = read_arrays(Path(f"data/mixtures/{item}.safetensors"), **MIXTURE)
    codes = arrays["mean"]

    with whole_folder(Path("plots/generated") / item) as folder:
        if classes:
            means = class_means(codes, arrays["labels"], len(classes))
            sets = _sets(classes, means, settings, dataset["name"])
            _draw_classes(folder, item, model, means, classes, sets)
            pairs = list(dict.fromkeys(pair for _, members in sets for pair in pairwise(members)))
            pairs = pairs[:MOST_INTERPOLATIONS]
            nearest = representatives(codes, arrays["labels"], len(classes))
            ends = [[nearest[label] for label in pair] for pair in pairs]
            labels = [f"{classes[first]}\nto {classes[second]}" for first, second in pairs]
        else:
            print(f"{dataset['name']} has no classes: no class means and no blends of classes")
            ends = subsample(len(codes), 2 * settings.closest_sets, params.seed)
            ends = ends[: len(ends) // 2 * 2].reshape(-1, 2).tolist()
            labels = [f"image {first}\nto {second}" for first, second in ends]
        strips = [
            strip
            for pair, label in zip(ends, labels, strict=True)
            for strip in _strips(model, codes, originals, pair, label, settings.interpolation_steps)
        ]
        if strips:
            title = f"{item}: from one image to another, straight and along an arc"
            image_grid(folder / "interpolations.png", title, strips)
        else:
            left_out("interpolations", f"they need 2 validation images, found {len(codes)}")

        drawn = {"mixture": sample_mixture(mixture, settings.samples, params.seed)}
        if isinstance(model, VariationalAutoencoder):
            chance = generator(params.seed, "prior")
            drawn["prior"] = model.sample_prior(settings.samples, chance).numpy()
            _draw_traversals(folder, item, model, codes, settings)
        for name, samples in drawn.items():
            _draw_samples(folder, name, f"{item}: samples from the {name}", model, samples, train)
        if model.latent_dim == 2:
            _draw_plane(folder, item, model, codes, settings.interpolation_steps)


def _sets(
    classes: Sequence[str], means: np.ndarray, settings: Generate, dataset: str
) -> list[tuple[str, list[int]]]:
    """The classes to blend, as (label, members): those that params name, and the closest."""
    chosen = settings.blends[dataset]
    check_blends(chosen, classes, f"generate.blends.{dataset}")
    sets = [(f"chosen {n}", [classes.index(c) for c in names]) for n, names in enumerate(chosen, 1)]
    for size, name in ((2, "pair"), (3, "triple")):
        closest = closest_sets(distances(means), size, settings.closest_sets)
        sets += [(f"closest\n{name} {n}", list(members)) for n, members in enumerate(closest, 1)]
    return sets


def _draw_classes(
    folder: Path,
    item: str,
    model: Autoencoder,
    means: np.ndarray,
    classes: Sequence[str],
    sets: Sequence[tuple[str, list[int]]],
) -> None:
    decoded = decode_codes(model, means)
    starts = range(0, len(classes), CLASSES_PER_ROW)
    parts = [slice(start, start + CLASSES_PER_ROW) for start in starts]
    rows = [Row("decoded", decoded[part], classes[part]) for part in parts]
    image_grid(folder / "class-means.png", f"{item}: the mean code of each class", rows)
    blends = [_blend_row(model, means, decoded, classes, *named) for named in sets]
    image_grid(folder / "blends.png", f"{item}: blends, each beside its parents", blends)


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


def _strips(
    model: Autoencoder,
    codes: np.ndarray,
    originals: np.ndarray,
    ends: Sequence[int],
    label: str,
    steps: int,
) -> list[Row]:
    """Two ways between the same two images."""
    start, end = originals[ends][:, np.newaxis]
    captions = ["original", *(f"{weight:.0%}" for weight in np.linspace(0, 1, steps)), "original"]
    ways = {
        label: (interpolate(*codes[ends], steps), captions),
        "along an arc": (interpolate_on_sphere(*codes[ends], steps), ()),
    }
    return [
        Row(name, np.concatenate([start, decode_codes(model, way), end]), written)
        for name, (way, written) in ways.items()
    ]


def _draw_samples(
    folder: Path, name: str, title: str, model: Autoencoder, codes: np.ndarray, train: np.ndarray
) -> None:
    """A grid of decoded samples, and the first of them beside the training images they resemble."""
    images = decode_codes(model, codes)
    rows = np.split(images, range(SAMPLES_PER_ROW, len(images), SAMPLES_PER_ROW))
    image_grid(folder / f"{name}-samples.png", title, [Row("", row) for row in rows])
    shown = images[:NEAREST_SHOWN]
    nearest = [train[_nearest_image(image, train)] for image in shown]
    rows = [Row("sample", shown), Row("nearest\ntraining image", np.stack(nearest))]
    image_grid(folder / f"{name}-nearest.png", f"{title}, and training images", rows)


def _nearest_image(image: np.ndarray, train: np.ndarray) -> int:
    """The position of the uint8 image, of (N, C, H, W), with the least squared error."""
    # |a - b|^2 without |a|^2, which is the same for all; float32 holds these sums exactly enough.
    flat = train.reshape(len(train), -1)
    error = np.empty(len(train), np.float32)
    for start in range(0, len(train), 1000):
        part = flat[start : start + 1000].astype(np.float32) / 255
        error[start : start + 1000] = (part**2).sum(axis=1) - 2 * part @ (image.ravel() / 255)
    return int(error.argmin())


def _draw_traversals(
    folder: Path, item: str, model: Autoencoder, codes: np.ndarray, settings: Generate
) -> None:
    """The dimensions whose means vary most, each from low to high around the mean code."""
    order = np.argsort(-codes.var(axis=0), kind="stable")[: settings.traversals]
    values = np.linspace(
        -TRAVERSED_DEVIATIONS,
        TRAVERSED_DEVIATIONS,
        settings.interpolation_steps,
        dtype=codes.dtype,
    )
    captions = [f"{value:+.1f}" for value in values]
    rows = [
        Row(
            f"dimension {dimension}",
            decode_codes(model, traverse(codes.mean(axis=0), dimension, values)),
            () if n else captions,
        )
        for n, dimension in enumerate(order)
    ]
    title = f"{item}: the most active dimensions, changed one by one"
    image_grid(folder / "traversals.png", title, rows)


def _draw_plane(folder: Path, item: str, model: Autoencoder, codes: np.ndarray, steps: int) -> None:
    quantiles = (np.arange(2 * steps) + 0.5) / (2 * steps)
    decoded = decode_codes(model, plane(quantiles, codes.mean(axis=0), codes.std(axis=0)))
    rows = [Row("", row) for row in decoded.reshape(2 * steps, 2 * steps, *decoded.shape[1:])]
    image_grid(folder / "plane.png", f"{item}: the plane of its two latent dimensions", rows)


if __name__ == "__main__":
    run_stage(generate, "models", "corruptions")
