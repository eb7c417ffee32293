"""Measure what needs no autoencoder on the test images, into metrics/baselines.json."""

from pathlib import Path

import torch

from autoencoders.io.arrays import IMAGES, LABELS, read_arrays, read_pairs
from autoencoders.io.files import read_json, write_json
from autoencoders.io.streams import subsample
from autoencoders.measures.abstraction import Probes, class_measures, neighbourhood_measures
from autoencoders.measures.baselines import (
    copy_mse,
    fit_pca,
    mean_image_mse,
    pca_codes,
    pca_mse,
    pca_samples,
    pixel_codes,
)
from autoencoders.measures.generation import Reference, closeness, generation_measures
from autoencoders.nets.classifier import features, load_classifier, read_features
from autoencoders.nets.devices import prepare
from autoencoders.params import Params
from autoencoders.runner.stage import run_stage

TEST = Path("data/processed/test.safetensors")


def baselines(params: Params) -> None:
    seed, count = params.seed, params.evaluate.generated_samples
    device = prepare(params.train.device)
    classes = read_json(Path("data/processed/dataset.json"), "classes")["classes"]
    train, test = (
        (arrays["images"], arrays["labels"])
        for arrays in (
            read_arrays(Path(f"data/processed/{split}.safetensors"), images=IMAGES, labels=LABELS)
            for split in ("train", "test")
        )
    )
    copies = {
        name: copy_mse(
            read_pairs(TEST, Path(f"data/corrupted/{name}/test.safetensors"))[1]["images"], test[0]
        )
        for name in params.corruptions
    }
    seen = {name: torch.from_numpy(points) for name, points in read_features().items()}
    sources = {
        "training_images": seen["train"][subsample(len(train[0]), count, seed, "training floor")]
    }
    classifier = load_classifier(Path("models/classifier"), device)
    pca_errors: dict[str, float] = {}
    latent: dict[str, dict[str, float | None]] = {"pixels": {"trustworthiness": 1.0}}
    if len(classes) > 1:
        probes = Probes(*pixel_codes(*train, seed), seed)
        latent["pixels"] |= class_measures(probes, *pixel_codes(*test, seed), seed)
        del probes  # which holds as many numbers as there are pixels
    for size in sorted({config.latent_dim for config in params.models.values()}):
        pca, name = fit_pca(train[0], size, seed), f"pca_{size}"
        pca_errors[name] = pca_mse(pca, test[0])
        codes = pca_codes(pca, test[0])
        latent[name] = neighbourhood_measures(test[0], codes, seed)
        if len(classes) > 1:
            probes = Probes(pca_codes(pca, train[0]), train[1], seed)
            latent[name] |= class_measures(probes, codes, test[1], seed)
        made = torch.from_numpy(pca_samples(pca, count, seed, train[0].shape[1:]))
        sources[f"{name}_gaussian_samples"] = features(classifier, made.to(device)).cpu()
    real = seen["test"][subsample(len(seen["test"]), count, seed, "real images")]
    reference = Reference.of(real, seen["train"], seen["validation"], seed)
    generation = generation_measures(reference, sources, seed)
    generation["test_images"] = {"to_training": closeness(real, reference)}
    write_json(
        Path("metrics/baselines.json"),
        {
            "mse": {"mean_image": mean_image_mse(train[0], test[0]), **pca_errors, "copy": copies},
            "latent": latent,
            "generation": generation,
        },
    )


if __name__ == "__main__":
    run_stage(baselines, gathers=True)
