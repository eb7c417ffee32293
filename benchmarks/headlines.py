"""The README's tables: mean and range of what several seeds' runs measured on the test images.

    make seeds SEEDS="0 1 2"
    python -m benchmarks.headlines HEAD seed-1 seed-2

Reads the metrics of these commits and experiments and prints Markdown.
"""

import argparse
from collections.abc import Sequence
from typing import Any

import dvc.api

from benchmarks.family import table, value

Metrics = dict[str, Any]
CORRUPTIONS = {"clean": "none", "rotated": "rotate", "jigsaw 3x3": "jigsaw"}
RECONSTRUCTION = {
    "**AE**, MSE": ("ae", "reconstruction.mse", "{:.5f}"),
    "AE, SSIM": ("ae", "reconstruction.ssim", "{:.3f}"),
    "**VAE**, β = 4, MSE": ("vae", "reconstruction.mse", "{:.5f}"),
    "VAE, SSIM": ("vae", "reconstruction.ssim", "{:.3f}"),
    "VAE, -ELBO in nats per image": ("vae", "likelihood.negative_elbo", "{:.1f}"),
    "VAE, its KL": ("vae", "likelihood.kl", "{:.1f}"),
    "VAE, importance-weighted bound": ("vae", "likelihood.importance_weighted_bound", "{:.1f}"),
}
CODES = {
    "AE": ("ae-none", "test.latent"),
    "VAE": ("vae-none", "test.latent"),
    "PCA": ("baselines", "latent.pca_128"),
    "raw pixels": ("baselines", "latent.pixels"),
}
ACCURACIES = {
    "accuracy of the 10 nearest training codes": "knn_accuracy",
    "accuracy of a linear probe": "probe_accuracy",
}
SOURCES = {
    "AE, a mixture of Gaussians": ("ae-none", "test.generation.mixture_samples"),
    "VAE, a mixture of Gaussians": ("vae-none", "test.generation.mixture_samples"),
    "VAE, the prior": ("vae-none", "test.generation.prior_samples"),
    "PCA, one Gaussian": ("baselines", "generation.pca_128_gaussian_samples"),
    "*training images*": ("baselines", "generation.training_images"),
    "*test images*": ("baselines", "generation.test_images"),
    "*training images through the AE*": ("ae-none", "test.generation.training_reconstructions"),
    "*training images through the VAE*": ("vae-none", "test.generation.training_reconstructions"),
}
QUALITIES = {
    "Fréchet distance": ("frechet", "{:.2f}"),
    "precision": ("precision", "{:.3f}"),
    "recall": ("recall", "{:.3f}"),
    "density": ("density", "{:.2f}"),
    "coverage": ("coverage", "{:.3f}"),
    "near copies": ("to_training.near_copies", "{:.1%}"),
}


def read(name: str, revision: str) -> Metrics:
    """The content of metrics/NAME.json in a commit or an experiment."""
    path = f"metrics/{name}.json"
    content = dvc.api.metrics_show(path, rev=revision)
    return content.get(path, content)


def cell(runs: Sequence[Metrics], path: str, form: str) -> str:
    """The mean of the runs and, where they differ in what is printed, their range."""
    values = [found for run in runs if (found := value(run, path)) is not None]
    if not values:
        return ""
    mean, lowest, highest = (
        form.format(number) for number in (sum(values) / len(values), min(values), max(values))
    )
    return mean if lowest == highest else f"{mean} ({lowest} to {highest})"


def tables(runs: dict[str, list[Metrics]]) -> str:
    """All tables, of the runs of each name in metrics/."""
    errors = [
        [
            label,
            *(cell(runs[f"{model}-{name}"], f"test.{path}", form) for name in CORRUPTIONS.values()),
        ]
        for label, (model, path, form) in RECONSTRUCTION.items()
    ]
    accuracies = [
        [label, *(cell(runs[name], f"{path}.{measure}", "{:.3f}") for name, path in CODES.values())]
        for label, measure in ACCURACIES.items()
    ]
    made = [
        [label, *(cell(runs[name], f"{path}.{key}", form) for key, form in QUALITIES.values())]
        for label, (name, path) in SOURCES.items()
    ]
    parts = [
        table(["", *CORRUPTIONS], errors),
        table(["clean input, latent size 128", *CODES], accuracies),
        table(["clean input, latent size 128", *QUALITIES], made),
        f"The classifier's test accuracy: {cell(runs['classifier'], 'test_accuracy', '{:.1%}')}",
    ]
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description="The README's tables over several seeds.")
    parser.add_argument("revisions", nargs="+", help="a commit or an experiment for each seed")
    revisions = parser.parse_args().revisions
    items = [f"{model}-{name}" for model in ("ae", "vae") for name in CORRUPTIONS.values()]
    names = [*items, "baselines", "classifier"]
    print(tables({name: [read(name, revision) for revision in revisions] for name in names}))


if __name__ == "__main__":
    main()
