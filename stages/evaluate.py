"""Measure all that one model can do, into metrics/MODEL-CORRUPTION.json.

What models are chosen by is measured on validation images, and all else on the whole test set.
"""

from pathlib import Path

import numpy as np
import torch

from autoencoders.corruptions.registry import build_corruption
from autoencoders.data.checks import check_blends
from autoencoders.experiment import blends_of, described
from autoencoders.io.arrays import CODES, LABELS, read_arrays, read_pairs
from autoencoders.io.files import read_history, read_json, write_json
from autoencoders.measures.abstraction import Probes, class_measures, neighbourhood_measures
from autoencoders.measures.suite import Suite
from autoencoders.models.registry import load_model
from autoencoders.nets.classifier import load_classifier, read_features
from autoencoders.nets.devices import prepare
from autoencoders.params import Params
from autoencoders.runner.stage import run_stage
from autoencoders.sampling.mixture import MIXTURE
from autoencoders.sampling.ways import ways_between
from autoencoders.training.doctor import best_epoch, findings

TEST = Path("data/processed/test.safetensors")


def evaluate(params: Params, model_name: str, corruption_name: str) -> None:
    item, seed = f"{model_name}-{corruption_name}", params.seed
    device = prepare(params.train.device)
    model = load_model(Path("models") / item, device)
    suite = Suite(model, load_classifier(Path("models/classifier"), device), device, seed)
    dataset = read_json(Path("data/processed/dataset.json"), "name", "classes")
    classes, blends = dataset["classes"], blends_of(params)
    check_blends(blends, classes, "generate.blends")
    history = read_history(Path(f"plots/history/{item}.csv"))
    seen, count = read_features(), params.evaluate.generated_samples
    embeddings = Path("data/embeddings") / item
    mixture = read_arrays(embeddings / "mixture.safetensors", **MIXTURE)
    train, validation, test = (
        (arrays["mean"], arrays["labels"])
        for arrays in (
            read_arrays(embeddings / f"{split}.safetensors", mean=CODES, labels=LABELS)
            for split in ("train", "validation", "test")
        )
    )
    probes = Probes(*train, seed) if len(classes) > 1 else None

    images = read_images("validation", corruption_name)
    chosen_by = {"loss": min(history["validation_loss"])}
    chosen_by |= suite.validation(images, mixture, seen["validation"], count)
    chosen_by |= probes.accuracies(*validation) if probes else {}
    if asked := suite.classes(classes, count, "validation"):
        chosen_by["class_accuracy"] = asked["accuracy"]
    targets, inputs = (torch.from_numpy(one).to(device) for one in images)
    found = findings(history, len(history["epoch"]), model, inputs, targets)

    images = originals, own = read_images("test", corruption_name)
    _, height, width = model.image_shape
    corrupted, corruptions = {}, {}
    for name, part in params.corruptions.items():
        corrupted[name] = read_pairs(TEST, Path(f"data/corrupted/{name}/test.safetensors"))[1]
        corruptions[name] = build_corruption(described(part), height, width, device)
    measured = {
        "reconstruction": suite.reconstruction(images, test[1], classes),
        "likelihood": suite.likelihood(images, params.evaluate.importance_samples),
        "stress": suite.stress(originals, corrupted, corruptions),
        "code": model.code_measures(read_arrays(embeddings / "test.safetensors")) or None,
        "latent": neighbourhood_measures(originals, test[0], seed)
        | (class_measures(probes, *test, seed) if probes else {}),
        "generation": suite.generation(own, train[0], mixture, seen, count),
        "classes": suite.classes(classes, count),
        "ways": suite.ways(ways_between(*validation, classes, blends), classes),
    }
    test_measures = {name: one for name, one in measured.items() if one is not None}
    training = {"best_epoch": best_epoch(history), "findings": found}
    content = {"validation": chosen_by, "test": test_measures, "training": training}
    write_json(Path(f"metrics/{item}.json"), content)


def read_images(split: str, corruption: str) -> tuple[np.ndarray, np.ndarray]:
    """The originals of a split, and what a corruption made of them."""
    corrupted = Path(f"data/corrupted/{corruption}/{split}.safetensors")
    originals, inputs = read_pairs(Path(f"data/processed/{split}.safetensors"), corrupted)
    return originals["images"], inputs["images"]


if __name__ == "__main__":
    run_stage(evaluate, "models", "corruptions")
