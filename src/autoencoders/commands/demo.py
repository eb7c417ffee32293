"""The whole pipeline on the embedded digits, in a few minutes."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from autoencoders.commands.copies import fresh_copy, run_pipeline
from autoencoders.io.files import read_json

FOLDER = ".demo"
JOBS = 2
SMALL = {
    "data.name": "digits",
    "train.epochs": 6,
    "train.batch_size": 64,
    "train.device": "cpu",  # faster than any GPU with so few images
    "classifier.epochs": 5,
    "evaluate.generated_samples": 500,
    "evaluate.importance_samples": 10,
}
COLUMNS = {
    "validation MSE": ("validation", "mse"),
    "test MSE": ("test", "reconstruction", "mse"),
    "SSIM": ("test", "reconstruction", "ssim"),
    "kNN accuracy": ("test", "latent", "knn_accuracy"),
    "Frechet distance of samples": ("test", "generation", "mixture_samples", "frechet"),
}


def demo() -> None:
    """Run the pipeline in a copy of the project, .demo, and show its results.

    Raises:
        UserError: there is no Git repository here, or a stage has failed.
    """
    folder = fresh_copy(FOLDER)
    change_params(folder / "params.yaml", SMALL)
    run_pipeline(folder, JOBS)
    print(table(folder / "metrics"))
    print(f"\nOpen {folder / 'plots/report.html'}: all of it in one page.")
    print(f"More figures: {folder / 'plots'}, models: {folder / 'models'}.")


def change_params(path: Path, changes: dict[str, Any]) -> None:
    """Set dotted keys of params.yaml, whose comments stay."""
    yaml = YAML()
    params = yaml.load(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        *parents, last = key.split(".")
        section = params
        for parent in parents:
            section = section[parent]
        section[last] = value
    with path.open("w", encoding="utf-8", newline="\n") as file:
        yaml.dump(params, file)


def table(metrics: Path) -> str:
    """The headline numbers of every item, and the errors of what needs no autoencoder."""
    mse = read_json(metrics / "baselines.json", "mse")["mse"]
    rows = [["", *COLUMNS]]
    for item in read_json(metrics / "summary.json"):
        measured = read_json(metrics / f"{item}.json")
        rows.append([item, *(f"{_value(measured, keys):.4f}" for keys in COLUMNS.values())])
    rows.append(["the mean image", "", f"{mse['mean_image']:.4f}"])
    rows += [[f"the input, {name}", "", f"{error:.4f}"] for name, error in mse["copy"].items()]
    widths = [max(len(row[n]) for row in rows if n < len(row)) for n in range(len(rows[0]))]
    lines = []
    for name, *cells in rows:
        shown = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=False)]
        lines.append("  ".join([name.ljust(widths[0]), *shown]))
    return "\n".join(lines)


def _value(measured: dict[str, Any], keys: tuple[str, ...]) -> float:
    value: Any = measured
    for key in keys:
        value = value[key]
    return value
