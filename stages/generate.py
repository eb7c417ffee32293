"""Generate new images: class means, blends, interpolations and, for a VAE, prior samples."""

from itertools import pairwise
from pathlib import Path

import numpy as np

from autoencoders.core.cli import run_stage
from autoencoders.core.seeds import generator
from autoencoders.core.storage import CODES, IMAGES, LABELS, read_arrays, read_json, whole_folder
from autoencoders.figures import Row, image_grid
from autoencoders.generation import blend, decode_codes, interpolate
from autoencoders.latent import class_means, closest_pairs, distances, nearest_to
from autoencoders.models.devices import prepare
from autoencoders.models.registry import load_model
from autoencoders.models.vae import VariationalAutoencoder
from autoencoders.params import Params

SAMPLES_PER_ROW = 16


def generate(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    model = load_model(Path("models") / item, prepare(params.train.device))
    dataset = read_json(Path("data/processed/dataset.json"), "name", "classes")
    classes = dataset["classes"]
    originals = read_arrays(Path("data/processed/validation.safetensors"), images=IMAGES)["images"]
    arrays = read_arrays(
        Path(f"data/embeddings/{item}/validation.safetensors"), mean=CODES, labels=LABELS
    )
    codes = arrays["mean"]
    means = class_means(codes, arrays["labels"], len(classes))
    decoded = decode_codes(model, means)

    named = params.generate.blends.get(dataset["name"], [])
    closest = closest_pairs(distances(means), params.generate.closest_pairs)
    sets = [(f"chosen {n}", [classes.index(c) for c in names]) for n, names in enumerate(named, 1)]
    sets += [(f"closest {n}", list(pair)) for n, pair in enumerate(closest, 1)]

    blends = []
    for label, members in sets:
        blended = decode_codes(model, blend(means, members)[np.newaxis])
        captions = [*(classes[member] for member in members), "blend"]
        row = Row(label, np.concatenate([decoded[members], blended]), captions, [len(members)])
        blends.append(row)

    strips = []
    pairs = dict.fromkeys(pair for _, members in sets for pair in pairwise(members))
    for first, second in pairs:
        ends = [nearest_to(means[label], codes) for label in (first, second)]
        way = interpolate(*codes[ends], params.generate.interpolation_steps)
        start, end = originals[ends][:, np.newaxis]
        images = np.concatenate([start, decode_codes(model, way), end])
        captions = ["original", *(f"{w:.0%}" for w in np.linspace(0, 1, len(way))), "original"]
        strips.append(Row(f"{classes[first]}\nto {classes[second]}", images, captions))

    with whole_folder(Path("plots/generated") / item) as folder:
        means_row = Row("decoded", decoded, classes)
        image_grid(folder / "class-means.png", f"{item}: the mean code of each class", [means_row])
        image_grid(folder / "blends.png", f"{item}: blends, each beside its parents", blends)
        title = f"{item}: from one image to another through the latent space"
        image_grid(folder / "interpolations.png", title, strips)
        if isinstance(model, VariationalAutoencoder):
            chance = generator(params.seed, "prior")
            samples = decode_codes(model, model.sample_prior(params.generate.prior_samples, chance))
            rows = np.split(samples, range(SAMPLES_PER_ROW, len(samples), SAMPLES_PER_ROW))
            grid = [Row("", row) for row in rows]
            image_grid(folder / "prior-samples.png", f"{item}: samples from the prior", grid)


if __name__ == "__main__":
    run_stage(generate, "models", "corruptions")
