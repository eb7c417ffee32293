"""Encode corrupted inputs of all splits and fit a mixture to the codes, into data/embeddings."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from autoencoders.corruptions.base import batches
from autoencoders.corruptions.registry import build_corruption
from autoencoders.experiment import described
from autoencoders.io.arrays import IMAGES, LABELS, read_arrays, read_pairs, write_arrays
from autoencoders.io.files import whole_folder
from autoencoders.io.streams import generator
from autoencoders.io.tensors import EVALUATION_BATCH
from autoencoders.models.inference import encode_parts
from autoencoders.models.registry import load_model
from autoencoders.nets.devices import prepare
from autoencoders.params import Params
from autoencoders.runner.stage import run_stage
from autoencoders.sampling.mixture import fit_mixture


def embed(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    device = prepare(params.train.device)
    model = load_model(Path("models") / item, device)
    train = read_arrays(Path("data/processed/train.safetensors"), images=IMAGES, labels=LABELS)
    config = described(params.corruptions[corruption_name])
    corruption = build_corruption(config, *train["images"].shape[2:])
    # Training images are corrupted once, as in no epoch of the training.
    chance = generator(params.seed, "embedded corruption")
    images = torch.from_numpy(train["images"])
    record = corruption.draw(len(images), chance)
    splits: dict[str, tuple[Iterable[torch.Tensor], np.ndarray]] = {
        # Batch by batch, as corrupted images would take as much memory as the images.
        "train": (
            (corruption.apply(batch, drawn) for batch, drawn in batches(images, record)),
            train["labels"],
        )
    }
    for split in ("validation", "test"):
        originals, corrupted = read_pairs(
            Path(f"data/processed/{split}.safetensors"),
            Path(f"data/corrupted/{corruption_name}/{split}.safetensors"),
        )
        inputs = torch.from_numpy(corrupted["images"])
        splits[split] = inputs.split(EVALUATION_BATCH), originals["labels"]
    with whole_folder(Path("data/embeddings") / item) as folder:
        for split, (parts, labels) in splits.items():
            found = encode_parts(model, (part.to(device) for part in parts), len(labels))
            arrays = {name: codes.cpu().numpy() for name, codes in found.items()}
            write_arrays(folder / f"{split}.safetensors", arrays | {"labels": labels})
            if split == "train":
                mixture = fit_mixture(arrays["mean"], params.mixture.components, params.seed)
                write_arrays(folder / "mixture.safetensors", mixture)


if __name__ == "__main__":
    run_stage(embed, "models", "corruptions")
