"""Split the images into train, validation and test, packed as uint8 arrays in data/processed."""

from pathlib import Path

from autoencoders.core.cli import run_stage
from autoencoders.core.storage import whole_folder, write_arrays, write_json
from autoencoders.datasets import DATASETS, split_balanced
from autoencoders.params import Params


def preprocess(params: Params) -> None:
    dataset = DATASETS[params.data.name]
    splits = dataset.read(Path("data/raw"))
    train, validation = split_balanced(
        splits["train"], params.data.validation_fraction, params.seed
    )
    with whole_folder(Path("data/processed")) as folder:
        parts = {"train": train, "validation": validation, "test": splits["test"]}
        for name, split in parts.items():
            arrays = {"images": split.images, "labels": split.labels}
            write_arrays(folder / f"{name}.safetensors", arrays)
        description = {
            "name": params.data.name,
            "classes": list(dataset.classes),
            "image_shape": list(train.images.shape[1:]),
        }
        write_json(folder / "dataset.json", description)


if __name__ == "__main__":
    run_stage(preprocess)
