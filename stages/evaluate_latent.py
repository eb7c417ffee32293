"""Measure what the codes of one model tell of classes and neighbourhoods."""

from pathlib import Path

from autoencoders.abstraction import class_measures, neighbourhood_measures
from autoencoders.core.cli import run_stage
from autoencoders.core.storage import CODES, IMAGES, LABELS, read_arrays, read_json, write_json
from autoencoders.params import Params


def evaluate_latent(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    classes = read_json(Path("data/processed/dataset.json"), "classes")["classes"]
    train, test = (
        read_arrays(Path(f"data/embeddings/{item}/{split}.safetensors"), mean=CODES, labels=LABELS)
        for split in ("train", "test")
    )
    images = read_arrays(Path("data/processed/test.safetensors"), images=IMAGES)["images"]
    measured = neighbourhood_measures(images, test["mean"], params.seed)
    if len(classes) > 1:
        measured |= class_measures(
            train["mean"], train["labels"], test["mean"], test["labels"], params.seed
        )
    write_json(Path(f"metrics/latent/{item}.json"), measured)


if __name__ == "__main__":
    run_stage(evaluate_latent, "models", "corruptions")
