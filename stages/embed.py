"""Encode corrupted inputs of all splits, into data/embeddings/MODEL-CORRUPTION."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autoencoders.core.cli import run_stage
from autoencoders.core.seeds import generator
from autoencoders.core.storage import (
    IMAGES,
    LABELS,
    read_arrays,
    read_pairs,
    whole_folder,
    write_arrays,
)
from autoencoders.corruptions import build_corruption, permute_pixels
from autoencoders.models.devices import prepare
from autoencoders.models.inference import EVALUATION_BATCH, encode
from autoencoders.models.registry import load_model
from autoencoders.params import Params, settings


def embed(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    device = prepare(params.train.device)
    model = load_model(Path("models") / item, device)

    def write(split: str, inputs: Tensor, labels: np.ndarray) -> None:
        codes = encode(model, inputs.to(device))
        arrays = {name: code.cpu().numpy() for name, code in codes.items()}
        write_arrays(folder / f"{split}.safetensors", arrays | {"labels": labels})

    with whole_folder(Path("data/embeddings") / item) as folder:
        train = read_arrays(Path("data/processed/train.safetensors"), images=IMAGES, labels=LABELS)
        write("train", _corrupted(train["images"], params, corruption_name), train["labels"])
        for split in ("validation", "test"):
            originals, corrupted = read_pairs(
                Path(f"data/processed/{split}.safetensors"),
                Path(f"data/corrupted/{corruption_name}/{split}.safetensors"),
            )
            write(split, torch.from_numpy(corrupted["images"]), originals["labels"])


def _corrupted(images: np.ndarray, params: Params, name: str) -> Tensor:
    """Training images corrupted once, as in no epoch of the training."""
    config = params.corruptions[name]
    originals = torch.from_numpy(images)
    corruption = build_corruption(config.kind, *originals.shape[2:], **settings(config))
    record = corruption.draw(len(originals), generator(params.seed, "embedded corruption"))
    batches = zip(originals.split(EVALUATION_BATCH), record.split(EVALUATION_BATCH), strict=True)
    return torch.cat([permute_pixels(batch, corruption.table(drawn)) for batch, drawn in batches])


if __name__ == "__main__":
    run_stage(embed, "models", "corruptions")
