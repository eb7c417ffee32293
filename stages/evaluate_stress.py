"""Measure one model on every corruption, the one that it was trained for and the others."""

from pathlib import Path

import torch

from autoencoders.core.cli import run_stage
from autoencoders.core.numbers import ratio
from autoencoders.core.storage import read_pairs, write_json
from autoencoders.corruptions import build_corruption
from autoencoders.metrics import mse_per_image
from autoencoders.models.devices import prepare
from autoencoders.models.inference import reconstruct, to_float
from autoencoders.models.registry import load_model
from autoencoders.params import Params, settings
from autoencoders.stress import misplaced, mse_by, tile_accuracy


def evaluate_stress(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    device = prepare(params.train.device)
    model = load_model(Path("models") / item, device)
    measured: dict[str, dict] = {}
    for name, config in params.corruptions.items():
        test, corrupted = read_pairs(
            Path("data/processed/test.safetensors"), Path(f"data/corrupted/{name}/test.safetensors")
        )
        inputs, originals = (
            torch.from_numpy(arrays["images"]).to(device) for arrays in (corrupted, test)
        )
        reconstructed, targets = reconstruct(model, inputs), to_float(originals)
        mse = mse_per_image(reconstructed, targets)
        clean = float(mse_per_image(reconstruct(model, originals), targets).mean())
        measured[name] = {"mse": float(mse.mean()), "excess": ratio(float(mse.mean()), clean)}
        if config.kind == "rotate":
            measured[name]["by_k"] = mse_by(corrupted["k"], mse)
        if config.kind == "jigsaw":
            jigsaw = build_corruption("jigsaw", *inputs.shape[2:], device, **settings(config))
            measured[name]["by_misplaced_tiles"] = mse_by(misplaced(corrupted["permutation"]), mse)
            measured[name]["tile_accuracy"] = tile_accuracy(reconstructed, targets, jigsaw)
    write_json(Path(f"metrics/stress/{item}.json"), measured)


if __name__ == "__main__":
    run_stage(evaluate_stress, "models", "corruptions")
