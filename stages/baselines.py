"""Measure what needs no autoencoder, into metrics/baselines.json: facts of the data set."""

from pathlib import Path

import torch

from autoencoders.io.arrays import IMAGES, LABELS, read_arrays, read_pairs
from autoencoders.io.files import read_json, write_json
from autoencoders.io.streams import subsample
from autoencoders.measures.abstraction import class_measures, latent_measures
from autoencoders.measures.baselines import (
    copy_mse,
    fit_pca,
    flat,
    mean_image_mse,
    pca_mse,
    pca_samples,
)
from autoencoders.measures.generation import generation_measures
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
    seen = read_features()
    sources = {"training_images": seen["train"][subsample(len(train[0]), count, seed)]}
    sources = {name: torch.from_numpy(points) for name, points in sources.items()}
    classifier = load_classifier(Path("models/classifier"), device)
    pca_errors: dict[str, float] = {}
    latent: dict[str, dict[str, float | None]] = {"pixels": {"trustworthiness": 1.0}}
    for size in sorted({config.latent_dim for config in params.models.values()}):
        pca, name = fit_pca(train[0], size, seed), f"pca_{size}"
        pca_errors[name] = pca_mse(pca, test[0])
        fitted, measured = (
            (pca.transform(flat(images)), labels) for images, labels in (train, test)
        )
        latent[name] = latent_measures(fitted, measured, test[0], len(classes), seed)
        made = torch.from_numpy(pca_samples(pca, count, seed, train[0].shape[1:]))
        sources[f"{name}_gaussian_samples"] = features(classifier, made.to(device)).cpu()
    if len(classes) > 1:
        latent["pixels"] |= class_measures(flat(train[0]), train[1], flat(test[0]), test[1], seed)
    real = torch.from_numpy(seen["test"][subsample(len(seen["test"]), count, seed)])
    write_json(
        Path("metrics/baselines.json"),
        {
            "mse": {"mean_image": mean_image_mse(train[0], test[0]), **pca_errors, "copy": copies},
            "latent": latent,
            "generation": generation_measures(real, torch.from_numpy(seen["train"]), sources, seed),
        },
    )


if __name__ == "__main__":
    run_stage(baselines, gathers=True)
