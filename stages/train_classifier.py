"""Train a classifier of the data set on its original images, into models/classifier."""

from pathlib import Path

import torch

from autoencoders.io.arrays import IMAGES, LABELS, read_arrays, write_arrays
from autoencoders.io.files import read_json, whole_folder, write_json
from autoencoders.nets.classifier import FOLDER, Classifier, accuracy, features, save_classifier
from autoencoders.nets.devices import prepare
from autoencoders.params import Params
from autoencoders.runner.stage import run_stage
from autoencoders.training.classifier import fit_classifier


def train_classifier(params: Params) -> None:
    classes = read_json(Path("data/processed/dataset.json"), "classes")["classes"]
    device = prepare(params.train.device)
    training, validation, test = (
        (
            torch.from_numpy(arrays["images"]).to(device),
            torch.from_numpy(arrays["labels"]).to(device),
        )
        for arrays in (
            read_arrays(Path(f"data/processed/{split}.safetensors"), images=IMAGES, labels=LABELS)
            for split in ("train", "validation", "test")
        )
    )
    torch.manual_seed(params.seed)
    model = Classifier(tuple(training[0].shape[1:]), len(classes)).to(device)
    if classes:
        fit_classifier(
            model, training, validation, seed=params.seed, **params.classifier.model_dump()
        )
    else:
        print("without classes there is nothing to classify: the features are those of chance")
    with whole_folder(FOLDER) as folder:
        save_classifier(folder, model, classes)
        seen = {"train": training[0], "validation": validation[0], "test": test[0]}
        arrays = {name: features(model, images).cpu().numpy() for name, images in seen.items()}
        write_arrays(folder / "features.safetensors", arrays)
    measured = {
        "validation_accuracy": accuracy(model, *validation),
        "test_accuracy": accuracy(model, *test),
    }
    write_json(Path("metrics/classifier.json"), measured)


if __name__ == "__main__":
    run_stage(train_classifier)
