"""Draw what one model restores, blends and makes, into plots/generated/MODEL-CORRUPTION."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch

from autoencoders.corruptions.registry import build_corruption
from autoencoders.data.checks import check_blends
from autoencoders.experiment import blends_of, described
from autoencoders.figures.curves import class_shares, loss_curves
from autoencoders.figures.gallery import Gallery, ends_of_classes, ends_of_images
from autoencoders.io.arrays import CODES, IMAGES, LABELS, read_arrays, read_pairs
from autoencoders.io.files import read_history, read_json, whole_folder
from autoencoders.io.streams import generator, numpy_generator, subsample
from autoencoders.models.inference import decode_codes
from autoencoders.models.registry import load_model
from autoencoders.nets.classifier import load_classifier, logits
from autoencoders.nets.devices import prepare
from autoencoders.params import Params
from autoencoders.runner.stage import run_stage
from autoencoders.sampling.classes import class_means, sets_to_blend
from autoencoders.sampling.mixture import MIXTURE, sample_mixture
from autoencoders.sampling.ways import ways_between


def generate(params: Params, model_name: str, corruption_name: str) -> None:
    item, settings, seed = f"{model_name}-{corruption_name}", params.generate, params.seed
    device = prepare(params.train.device)
    model = load_model(Path("models") / item, device)
    decode = partial(decode_codes, model)
    dataset = read_json(Path("data/processed/dataset.json"), "name", "classes")
    classes = dataset["classes"]
    train = read_arrays(Path("data/processed/train.safetensors"), images=IMAGES)["images"]
    validation, corrupted = read_pairs(
        Path("data/processed/validation.safetensors"),
        Path(f"data/corrupted/{corruption_name}/validation.safetensors"),
    )
    originals, labels = validation["images"], validation["labels"]
    embeddings = Path("data/embeddings") / item
    codes = read_arrays(embeddings / "validation.safetensors", mean=CODES)["mean"]
    mixture = read_arrays(embeddings / "mixture.safetensors", **MIXTURE)
    snapshots = read_arrays(Path(f"models/{item}/snapshots.safetensors"), positions=LABELS)
    unit = read_json(Path(f"models/{item}/config.json"), "loss_unit")["loss_unit"]
    history = read_history(Path(f"plots/history/{item}.csv"))
    blends = blends_of(params)
    check_blends(blends, classes, "generate.blends")

    with whole_folder(Path("plots/generated") / item) as folder:
        gallery = Gallery(folder, item, decode, settings.interpolation_steps)
        names = [classes[label] for label in labels] if classes else []
        config = described(params.corruptions[corruption_name])
        said = build_corruption(config, *originals.shape[2:]).captions(corrupted)
        gallery.draw_reconstructions(snapshots, originals, corrupted["images"], names, said)
        loss_curves(folder / "losses.png", item, history, unit)

        if classes:
            means = class_means(codes, labels, len(classes))
            sets = sets_to_blend(means, classes, blends, settings.closest_sets)
            gallery.draw_classes(means, classes, sets)
            ends = ends_of_classes(codes, labels, classes, sets)
        else:
            print(f"{dataset['name']} has no classes: no class means and no blends of classes")
            ends = ends_of_images(subsample(len(codes), 2 * settings.closest_sets, seed, "ends"))
        gallery.draw_interpolations(codes, originals, ends)
        if ways := ways_between(codes, labels, classes, blends):
            shares = shares_along(ways, decode, device)
            class_shares(folder / "ways.png", f"{item}: classes on the way", shares, classes)
        drawn = sample_mixture(mixture, settings.samples, numpy_generator(seed, "shown mixture"))
        gallery.draw_samples("mixture", drawn, train)
        chance = generator(seed, "prior", device=device)
        if model.prior is not None:
            prior = model.sample_prior(settings.samples, chance).cpu().numpy()
            gallery.draw_samples("prior", prior, train)
        if model.supervised:
            drawn = model.sample_classes(settings.interpolation_steps, chance).cpu().numpy()
            gallery.draw_class_samples(drawn, classes)
        if model.prior == "standard normal":
            gallery.draw_traversals(codes, settings.traversals)
        if model.latent_dim == 2:
            gallery.draw_plane(codes)


def shares_along(
    ways: Mapping[str, np.ndarray],
    decode: Callable[[np.ndarray], np.ndarray],
    device: torch.device,
) -> dict[str, np.ndarray]:
    """What the classifier takes decoded codes (S, L) for: the classes' probabilities (S, K)."""
    classifier = load_classifier(Path("models/classifier"), device)
    shares = {}
    for name, codes in ways.items():
        images = torch.from_numpy(decode(codes)).to(device)
        shares[name] = logits(classifier, images).softmax(dim=1).cpu().numpy()
    return shares


if __name__ == "__main__":
    run_stage(generate, "models", "corruptions")
