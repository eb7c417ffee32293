"""Split the images into train, validation and test, packed as uint8 arrays in data/processed."""

from pathlib import Path

from autoencoders.data.base import check_blends, check_classes, split_off
from autoencoders.data.registry import build_dataset
from autoencoders.io.arrays import write_arrays
from autoencoders.io.files import whole_folder, write_json
from autoencoders.params import Params
from autoencoders.runner.stage import run_stage


def preprocess(params: Params) -> None:
    data = params.data
    dataset = build_dataset(
        data.name, path=data.path, size=data.size, skip_damaged=data.skip_damaged
    )
    content = dataset.read(Path("data/raw"))
    classes = list(content.classes)
    if len(classes) == 1:
        print(f"all images are of one class, {classes[0]!r}, so they are taken to have none")
        classes = []
    check_blends(params.generate.blends[data.name], classes, f"generate.blends.{data.name}")
    splits = content.splits  # not a copy, which would keep all images while they are split
    fractions = {"test": data.test_fraction, "validation": data.validation_fraction}
    for name, fraction in fractions.items():
        if name not in splits:
            split_off(splits, name, fraction, params.seed, classes)
    check_classes(splits, classes, data.name)
    with whole_folder(Path("data/processed")) as folder:
        for name, split in splits.items():
            arrays = {"images": split.images, "labels": split.labels}
            write_arrays(folder / f"{name}.safetensors", arrays)
        description = {
            "name": data.name,
            "classes": classes,
            "image_shape": list(splits["train"].images.shape[1:]),
        }
        write_json(folder / "dataset.json", description)


if __name__ == "__main__":
    run_stage(preprocess)
