"""Measure what one model generates, in the features of the data set's own classifier."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autoencoders.classifier import features, load_classifier
from autoencoders.core.cli import run_stage
from autoencoders.core.errors import left_out
from autoencoders.core.numbers import ratio
from autoencoders.core.seeds import generator
from autoencoders.core.storage import IMAGES, read_arrays, read_pairs, write_json
from autoencoders.fidelity import fidelity_measures, nearest_distances
from autoencoders.floors import fit_pca
from autoencoders.generation import decode_codes
from autoencoders.latent import subsample
from autoencoders.mixture import MIXTURE, sample_mixture
from autoencoders.models.devices import prepare
from autoencoders.models.inference import reconstruct, to_bytes
from autoencoders.models.registry import load_model
from autoencoders.models.vae import VariationalAutoencoder
from autoencoders.params import Params


def evaluate_generation(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    device = prepare(params.train.device)
    model = load_model(Path("models") / item, device)
    classifier = load_classifier(Path("models/classifier"), device)
    train = read_arrays(Path("data/processed/train.safetensors"), images=IMAGES)["images"]
    test, corrupted = read_pairs(
        Path("data/processed/test.safetensors"),
        Path(f"data/corrupted/{corruption_name}/test.safetensors"),
    )
    mixture = read_arrays(Path(f"data/mixtures/{item}.safetensors"), **MIXTURE)
    count = params.evaluate.generated_samples

    def featured(images: np.ndarray | Tensor) -> Tensor:
        return features(classifier, torch.as_tensor(images).to(device))

    made = {
        "training_images": train[subsample(len(train), count, params.seed)],
        "reconstructions": to_bytes(
            reconstruct(model, torch.from_numpy(corrupted["images"]).to(device))
        ),
        "mixture_samples": decode_codes(model, sample_mixture(mixture, count, params.seed)),
        "pca_gaussian_samples": pca_samples(train, model.latent_dim, count, params.seed),
    }
    if isinstance(model, VariationalAutoencoder):
        chance = generator(params.seed, "measured prior", device=device)
        made["prior_samples"] = decode_codes(model, model.sample_prior(count, chance))
    real = featured(test["images"][subsample(len(test["images"]), count, params.seed)])
    seen = featured(train)
    usual = nearest_distances(real, seen)[0].median()
    if len(real) < 2:
        left_out("the measures of generation", "they need at least 2 test images, found 1")
    measured = {}
    for name, images in made.items():
        points = featured(images)
        measured[name] = fidelity_measures(real, points, params.seed)
        if name.endswith("_samples"):
            nearest = nearest_distances(points, seen)[0].median()
            measured[name]["distance_to_training"] = ratio(float(nearest), float(usual))
    if not usual:
        left_out(
            "distance_to_training",
            "the median test image is, to the classifier, equal to some training image",
        )
    write_json(Path(f"metrics/generation/{item}.json"), measured)


def pca_samples(train: np.ndarray, components: int, count: int, seed: int) -> np.ndarray:
    """uint8 images drawn from a Gaussian over principal components: the floor of generation."""
    pca = fit_pca(train, components, seed)
    scales = np.sqrt(pca.explained_variance_)
    codes = np.random.default_rng(seed).standard_normal((count, len(scales))) * scales
    images = pca.inverse_transform(codes).reshape(count, *train.shape[1:])
    return (images.clip(0, 1) * 255).round().astype(np.uint8)


if __name__ == "__main__":
    run_stage(evaluate_generation, "models", "corruptions")
