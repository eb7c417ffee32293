"""Measure one model on the whole test set, beside the floors that give its numbers meaning."""

from pathlib import Path

import torch

from autoencoders.core.cli import run_stage
from autoencoders.core.storage import (
    IMAGES,
    read_arrays,
    read_json,
    read_pairs,
    write_arrays,
    write_json,
)
from autoencoders.floors import copy_mse, mean_image_mse, pca_mse
from autoencoders.metrics import (
    active_units,
    elbo_parts,
    importance_weighted_bound,
    mse_per_image,
    psnr_from_mse,
    ssim_per_image,
)
from autoencoders.models.devices import prepare
from autoencoders.models.inference import align, encode, reconstruct, to_float
from autoencoders.models.registry import load_model
from autoencoders.models.vae import VariationalAutoencoder
from autoencoders.params import Params


def evaluate(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    device = prepare(params.train.device)
    model = load_model(Path("models") / item, device)
    classes = read_json(Path("data/processed/dataset.json"), "classes")["classes"]
    train = read_arrays(Path("data/processed/train.safetensors"), images=IMAGES)["images"]
    test, corrupted = read_pairs(
        Path("data/processed/test.safetensors"),
        Path(f"data/corrupted/{corruption_name}/test.safetensors"),
    )
    inputs, originals = (
        torch.from_numpy(arrays["images"]).to(device) for arrays in (corrupted, test)
    )

    reconstructed, targets = reconstruct(model, inputs), to_float(originals)
    mse = mse_per_image(reconstructed, targets)
    ssim = ssim_per_image(reconstructed, targets)
    errors = {"mse": mse, "psnr": psnr_from_mse(mse), "ssim": ssim}
    measured = {name: float(values.mean()) for name, values in errors.items()}
    if model.aligner is not None:
        measured["alignment_mse"] = float(mse_per_image(align(model, inputs), targets).mean())
    if isinstance(model, VariationalAutoencoder):
        measured |= elbo_parts(model, inputs, originals, params.seed)
        samples = params.evaluate.importance_samples
        measured["importance_weighted_bound"] = importance_weighted_bound(
            model, inputs, originals, samples, params.seed
        )
        measured["active_units"] = active_units(encode(model, inputs)["mean"].cpu().numpy())
    if classes:
        measured["mse_per_class"] = {
            name: float(mse[test["labels"] == label].mean()) for label, name in enumerate(classes)
        }
    floors = {
        "mean_image": mean_image_mse(train, test["images"]),
        "pca": pca_mse(train, test["images"], model.latent_dim, params.seed),
        "copy_input": copy_mse(corrupted["images"], test["images"]),
    }
    write_arrays(Path(f"data/evaluation/{item}.safetensors"), errors)
    write_json(Path(f"metrics/{item}.json"), {"test": measured, "floor_mse": floors})


if __name__ == "__main__":
    run_stage(evaluate, "models", "corruptions")
