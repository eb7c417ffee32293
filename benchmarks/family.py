"""The tables of docs/results.md on every flavour and every corruption, as Markdown.

    autoencoders use params/family.yaml && dvc repro && python -m benchmarks.family
    autoencoders use params/stress.yaml && dvc repro && python -m benchmarks.family --corruptions

Reads the metrics of the items of params.yaml in this folder: numbers of test images.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autoencoders.experiment import items_of
from autoencoders.io.files import read_json
from autoencoders.params import read_params

FLAVOURS = {
    "MSE": ("reconstruction.mse", "{:.4f}"),
    "SSIM": ("reconstruction.ssim", "{:.3f}"),
    "-ELBO": ("likelihood.negative_elbo", "{:.0f}"),
    "bound": ("likelihood.importance_weighted_bound", "{:.0f}"),
    "kNN": ("latent.knn_accuracy", "{:.3f}"),
    "probe": ("latent.probe_accuracy", "{:.3f}"),
    "Fréchet, mixture": ("generation.mixture_samples.frechet", "{:.2f}"),
    "Fréchet, prior": ("generation.prior_samples.frechet", "{:.2f}"),
    "active units": ("code.active_units", "{:.0f}"),
    "class as asked": ("classes.accuracy", "{:.0%}"),
    "codebook in use": ("code.codebook_usage", "{:.0%}"),
}
CORRUPTIONS = {
    "MSE": ("reconstruction.mse", "{:.4f}"),
    "SSIM": ("reconstruction.ssim", "{:.3f}"),
    "of the aligner's estimate": ("reconstruction.alignment_mse", "{:.4f}"),
    "kNN": ("latent.knn_accuracy", "{:.3f}"),
    "tiles in place": ("stress.{own}.tile_accuracy", "{:.1%}"),
    "inside": ("stress.{own}.mse_inside", "{:.4f}"),
    "outside": ("stress.{own}.mse_outside", "{:.4f}"),
    "trained on clean images": ("stress.{own}.mse", "{:.4f}"),
    "the input itself": ("mse.copy.{own}", "{:.4f}"),
}
ELSEWHERE = {
    "trained on clean images": ("metrics/{model}-none.json", "test"),
    "the input itself": ("metrics/baselines.json", None),
}
"""Columns that tell of something else than the item: the same model which has seen no corruption,
and no model at all. Of each the file, and the section in it."""


def value(metrics: dict[str, Any], path: str) -> Any:
    """What stands under dotted keys, or None."""
    found: Any = metrics
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """As Markdown, without columns that are empty."""
    kept = [n for n in range(len(names)) if n == 0 or any(row[n] for row in rows)]
    lines = [[names[n] for n in kept], ["---"] * len(kept)]
    lines += [[row[n] for n in kept] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def rows_of(corruptions: bool) -> tuple[list[str], list[list[str]]]:
    """The columns' names, and a row for each item of params.yaml."""
    columns = CORRUPTIONS if corruptions else FLAVOURS
    own = ("metrics/{model}-{corruption}.json", "test")
    places = {name: ELSEWHERE.get(name, own) for name in columns}
    rows = []
    for model, corruption in items_of(read_params()):
        read = {
            file: read_json(Path(file.format(model=model, corruption=corruption)))
            for file, _ in set(places.values())
        }
        row = [f"{model}-{corruption}"]
        for name, (path, form) in columns.items():
            file, section = places[name]
            content = read[file][section] if section else read[file]
            found = value(content, path.format(own=corruption))
            row.append("" if found is None else form.format(found))
        rows.append(row)
    return ["", *columns], rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Tables of all flavours, or of all corruptions.")
    parser.add_argument("--corruptions", action="store_true")
    print(table(*rows_of(parser.parse_args().corruptions)))


if __name__ == "__main__":
    main()
