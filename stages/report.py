"""Gather headline numbers, the stress figure, and all of it in one page that needs no network."""

from pathlib import Path

import numpy as np

from autoencoders.corruptions.registry import build_corruption
from autoencoders.figures.heatmaps import error_heatmap
from autoencoders.io.arrays import IMAGES, LABELS, read_arrays, read_pairs
from autoencoders.io.files import read_json, whole_file, write_json
from autoencoders.io.streams import subsample
from autoencoders.params import Params, described
from autoencoders.report.content import SHEET_COLUMNS, first_blend, most_explored, page, picture
from autoencoders.report.items import first_explored, item_content
from autoencoders.report.samples import draw_samples
from autoencoders.report.table import COLUMNS, baseline_rows, headlines, model_row
from autoencoders.runner.stage import run_stage

VALIDATION = Path("data/processed/validation.safetensors")


def report(params: Params) -> None:
    dataset = read_json(Path("data/processed/dataset.json"), "name", "classes", "image_shape")
    classes, blends = dataset["classes"], params.blends()
    corruptions = list(params.corruptions)
    names = [f"{model}-{corruption}" for model, corruption in params.items()]
    measured = {
        name: read_json(Path(f"metrics/{name}.json"), "validation", "test", "training")
        for name in names
    }
    baselines = read_json(Path("metrics/baselines.json"), "mse", "latent", "generation")
    write_json(Path("metrics/summary.json"), {n: headlines(m) for n, m in measured.items()})

    errors = [[m["test"]["stress"][c]["mse"] for c in corruptions] for m in measured.values()]
    title = "test MSE of every model on every corruption"
    seen = [f"on {name}" for name in corruptions]
    error_heatmap(Path("plots/stress.png"), title, np.array(errors), names, seen)

    draw_samples(Path("plots/samples.png"), names, params.seed)

    validation = read_arrays(VALIDATION, images=IMAGES, labels=LABELS)
    most = most_explored(params.report.points, dataset["image_shape"], len(corruptions))
    chosen = subsample(len(validation["labels"]), most, params.seed, "explored images")
    inputs = {
        name: read_pairs(VALIDATION, Path(f"data/corrupted/{name}/validation.safetensors"))[1]
        for name in corruptions
    }
    sheets = {name: arrays["images"][chosen] for name, arrays in inputs.items()}
    sizes = [config.latent_dim for config in params.models.values()]
    said = {
        name: build_corruption(described(config), *dataset["image_shape"][1:]).captions(
            inputs[name]
        )
        for name, config in params.corruptions.items()
    }
    items = [
        item_content(model, seen, validation, (inputs[seen]["images"], said[seen]), chosen, classes)
        for model, seen in params.items()
    ]
    content = {
        "about": f"{dataset['name']}, {len(names)} trained models, seed {params.seed}",
        "classes": classes,
        "image_shape": dataset["image_shape"],
        "labels": validation["labels"][chosen].tolist(),
        "sheet_columns": SHEET_COLUMNS,
        "sheets": {
            "original": picture(validation["images"][chosen], SHEET_COLUMNS),
            "inputs": {name: picture(images, SHEET_COLUMNS) for name, images in sheets.items()},
        },
        "items": items,
        "first_explored": first_explored(items),
        "first_blend": first_blend(blends, classes),
        "columns": [dict(zip(("name", "meaning", "digits"), c, strict=True)) for c in COLUMNS],
        "rows": [model_row(name, m) for name, m in measured.items()]
        + baseline_rows(baselines, dataset["name"], corruptions, sizes),
        "findings": [
            {"name": name, "text": text}
            for name, m in measured.items()
            for text in m["training"]["findings"].values()
        ],
        "matrix": {"rows": names, "columns": corruptions, "values": errors},
    }
    with whole_file(Path("plots/report.html")) as unfinished:
        unfinished.write_text(page(content), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    run_stage(report, gathers=True)
