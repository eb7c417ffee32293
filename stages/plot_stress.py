"""Draw the error of every model on every corruption."""

from pathlib import Path

import numpy as np

from autoencoders.core.cli import run_stage
from autoencoders.core.storage import read_json
from autoencoders.figures import error_heatmap
from autoencoders.params import Params


def plot_stress(params: Params) -> None:
    items = [f"{model}-{corruption}" for model, corruption in params.items()]
    corruptions = list(params.corruptions)
    measured = [read_json(Path(f"metrics/stress/{item}.json"), *corruptions) for item in items]
    errors = np.array([[row[name]["mse"] for name in corruptions] for row in measured])
    title = "test MSE of every model on every corruption"
    columns = [f"on {name}" for name in corruptions]
    error_heatmap(Path("plots/stress.png"), title, errors, items, columns)


if __name__ == "__main__":
    run_stage(plot_stress)
