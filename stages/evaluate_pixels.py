"""Measure raw pixels as if they were codes: the floor of abstraction."""

from pathlib import Path

from autoencoders.abstraction import class_measures
from autoencoders.core.cli import run_stage
from autoencoders.core.storage import IMAGES, LABELS, read_arrays, read_json, write_json
from autoencoders.floors import flat
from autoencoders.params import Params


def evaluate_pixels(params: Params) -> None:
    classes = read_json(Path("data/processed/dataset.json"), "classes")["classes"]
    train, test = (
        read_arrays(Path(f"data/processed/{split}.safetensors"), images=IMAGES, labels=LABELS)
        for split in ("train", "test")
    )
    measured = {"trustworthiness": 1.0}
    if len(classes) > 1:
        measured |= class_measures(
            flat(train["images"]),
            train["labels"],
            flat(test["images"]),
            test["labels"],
            params.seed,
        )
    write_json(Path("metrics/latent/pixels.json"), measured)


if __name__ == "__main__":
    run_stage(evaluate_pixels)
