"""Gather numbers, pictures and decoders in one page that needs no network, plots/report.html."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from autoencoders.core.cli import run_stage
from autoencoders.core.errors import UserError
from autoencoders.core.storage import (
    CODES,
    IMAGES,
    LABELS,
    read_arrays,
    read_json,
    read_pairs,
    whole_file,
)
from autoencoders.latent import class_means, subsample
from autoencoders.models.registry import load_model
from autoencoders.params import Params
from autoencoders.report.content import decoder_layers, packed, page, picture, plane_of, rounded

SUMMARY = Path("metrics/summary.json")
SHEET_COLUMNS = 25
# The notebook that this project began as: losses of its last validation batches.
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
    ("-ELBO", "in nats per image", 1),
    ("KL", "in nats per image", 1),
]


def report(params: Params) -> None:
    dataset = read_json(Path("data/processed/dataset.json"), "name", "classes", "image_shape")
    classes = dataset["classes"]
    validation = read_arrays(
        Path("data/processed/validation.safetensors"), images=IMAGES, labels=LABELS
    )
    chosen = subsample(len(validation["labels"]), params.report.points, params.seed)
    inputs = {
        name: read_pairs(
            Path("data/processed/validation.safetensors"),
            Path(f"data/corrupted/{name}/validation.safetensors"),
        )[1]
        for name in params.corruptions
    }
    items = [
        _item(model, corruption, validation, inputs[corruption], chosen, len(classes))
        for model, corruption in params.items()
    ]
    stress = [read_json(Path(f"metrics/stress/{item['name']}.json")) for item in items]
    corruptions = list(params.corruptions)
    content = {
        "about": f"{dataset['name']}, {len(items)} trained models, seed {params.seed}",
        "classes": classes,
        "image_shape": dataset["image_shape"],
        "labels": validation["labels"][chosen].tolist(),
        "sheet_columns": SHEET_COLUMNS,
        "sheets": {
            "original": picture(validation["images"][chosen], SHEET_COLUMNS),
            "inputs": {
                name: picture(arrays["images"][chosen], SHEET_COLUMNS)
                for name, arrays in inputs.items()
            },
        },
        "items": items,
        "first_explored": next(
            (item["name"] for item in items if params.models[item["model"]].kind == "vae"),
            items[0]["name"],
        ),
        "first_blend": _first_blend(params, dataset),
        "columns": [
            {"name": name, "meaning": meaning, "digits": digits}
            for name, meaning, digits in COLUMNS
        ],
        "rows": [_row(item["name"]) for item in items] + _floors(params, dataset["name"]),
        "changes": _changes(params.report.compare),
        "matrix": {
            "rows": [item["name"] for item in items],
            "columns": corruptions,
            "values": [[one[name]["mse"] for name in corruptions] for one in stress],
        },
    }
    with whole_file(Path("plots/report.html")) as unfinished:
        unfinished.write_text(page(content), encoding="utf-8")


def _item(
    model_name: str,
    corruption_name: str,
    validation: dict[str, np.ndarray],
    inputs: dict[str, np.ndarray],
    chosen: np.ndarray,
    classes: int,
) -> dict[str, Any]:
    """What the page shows of one model."""
    name = f"{model_name}-{corruption_name}"
    model = load_model(Path("models") / name)
    codes = read_arrays(Path(f"data/embeddings/{name}/validation.safetensors"), mean=CODES)["mean"]
    points, origin, axes = plane_of(codes)
    means = class_means(codes, validation["labels"], classes) if classes else codes[:0]
    with Path(f"plots/history/{name}.csv").open(encoding="utf-8", newline="") as file:
        history = [float(row["validation_mse"]) for row in csv.DictReader(file)]
    return {
        "name": name,
        "model": model_name,
        "corruption": corruption_name,
        "latent": model.latent_dim,
        "layers": decoder_layers(model),
        "codes": packed(codes[chosen]),
        "means": packed(means),
        "origin": packed(origin),
        "axes": packed(axes),
        "points": rounded(points[chosen]),
        "history": history,
        "strips": _strips(name, validation["images"], inputs),
    }


def _strips(name: str, originals: np.ndarray, inputs: dict[str, np.ndarray]) -> dict[str, Any]:
    """Originals, inputs and reconstructions of the same images, each a row in one picture."""
    snapshots = read_arrays(Path(f"models/{name}/snapshots.safetensors"), positions=LABELS)
    shown = snapshots.pop("positions")
    strips: dict[str, Any] = {
        "original": picture(originals[shown], len(shown)),
        "input": picture(inputs["images"][shown], len(shown)),
    }
    if "k" in inputs:
        strips["k"] = inputs["k"][shown].tolist()
    if "aligned" in snapshots:
        strips["aligned"] = picture(snapshots.pop("aligned"), len(shown))
    epochs = sorted(int(key.removeprefix("epoch_")) for key in snapshots)
    strips["epochs"] = {
        str(epoch): picture(snapshots[f"epoch_{epoch}"], len(shown)) for epoch in epochs
    }
    return strips


def _row(name: str) -> dict[str, Any]:
    """The numbers of one model, as COLUMNS lists them; None where there is none."""
    test = read_json(Path(f"metrics/{name}.json"), "test")["test"]
    latent = read_json(Path(f"metrics/latent/{name}.json"))
    generation = read_json(Path(f"metrics/generation/{name}.json"))
    cells = [name, *(test[key] for key in ("mse", "psnr", "ssim"))]
    cells += [latent.get(key) for key in ("knn_accuracy", "probe_accuracy", "nmi")]
    for source in ("mixture_samples", "prior_samples"):
        cells.append(generation.get(source, {}).get("frechet"))
    cells += [test.get("negative_elbo"), test.get("kl")]
    return {"cells": cells, "floor": False}


def _floors(params: Params, dataset: str) -> list[dict[str, Any]]:
    """The rows of what needs no training, and of the original experiment."""
    model = next(iter(params.models))
    floors, others = {}, []
    for name in params.corruptions:
        floors[name] = read_json(Path(f"metrics/{model}-{name}.json"), "floor_mse")["floor_mse"]
        others.append((f"the input itself, {name}", floors[name]["copy_input"], {}, None))
    first = next(iter(floors.values()))
    others.append(("the mean image", first["mean_image"], {}, None))
    pixels = read_json(Path("metrics/latent/pixels.json"))
    others.append(("raw pixels", None, pixels, None))
    for name, config in params.models.items():
        pca = read_json(Path(f"metrics/latent/{name}.pca.json"))
        item = f"{name}-{next(iter(params.corruptions))}"
        mse = read_json(Path(f"metrics/{item}.json"), "floor_mse")["floor_mse"]["pca"]
        generated = read_json(Path(f"metrics/generation/{item}.json"))
        distance = generated["pca_gaussian_samples"]["frechet"]
        others.append((f"PCA, {config.latent_dim} components ({name})", mse, pca, distance))
    training = read_json(Path(f"metrics/generation/{item}.json"))["training_images"]["frechet"]
    others.append(("training images", None, {}, training))
    if dataset == "fashion_mnist":
        others += [
            (f"the original notebook, {name}", mse, {}, None)
            for name, mse in ORIGINAL.items()
            if name in params.corruptions
        ]
    keys = ("knn_accuracy", "probe_accuracy", "nmi")
    return [
        {
            "cells": [
                label,
                mse,
                None,
                None,
                *(latent.get(key) for key in keys),
                frechet,
                None,
                None,
                None,
            ],
            "floor": True,
        }
        for label, mse, latent, frechet in others
    ]


def _changes(revision: str) -> dict[str, Any] | None:
    """The headline numbers here and in another experiment or commit, if one is named."""
    if not revision:
        return None
    # Takes its time to import, and only this function needs it.
    import dvc.api
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    try:
        found = dvc.api.metrics_show(str(SUMMARY), rev=revision)
    except (DvcException, SCMError) as error:
        raise UserError(
            f"report.compare is {revision!r}, expected a DVC experiment or a Git revision "
            f"with {SUMMARY}: {error}"
        ) from error
    there = found.get(str(SUMMARY), found)
    here = read_json(SUMMARY)
    rows = [
        [name, *(side.get(name, {}).get("mse") for side in (here, there))]
        for name in dict.fromkeys([*here, *there])
    ]
    return {"revision": revision, "rows": rows}


def _first_blend(params: Params, dataset: dict[str, Any]) -> list[int]:
    """The two classes whose blend the page opens with."""
    classes, blends = dataset["classes"], params.generate.blends[dataset["name"]]
    names = blends[0][:2] if blends else classes[:2]
    return [classes.index(name) for name in names]


if __name__ == "__main__":
    run_stage(report)
