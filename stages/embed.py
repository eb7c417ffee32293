"""Encode the corrupted validation and test inputs, into data/embeddings/MODEL-CORRUPTION."""

from pathlib import Path

import torch

from autoencoders.core.cli import run_stage
from autoencoders.core.storage import read_pairs, whole_folder, write_arrays
from autoencoders.models.devices import prepare
from autoencoders.models.inference import encode
from autoencoders.models.registry import load_model
from autoencoders.params import Params


def embed(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    device = prepare(params.train.device)
    model = load_model(Path("models") / item, device)
    with whole_folder(Path("data/embeddings") / item) as folder:
        for split in ("validation", "test"):
            originals, corrupted = read_pairs(
                Path(f"data/processed/{split}.safetensors"),
                Path(f"data/corrupted/{corruption_name}/{split}.safetensors"),
            )
            inputs = torch.from_numpy(corrupted["images"])
            codes = encode(model, inputs.to(device))
            arrays = {name: code.cpu().numpy() for name, code in codes.items()}
            write_arrays(folder / f"{split}.safetensors", arrays | {"labels": originals["labels"]})


if __name__ == "__main__":
    run_stage(embed, "models", "corruptions")
