"""Measure principal components, as many as a model has latent dimensions, as if they were codes."""

from pathlib import Path

from autoencoders.abstraction import class_measures, neighbourhood_measures
from autoencoders.core.cli import run_stage
from autoencoders.core.storage import IMAGES, LABELS, read_arrays, read_json, write_json
from autoencoders.floors import fit_pca, flat
from autoencoders.params import Params


def evaluate_pca(params: Params, model_name: str) -> None:
    classes = read_json(Path("data/processed/dataset.json"), "classes")["classes"]
    train, test = (
        read_arrays(Path(f"data/processed/{split}.safetensors"), images=IMAGES, labels=LABELS)
        for split in ("train", "test")
    )
    pca = fit_pca(train["images"], params.models[model_name].latent_dim, params.seed)
    codes = [pca.transform(flat(arrays["images"])) for arrays in (train, test)]
    measured = neighbourhood_measures(test["images"], codes[1], params.seed)
    if len(classes) > 1:
        measured |= class_measures(codes[0], train["labels"], codes[1], test["labels"], params.seed)
    write_json(Path(f"metrics/latent/{model_name}.pca.json"), measured)


if __name__ == "__main__":
    run_stage(evaluate_pca, "models")
