"""Gather the headline number of every model and corruption in metrics/summary.json."""

from pathlib import Path

from autoencoders.core.cli import run_stage
from autoencoders.core.storage import read_arrays, write_json
from autoencoders.params import Params


def summarize(params: Params) -> None:
    summary = {}
    for model, corruption in params.items():
        item = f"{model}-{corruption}"
        errors = read_arrays(Path(f"data/evaluation/{item}.safetensors"), mse=("float64", 1))
        summary[item] = {"mse": float(errors["mse"].mean())}
    write_json(Path("metrics/summary.json"), summary)


if __name__ == "__main__":
    run_stage(summarize)
