"""Fit a Gaussian mixture to the training codes of one model, into data/mixtures."""

from pathlib import Path

from autoencoders.core.cli import run_stage
from autoencoders.core.storage import CODES, read_arrays, write_arrays
from autoencoders.mixture import fit_mixture
from autoencoders.params import Params


def fit(params: Params, model_name: str, corruption_name: str) -> None:
    item = f"{model_name}-{corruption_name}"
    path = Path(f"data/embeddings/{item}/train.safetensors")
    codes = read_arrays(path, mean=CODES)["mean"]
    mixture = fit_mixture(codes, params.mixture.components, params.seed)
    write_arrays(Path(f"data/mixtures/{item}.safetensors"), mixture)


if __name__ == "__main__":
    run_stage(fit, "models", "corruptions")
