"""Encode corrupted inputs of all splits and fit a mixture to the codes, into data/embeddings."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from autoencoders.corruptions.base import permute_pixels
from autoencoders.corruptions.registry import build_corruption
from autoencoders.io.arrays import IMAGES, LABELS, read_arrays, read_pairs, write_arrays
from autoencoders.io.files import whole_folder
from autoencoders.io.streams import generator
from autoencoders.io.tensors import EVALUATION_BATCH
from autoencoders.models.inference import encode
from autoencoders.models.registry import load_model
from autoencoders.nets.devices import prepare
from autoencoders.params import Params, settings
from autoencoders.runner.stage import run_stage
from autoencoders.sampling.mixture import fit_mixture


def embed(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    device = prepare(params.train.device)
    model = load_model(Path("models") / item, device)
    train = read_arrays(Path("data/processed/train.safetensors"), images=IMAGES, labels=LABELS)
    config = params.corruptions[corruption_name]
    height, width = train["images"].shape[2:]
    corruption = build_corruption(config.kind, height, width, **settings(config))
    # Training images are corrupted once, as in no epoch of the training.
    chance = generator(params.seed, "embedded corruption")
    images = torch.from_numpy(train["images"])
    record = corruption.draw(len(images), chance)
    batches = zip(images.split(EVALUATION_BATCH), record.split(EVALUATION_BATCH), strict=True)
    splits: dict[str, tuple[Iterable[torch.Tensor], np.ndarray]] = {
        # Batch by batch, as corrupted images would take as much memory as the images.
        "train": (
            (permute_pixels(batch, corruption.table(drawn)) for batch, drawn in batches),
            train["labels"],
        )
    }
    for split in ("validation", "test"):
        originals, corrupted = read_pairs(
            Path(f"data/processed/{split}.safetensors"),
            Path(f"data/corrupted/{corruption_name}/{split}.safetensors"),
        )
        splits[split] = [torch.from_numpy(corrupted["images"])], originals["labels"]
    with whole_folder(Path("data/embeddings") / item) as folder:
        for split, (parts, labels) in splits.items():
            codes = [encode(model, part.to(device)) for part in parts]
            arrays = {
                name: torch.cat([part[name] for part in codes]).cpu().numpy() for name in codes[0]
            }
            write_arrays(folder / f"{split}.safetensors", arrays | {"labels": labels})
            if split == "train":
                mixture = fit_mixture(arrays["mean"], params.mixture.components, params.seed)
                write_arrays(folder / "mixture.safetensors", mixture)


if __name__ == "__main__":
    run_stage(embed, "models", "corruptions")
