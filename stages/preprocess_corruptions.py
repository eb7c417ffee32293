"""Corrupt validation and test images once and for all, into data/corrupted/CORRUPTION."""

from pathlib import Path

import torch

from autoencoders.corruptions.registry import build_corruption
from autoencoders.experiment import described
from autoencoders.io.arrays import IMAGES, read_arrays, write_arrays
from autoencoders.io.files import whole_folder
from autoencoders.io.streams import generator
from autoencoders.params import Params
from autoencoders.runner.stage import run_stage


def preprocess_corruptions(params: Params) -> None:
    with whole_folder(Path("data/corrupted")) as folder:
        for split in ("validation", "test"):
            arrays = read_arrays(Path(f"data/processed/{split}.safetensors"), images=IMAGES)
            images = torch.from_numpy(arrays["images"])
            for name, config in params.corruptions.items():
                corruption = build_corruption(described(config), *images.shape[2:])
                chance = generator(params.seed, f"{split} corruption")
                inputs, record = corruption.draw_and_apply(images, chance)
                drawn = {key: values.numpy() for key, values in record.items()}
                path = folder / name / f"{split}.safetensors"
                write_arrays(path, {"images": inputs.numpy(), **drawn})


if __name__ == "__main__":
    run_stage(preprocess_corruptions)
