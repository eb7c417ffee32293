"""The page's table of results: models, and beside them what needs no autoencoder."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# The notebook that this project began as: losses of its last validation batches, of a single draw,
# that of its rotations being one k for the whole batch.
ORIGINAL = {"none": 0.0069, "rotate": 0.0317, "jigsaw": 0.0206}
COLUMNS = [
    ("model", "what it is and what it was trained on", 0),
    ("MSE", "mean squared error of the reconstruction", 4),
    ("PSNR", "peak signal-to-noise ratio in dB", 2),
    ("SSIM", "structural similarity", 3),
    ("kNN", "accuracy of the 10 nearest training codes", 3),
    ("probe", "accuracy of a linear probe", 3),
    ("NMI", "normalised mutual information of k-means with the classes", 3),
    ("Fréchet, mixture", "Fréchet distance of samples from a mixture of Gaussians", 2),
    ("Fréchet, prior", "Fréchet distance of samples from the prior", 2),
    ("\N{MINUS SIGN}ELBO", "in nats per image", 1),
    ("KL", "in nats per image", 1),
    ("validation MSE", "that of validation images, to choose by", 4),
]


def headlines(measured: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """The few numbers of a model by which experiments are compared: to choose by, and to report."""
    test = measured["test"]
    generation = test["generation"]
    reported = {
        "mse": test["reconstruction"]["mse"],
        "ssim": test["reconstruction"]["ssim"],
        "negative_elbo": test.get("likelihood", {}).get("negative_elbo"),
        "knn_accuracy": test["latent"].get("knn_accuracy"),
        "frechet_of_mixture": generation["mixture_samples"]["frechet"],
        "frechet_of_prior": generation.get("prior_samples", {}).get("frechet"),
    }
    chosen_by = {name: measured["validation"].get(name) for name in ("loss", *reported)}
    return {
        split: {name: value for name, value in found.items() if value is not None}
        for split, found in (("validation", chosen_by), ("test", reported))
    }


def model_row(name: str, measured: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of one model, as COLUMNS lists them; None where there is none."""
    test = measured["test"]
    errors, latent = test["reconstruction"], test["latent"]
    likelihood, generation = test.get("likelihood", {}), test["generation"]
    return _row(
        name,
        [errors[key] for key in ("mse", "psnr", "ssim")],
        latent,
        [generation.get(f"{source}_samples", {}).get("frechet") for source in ("mixture", "prior")],
        [likelihood.get(key) for key in ("negative_elbo", "kl")],
        measured["validation"]["mse"],
    )


def baseline_rows(
    baselines: Mapping[str, Any], dataset: str, corruptions: Sequence[str], sizes: Iterable[int]
) -> list[dict[str, Any]]:
    """The rows of what needs no autoencoder, PCA with codes of so many numbers among it, and of
    the original experiment.
    """
    mse, latent, generation = (baselines[key] for key in ("mse", "latent", "generation"))
    rows = [_row(f"the input itself, {name}", [mse["copy"][name]]) for name in corruptions]
    rows.append(_row("the mean image", [mse["mean_image"]]))
    rows.append(_row("raw pixels", latent=latent["pixels"]))
    for size in sorted(set(sizes)):
        name = f"pca_{size}"
        distance = generation[f"{name}_gaussian_samples"]["frechet"]
        rows.append(_row(f"PCA, {size} components", [mse[name]], latent[name], [distance]))
    rows.append(_row("training images", distances=[generation["training_images"]["frechet"]]))
    if dataset == "fashion_mnist":
        shown = [name for name in corruptions if name in ORIGINAL]
        rows += [_row(f"the notebook, {name}: one batch", [ORIGINAL[name]]) for name in shown]
    return [row | {"floor": True} for row in rows]


def _row(
    name: str,
    errors: Sequence[float] = (),
    latent: Mapping[str, float | None] | None = None,
    distances: Sequence[float | None] = (),
    likelihood: Sequence[float | None] = (),
    validation_mse: float | None = None,
) -> dict[str, Any]:
    """A row: MSE, PSNR, SSIM; latent space; Frechet distances; -ELBO and KL; validation MSE."""

    def filled(values: Sequence[float | None], count: int) -> list[float | None]:
        return [*values, *[None] * (count - len(values))]

    found = [(latent or {}).get(key) for key in ("knn_accuracy", "probe_accuracy", "nmi")]
    cells = [name, *filled(errors, 3), *found, *filled(distances, 2), *filled(likelihood, 2)]
    cells.append(validation_mse)
    return {"cells": cells, "floor": False}


def floors(
    baselines: Mapping[str, Any], corruption: str, sizes: Iterable[int], changes: bool
) -> list[tuple[str, float]]:
    """What needs no training, and its test MSE, to stand below the models of a corruption.

    Args:
        baselines: metrics/baselines.json.
        corruption: its name.
        sizes: numbers in the models' codes, for PCA with as many.
        changes: whether the input is another than the original, which PCA is given.
    """
    mse = baselines["mse"]
    if changes:
        return [("input itself", mse["copy"][corruption]), ("mean image", mse["mean_image"])]
    components = [(f"PCA, {size}", mse[f"pca_{size}"]) for size in sorted(set(sizes))]
    return [*components, ("mean image", mse["mean_image"])]


def table_content(
    measured: Mapping[str, Mapping[str, Any]],
    baselines: Mapping[str, Any],
    dataset: str,
    corruptions: Mapping[str, Mapping[str, Any]],
    sizes: Sequence[int],
) -> dict[str, Any]:
    """What the page's tables hold.

    Args:
        measured: the metrics of each item.
        baselines: those of what needs no autoencoder.
        dataset: its name.
        corruptions: of each its name, and what the page says of it.
        sizes: numbers in the models' codes.
    """
    seen = list(corruptions)
    return {
        "columns": [dict(zip(("name", "meaning", "digits"), c, strict=True)) for c in COLUMNS],
        "rows": [model_row(name, m) for name, m in measured.items()]
        + baseline_rows(baselines, dataset, seen, sizes),
        "floors": {
            name: floors(baselines, name, sizes, said["changes"])
            for name, said in corruptions.items()
        },
        "findings": [
            {"name": name, "text": text}
            for name, m in measured.items()
            for text in m["training"]["findings"].values()
        ],
        "matrix": {"rows": list(measured), "columns": seen, "values": stress(measured, seen)},
        "measures": {name: m["test"] for name, m in measured.items()},
    }


def stress(
    measured: Mapping[str, Mapping[str, Any]], corruptions: Sequence[str]
) -> list[list[float]]:
    """The test MSE of every item on every corruption."""
    return [[m["test"]["stress"][name]["mse"] for name in corruptions] for m in measured.values()]
