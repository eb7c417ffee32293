"""Measure all that one model can do, on the whole test set, into metrics/MODEL-CORRUPTION.json."""

from pathlib import Path

from autoencoders.corruptions.registry import build_corruption
from autoencoders.data.base import check_blends
from autoencoders.io.arrays import CODES, IMAGES, LABELS, read_arrays, read_pairs
from autoencoders.io.files import read_json, write_json
from autoencoders.measures.abstraction import latent_measures
from autoencoders.measures.suite import Suite
from autoencoders.models.registry import load_model
from autoencoders.nets.classifier import load_classifier, read_features
from autoencoders.nets.devices import prepare
from autoencoders.params import Params, settings
from autoencoders.runner.stage import run_stage
from autoencoders.sampling.mixture import MIXTURE
from autoencoders.sampling.ways import ways_between

TEST = Path("data/processed/test.safetensors")


def evaluate(params: Params, model_name: str, corruption_name: str) -> None:
    item, seed = f"{model_name}-{corruption_name}", params.seed
    device = prepare(params.train.device)
    model = load_model(Path("models") / item, device)
    suite = Suite(model, load_classifier(Path("models/classifier"), device), device, seed)
    dataset = read_json(Path("data/processed/dataset.json"), "name", "classes")
    classes, blends = dataset["classes"], params.generate.blends[dataset["name"]]
    check_blends(blends, classes, f"generate.blends.{dataset['name']}")
    test = read_arrays(TEST, images=IMAGES, labels=LABELS)
    originals, labels = test["images"], test["labels"]
    inputs = {
        name: read_pairs(TEST, Path(f"data/corrupted/{name}/test.safetensors"))[1]
        for name in params.corruptions
    }
    height, width = originals.shape[2:]
    corruptions = {
        name: build_corruption(config.kind, height, width, device, **settings(config))
        for name, config in params.corruptions.items()
    }
    own = inputs[corruption_name]["images"]
    embeddings = Path("data/embeddings") / item
    mixture = read_arrays(embeddings / "mixture.safetensors", **MIXTURE)
    train, validation, tested = (
        (arrays["mean"], arrays["labels"])
        for arrays in (
            read_arrays(embeddings / f"{split}.safetensors", mean=CODES, labels=LABELS)
            for split in ("train", "validation", "test")
        )
    )
    count, samples = params.evaluate.generated_samples, params.evaluate.importance_samples
    measured = {
        "reconstruction": suite.reconstruction(originals, own, labels, classes),
        "likelihood": suite.likelihood(originals, own, samples),
        "stress": suite.stress(originals, inputs, corruptions),
        "latent": latent_measures(train, tested, originals, len(classes), seed),
        "generation": suite.generation(own, mixture, read_features(), count),
        "ways": suite.ways(ways_between(*validation, classes, blends), classes),
    }
    write_json(Path(f"metrics/{item}.json"), {k: v for k, v in measured.items() if v is not None})


if __name__ == "__main__":
    run_stage(evaluate, "models", "corruptions")
