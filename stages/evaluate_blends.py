"""Measure the ways between classes through a model's latent space, as the classifier sees them."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from autoencoders.classifier import features, load_classifier, logits
from autoencoders.core.cli import run_stage
from autoencoders.core.storage import (
    CODES,
    LABELS,
    read_arrays,
    read_json,
    whole_folder,
    write_json,
)
from autoencoders.fidelity import smoothness
from autoencoders.figures import class_shares
from autoencoders.generation import decode_codes, interpolate
from autoencoders.latent import representatives
from autoencoders.models.devices import prepare
from autoencoders.models.registry import load_model
from autoencoders.params import Params

STEPS = 41


def evaluate_blends(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    device = prepare(params.train.device)
    model = load_model(Path("models") / item, device)
    classifier = load_classifier(Path("models/classifier"), device)
    dataset = read_json(Path("data/processed/dataset.json"), "name", "classes")
    classes = dataset["classes"]
    arrays = read_arrays(
        Path(f"data/embeddings/{item}/validation.safetensors"), mean=CODES, labels=LABELS
    )
    codes = arrays["mean"]
    measured, shares = {}, {}
    if len(classes) > 1:
        nearest = representatives(codes, arrays["labels"], len(classes))
        ends = dict(zip(classes, codes[nearest], strict=True))
        blends = params.generate.blends[dataset["name"]]
        for start, end in dict.fromkeys(pair for names in blends for pair in pairwise(names)):
            way = decode_codes(model, interpolate(ends[start], ends[end], STEPS))
            images = torch.from_numpy(way).to(device)
            probabilities = logits(classifier, images).softmax(dim=1).cpu().numpy()
            name = f"{start} to {end}"
            shares[name] = probabilities
            measured[name] = smoothness(features(classifier, images)) | {
                "classes": _runs(classes, probabilities)
            }
    write_json(Path(f"metrics/blends/{item}.json"), measured)
    with whole_folder(Path("plots/blends") / item) as folder:
        if shares:
            class_shares(folder / "classes.png", f"{item}: classes on the way", shares, classes)


def _runs(classes: list[str], probabilities: np.ndarray) -> list[str]:
    """The most probable classes along the way, each once for as long as it stays."""
    named = [classes[label] for label in probabilities.argmax(axis=1)]
    return [name for n, name in enumerate(named) if n == 0 or name != named[n - 1]]


if __name__ == "__main__":
    run_stage(evaluate_blends, "models", "corruptions")
