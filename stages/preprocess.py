"""Split the images into train, validation and test, packed as uint8 arrays in data/processed.

plots/images.png shows the first of them as a model will see them.
"""

from pathlib import Path

from autoencoders.data.base import Split
from autoencoders.data.binary import binarised
from autoencoders.data.registry import OWN, build_dataset
from autoencoders.data.splits import make_splits
from autoencoders.experiment import blends_of
from autoencoders.figures.contact import contact_sheet
from autoencoders.io.arrays import write_arrays
from autoencoders.io.files import whole_folder, write_json
from autoencoders.params import Params
from autoencoders.runner.stage import run_stage


def preprocess(params: Params) -> None:
    data, settings = params.data, params.data.model_dump()
    content = build_dataset(data.name, settings).read(Path("data/raw"))
    classes = make_splits(
        content,
        settings,
        blends_of(params),
        name=data.name,
        seed=params.seed,
        keep_equal_together=data.name == OWN,
    )
    levels = content.splits["train"].images
    splits = content.splits
    if data.binarise != "never":
        splits = {
            name: Split(binarised(split.images, params.seed, name), split.labels)
            for name, split in splits.items()
        }
    train = splits["train"]
    with whole_folder(Path("data/processed")) as folder:
        for name, split in splits.items():
            arrays = {"images": split.images, "labels": split.labels}
            if data.binarise == "each_epoch" and name == "train":
                arrays["levels"] = levels
            write_arrays(folder / f"{name}.safetensors", arrays)
        description = {
            "name": data.name,
            "classes": classes,
            "image_shape": list(train.images.shape[1:]),
        }
        write_json(folder / "dataset.json", description)
    contact_sheet(Path("plots/images.png"), data.name, train.images, train.labels, classes)


if __name__ == "__main__":
    run_stage(preprocess)
