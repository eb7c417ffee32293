"""Encode corrupted inputs of all splits and fit a mixture to the codes, into data/embeddings."""

from pathlib import Path

import torch

from autoencoders.corruptions.registry import build_corruption
from autoencoders.io.arrays import IMAGES, LABELS, read_arrays, read_pairs, write_arrays
from autoencoders.io.files import whole_folder
from autoencoders.io.streams import generator
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
    inputs = corruption.draw_and_apply(torch.from_numpy(train["images"]), chance)[0]
    splits = {"train": (inputs, train["labels"])}
    for split in ("validation", "test"):
        originals, corrupted = read_pairs(
            Path(f"data/processed/{split}.safetensors"),
            Path(f"data/corrupted/{corruption_name}/{split}.safetensors"),
        )
        splits[split] = torch.from_numpy(corrupted["images"]), originals["labels"]
    with whole_folder(Path("data/embeddings") / item) as folder:
        for split, (images, labels) in splits.items():
            codes = encode(model, images.to(device))
            arrays = {name: code.cpu().numpy() for name, code in codes.items()}
            write_arrays(folder / f"{split}.safetensors", arrays | {"labels": labels})
            if split == "train":
                mixture = fit_mixture(arrays["mean"], params.mixture.components, params.seed)
                write_arrays(folder / "mixture.safetensors", mixture)


if __name__ == "__main__":
    run_stage(embed, "models", "corruptions")
