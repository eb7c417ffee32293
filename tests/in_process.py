"""The stages as functions, in this process and the current folder: no DVC, no start-up."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from autoencoders.experiment import items_of
from autoencoders.params import Params
from tests.project import ROOT, SMALL

OWN = {
    "data.name": "folder",
    "corruptions": {"jigsaw": {"kind": "jigsaw", "grid": 3}},
    "train.epochs": 1,
    "classifier.epochs": 1,
    "evaluate.generated_samples": 20,
    "plot_latent.tsne_points": 100,
}


def small_params(changes: Mapping[str, Any]) -> Params:
    """The small params of the tests' projects, for own images, with one VAE on a jigsaw."""
    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    del content["models"]["ae"]
    small = {key: value for key, value in SMALL.items() if not key.startswith("models.ae")}
    for key, value in (small | OWN | dict(changes)).items():
        *parents, last = key.split(".")
        section = content
        for parent in parents:
            section = section[parent]
        section[last] = value
    return Params.model_validate(content)


def run(stage: str, params: Params, *item: str) -> None:
    """Run a stage's function."""
    function = getattr(importlib.import_module(f"stages.{stage}"), stage)
    function(params, *item)


def run_all(params: Params) -> None:
    """Run every stage but `code`, in an order that fits."""
    for stage in ("download", "preprocess", "preprocess_corruptions", "train_classifier"):
        run(stage, params)
    for model, corruption in items_of(params):
        for stage in ("train", "embed", "plot_latent", "generate", "evaluate"):
            run(stage, params, model, corruption)
    for stage in ("baselines", "summary", "report"):
        run(stage, params)


def write_images(images: Mapping[str, np.ndarray]) -> None:
    """Write images to files below images/, by their names."""
    for name, pixels in images.items():
        path = Path("images") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
