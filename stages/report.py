"""Draw figures of all models, and gather all of it in one page that needs no network."""

from pathlib import Path

import numpy as np
import yaml

from autoencoders.corruptions.registry import build_corruption
from autoencoders.experiment import blends_of, described, items_of
from autoencoders.figures.heatmaps import error_heatmap
from autoencoders.io.arrays import IMAGES, LABELS, read_arrays, read_pairs
from autoencoders.io.files import read_json, whole_file
from autoencoders.params import Params
from autoencoders.report.about import about, corruption_content, versions
from autoencoders.report.content import SHEET_COLUMNS, first_blend, most_explored, picture
from autoencoders.report.decoder import leave_out_encoders
from autoencoders.report.items import choose_explored, first_explored, item_content
from autoencoders.report.page.assembly import page
from autoencoders.report.samples import draw_samples
from autoencoders.report.spread import spread
from autoencoders.report.table import stress, table_content
from autoencoders.runner.stage import run_stage

VALIDATION = Path("data/processed/validation.safetensors")


def report(params: Params) -> None:
    dataset = read_json(Path("data/processed/dataset.json"), "name", "classes", "image_shape")
    classes, blends = dataset["classes"], blends_of(params)
    corruptions = {name: described(config) for name, config in params.corruptions.items()}
    names = [f"{model}-{corruption}" for model, corruption in items_of(params)]
    measured = {
        name: read_json(Path(f"metrics/{name}.json"), "validation", "test", "training")
        for name in names
    }
    baselines = read_json(Path("metrics/baselines.json"), "mse", "latent", "generation")

    title = "test MSE of every model on every corruption"
    errors, seen = np.array(stress(measured, list(corruptions))), [f"on {n}" for n in corruptions]
    error_heatmap(Path("plots/stress.png"), title, errors, names, seen)

    draw_samples(Path("plots/samples.png"), names, params.seed)

    validation = read_arrays(VALIDATION, images=IMAGES, labels=LABELS)
    most = most_explored(params.report.points, dataset["image_shape"], len(corruptions))
    explored = choose_explored(names[0], most, params.seed)
    inputs = {}
    for name, config in corruptions.items():
        _, corrupted = read_pairs(VALIDATION, Path(f"data/corrupted/{name}/validation.safetensors"))
        corruption = build_corruption(config, *dataset["image_shape"][1:])
        inputs[name] = (corrupted["images"], corruption.captions(corrupted))
    items = [
        item_content(
            model,
            corruption,
            validation,
            inputs[corruption],
            explored,
            classes,
            blends,
            params.generate.closest_sets,
        )
        for model, corruption in items_of(params)
    ]
    leave_out_encoders(items)

    def sheet(images: np.ndarray) -> str:
        return picture(images[explored.positions], SHEET_COLUMNS)

    done = {name: corruption_content(config) for name, config in corruptions.items()}
    sizes = [config.latent_dim for config in params.models.values()]
    settings = params.model_dump(mode="json")
    content = {
        "about": about(dataset, settings),
        "classes": classes,
        "image_shape": dataset["image_shape"],
        "labels": validation["labels"][explored.positions].tolist(),
        "sheet_columns": SHEET_COLUMNS,
        "sheets": {
            "original": sheet(validation["images"]),
            "inputs": {name: sheet(images) for name, (images, _) in inputs.items()},
        },
        "models": list(params.models),
        "corruptions": done,
        "items": items,
        "first_explored": first_explored(items),
        "first_blend": first_blend(blends, classes),
        **table_content(measured, baselines, dataset["name"], done, sizes),
        "spread": spread(measured, params.seed),
        "params": yaml.safe_dump(settings, sort_keys=False, allow_unicode=True),
        "versions": versions(),
    }
    with whole_file(Path("plots/report.html")) as unfinished:
        text = page(f"Autoencoders on {dataset['name']}", content)
        unfinished.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    run_stage(report, gathers=True)
