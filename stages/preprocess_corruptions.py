"""Corrupt the validation and test images once and for all, into data/corrupted/CORRUPTION."""

from pathlib import Path

import torch

from autoencoders.core.cli import run_stage
from autoencoders.core.seeds import generator
from autoencoders.core.storage import IMAGES, read_arrays, whole_folder, write_arrays
from autoencoders.corruptions import build_corruption, permute_pixels
from autoencoders.params import Params, settings


def preprocess_corruptions(params: Params, name: str) -> None:
    config = params.corruptions[name]
    with whole_folder(Path("data/corrupted") / name) as folder:
        for split in ("validation", "test"):
            arrays = read_arrays(Path(f"data/processed/{split}.safetensors"), images=IMAGES)
            images = torch.from_numpy(arrays["images"])
            corruption = build_corruption(config.kind, *images.shape[2:], **settings(config))
            record = corruption.draw(len(images), generator(params.seed, f"{split} corruption"))
            inputs = permute_pixels(images, corruption.table(record))
            write_arrays(
                folder / f"{split}.safetensors",
                {"images": inputs.numpy(), corruption.record_name: record.numpy()},
            )


if __name__ == "__main__":
    run_stage(preprocess_corruptions, "corruptions")
