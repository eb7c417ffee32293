"""Gather the headline number of every model and corruption in metrics/summary.json."""

from pathlib import Path

from autoencoders.cli import run_stage
from autoencoders.params import Params
from autoencoders.storage import read_arrays, write_json


def summarize(params: Params) -> None:
    summary = {}
    for model, corruption in params.items():
        item = f"{model}-{corruption}"
        errors = read_arrays(Path(f"data/evaluation/{item}.safetensors"), mse=("float64", 1))
        summary[item] = {"mse": float(errors["mse"].mean())}
    write_json(Path("metrics/summary.json"), summary)


if __name__ == "__main__":
    run_stage(summarize)
