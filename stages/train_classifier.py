"""Train a classifier of the data set on its original images, into models/classifier."""

from pathlib import Path

import torch

from autoencoders.classifier import Classifier, accuracy, save_classifier
from autoencoders.classifier_training import train_classifier
from autoencoders.core.cli import run_stage
from autoencoders.core.storage import (
    IMAGES,
    LABELS,
    read_arrays,
    read_json,
    whole_folder,
    write_json,
)
from autoencoders.models.devices import prepare
from autoencoders.params import Params

FOLDER = Path("models/classifier")


def train(params: Params) -> None:
    classes = read_json(Path("data/processed/dataset.json"), "classes")["classes"]
    device = prepare(params.train.device)
    training, validation, test = (
        tuple(torch.from_numpy(array).to(device) for array in (arrays["images"], arrays["labels"]))
        for arrays in (
            read_arrays(Path(f"data/processed/{split}.safetensors"), images=IMAGES, labels=LABELS)
            for split in ("train", "validation", "test")
        )
    )
    torch.manual_seed(params.seed)
    model = Classifier(tuple(training[0].shape[1:]), len(classes)).to(device)
    if len(classes) > 1:
        train_classifier(
            model, training, validation, seed=params.seed, **params.classifier.model_dump()
        )
    else:
        print("without classes there is nothing to classify: the features are those of chance")
    with whole_folder(FOLDER) as folder:
        save_classifier(folder, model, classes)
    measured = {
        "validation_accuracy": accuracy(model, *validation),
        "test_accuracy": accuracy(model, *test),
    }
    write_json(Path("metrics/classifier.json"), measured)


if __name__ == "__main__":
    run_stage(train)
