"""The comparison of models, corruptions and latent sizes: Markdown tables and a curve.

    python -m benchmarks.peers > peers.jsonl
    python -m benchmarks.results peers.jsonl

Reads the metrics of the default run in this folder and of the DVC experiments latent-8, latent-16,
latent-32 and latent-64 (docs/results.md says how to run them), fits PCA, and writes
docs/images/mse-by-latent-size.png.
"""

import argparse
import json
from pathlib import Path

import dvc.api
import torch
from matplotlib import pyplot as plt
from sklearn.decomposition import PCA

from autoencoders.experiment import items_of
from autoencoders.figures.style import COLOURS, QUIET, STYLE
from autoencoders.io.arrays import read_arrays
from autoencoders.io.files import whole_file
from autoencoders.io.tensors import to_float
from autoencoders.params import read_params
from benchmarks.errors import mean_errors

MEASURES = {"mse": "{:.4f}", "psnr": "{:.2f}", "ssim": "{:.3f}"}
HEADER = "| model | latent size | MSE | PSNR, dB | SSIM |\n|---|---|---|---|---|"
LATENT_SIZES = (8, 16, 32, 64, 128)
PROCESSED = Path("data/processed")
FIGURE = Path("docs/images/mse-by-latent-size.png")
Errors = dict[str, float]


def metrics_of(item: str, revision: str | None) -> Errors:
    """The test metrics of an item in the workspace or in a named experiment."""
    path = f"metrics/{item}.json"
    content = dvc.api.metrics_show(path, rev=revision)
    return content.get(path, content)["test"]["reconstruction"]


def pca_errors(latent_sizes: tuple[int, ...]) -> dict[int, Errors]:
    """PCA fitted to the training images, on the whole test set, values clipped to [0, 1]."""
    train, test = (
        to_float(torch.from_numpy(read_arrays(PROCESSED / f"{split}.safetensors")["images"]))
        for split in ("train", "test")
    )
    flat = train.flatten(1).double().numpy()
    pca = PCA(max(latent_sizes), svd_solver="covariance_eigh").fit(flat)
    codes = pca.transform(test.flatten(1).double().numpy())
    found = {}
    for size in latent_sizes:
        restored = codes[:, :size] @ pca.components_[:size] + pca.mean_
        images = torch.from_numpy(restored.clip(0, 1)).float().view_as(test)
        found[size] = mean_errors(images, test)
    return found


def row(label: str, latent_size: int, errors: Errors) -> str:
    cells = [form.format(errors[name]) for name, form in MEASURES.items()]
    return f"| {label} | {latent_size} | {' | '.join(cells)} |"


def draw(curves: dict[str, dict[int, float]]) -> None:
    """MSE against latent size, a curve for each model, both axes logarithmic."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7, 4.4), layout="constrained")
        for (label, points), colour in zip(curves.items(), (*COLOURS[:2], QUIET), strict=True):
            axes.plot(*zip(*points.items(), strict=True), marker="o", color=colour, label=label)
        axes.set(xscale="log", yscale="log", xlabel="latent size", ylabel="test MSE")
        axes.set_title("Fashion-MNIST, clean input: reconstruction by latent size")
        axes.set_xticks(LATENT_SIZES, LATENT_SIZES)
        ticks = (0.003, 0.005, 0.01, 0.02, 0.03)
        axes.set_yticks(ticks, ticks)
        axes.minorticks_off()
        axes.legend()
        with whole_file(FIGURE) as unfinished:
            figure.savefig(unfinished, format="png", metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description="Tables and a curve of all results.")
    parser.add_argument("peers", type=Path, help="what benchmarks.peers has printed")
    peers = [json.loads(line) for line in parser.parse_args().peers.read_text().splitlines()]
    params = read_params()
    print(f"Models and corruptions\n\n{HEADER}")
    for model, corruption in items_of(params):
        latent_size = params.models[model].latent_dim
        print(row(f"{model}, {corruption}", latent_size, metrics_of(f"{model}-{corruption}", None)))
    print(f"\nLatent sizes, clean input\n\n{HEADER}")
    curves: dict[str, dict[int, float]] = {}
    for model in params.models:
        for size in LATENT_SIZES:
            default = size == params.models[model].latent_dim
            errors = metrics_of(f"{model}-none", None if default else f"latent-{size}")
            curves.setdefault(model.upper(), {})[size] = errors["mse"]
            print(row(model, size, errors))
    for one in peers:
        print(row(f"pythae {one['kind']}, {one['networks']} network", one["latent"], one))
    by_pca = pca_errors(LATENT_SIZES)
    for size, errors in by_pca.items():
        print(row("PCA", size, errors))
    draw(curves | {"PCA": {size: errors["mse"] for size, errors in by_pca.items()}})


if __name__ == "__main__":
    main()
