"""Gather the headline numbers of every model and corruption in metrics/summary.json."""

from pathlib import Path

from autoencoders.core.cli import run_stage
from autoencoders.core.storage import read_arrays, read_json, write_json
from autoencoders.params import Params


def summarize(params: Params) -> None:
    summary = {}
    for model, corruption in params.items():
        item = f"{model}-{corruption}"
        errors = read_arrays(Path(f"data/evaluation/{item}.safetensors"), mse=("float64", 1))
        latent = read_json(Path(f"metrics/latent/{item}.json"))
        generation = read_json(Path(f"metrics/generation/{item}.json"))
        headline = {
            "mse": float(errors["mse"].mean()),
            "knn_accuracy": latent.get("knn_accuracy"),
            "frechet_of_mixture": generation["mixture_samples"]["frechet"],
            "frechet_of_prior": generation.get("prior_samples", {}).get("frechet"),
        }
        summary[item] = {name: value for name, value in headline.items() if value is not None}
    write_json(Path("metrics/summary.json"), summary)


if __name__ == "__main__":
    run_stage(summarize)
