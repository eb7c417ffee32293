"""Gather the few numbers by which experiments are compared, in metrics/summary.json."""

from pathlib import Path

from autoencoders.experiment import items_of
from autoencoders.io.files import read_json, write_json
from autoencoders.params import Params
from autoencoders.report.table import headlines
from autoencoders.runner.stage import run_stage


def summary(params: Params) -> None:
    names = [f"{model}-{corruption}" for model, corruption in items_of(params)]
    measured = {
        name: read_json(Path(f"metrics/{name}.json"), "validation", "test") for name in names
    }
    write_json(Path("metrics/summary.json"), {n: headlines(m) for n, m in measured.items()})


if __name__ == "__main__":
    run_stage(summary, gathers=True)
