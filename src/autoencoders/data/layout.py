"""How a folder of images is laid out: folders of classes, perhaps with splits around them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoencoders.data.files import Passed, below, is_image, suffixes, visible
from autoencoders.errors import UserError

# torchvision's ImageFolder has no names for splits; these are customary, in any case.
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True)
class Files:
    """The image files of a split, and their classes, as positions among the class names."""

    paths: list[Path]
    labels: np.ndarray
    """int64 of shape (N,)."""


def find_files(root: Path, layout: str) -> tuple[dict[str, Files], list[str], Passed]:
    """The files of each split, the class names, and what was passed over.

    `layout` says what the folders in `root` are: "splits", "classes", or by their names ("auto").

    Raises:
        UserError: there are no images, it is not clear what is a split or a class, or a link or a
            name that is not UTF-8 lies among them.
    """
    if not root.is_dir():
        raise UserError(f"data.path: {root} is not a folder")
    passed = Passed()
    roots = _roots(root, layout)
    # Around the folders of splits nothing is read.
    if roots != {"train": root}:
        visible(root, passed)
    classes = [path.name for path in visible(roots["train"]) if path.is_dir()]
    return {name: _files(path, classes, passed) for name, path in roots.items()}, classes, passed


def _roots(root: Path, layout: str) -> dict[str, Path]:
    folders = [path for path in visible(root) if path.is_dir()]
    named = [path for path in folders if path.name.casefold() in SPLITS]
    if layout == "classes" or (layout == "auto" and not named):
        return {"train": root}
    roots: dict[str, Path] = {}
    for path in named:
        split = SPLITS[path.name.casefold()]
        if split in roots:
            raise UserError(f"{roots[split]} and {path}: both are for {split}, expected one")
        roots[split] = path
    others = sorted(set(folders) - set(named))
    if others or "train" not in roots:
        beside = f" beside {others[0].name!r}" if others else " and none that is 'train'"
        have = f"{named[0].name!r}{beside}" if named else f"no split{beside}"
        raise UserError(
            f"{root}: holds {have}; are its folders classes, or splits around the classes? Say "
            "data.layout: classes, or name the splits train, validation and test, of which train "
            "must be there, with nothing beside them"
        )
    return roots


def _files(root: Path, classes: list[str], passed: Passed) -> Files:
    found = visible(root, passed)
    loose = [path for path in found if is_image(path)]
    folders = [path for path in found if path.is_dir()]
    for path in found:
        if path not in folders and path not in loose:
            passed[path.suffix.lower()] += 1
    if classes and loose:
        raise UserError(f"{loose[0]}: an image beside folders of classes; move it into one of them")
    unknown = sorted({path.name for path in folders} - set(classes))
    if unknown:
        raise UserError(
            f"{root}: holds {unknown}, expected of {classes}, the classes of the training images"
        )
    entries = [(path, 0) for path in loose] + list(_of_classes(folders, classes, passed))
    if not entries:
        also = f"; passed over: {passed}" if passed else ""
        raise UserError(f"{root}: holds no images ({', '.join(sorted(suffixes()))}){also}")
    paths, labels = zip(*entries, strict=True)
    return Files(list(paths), np.array(labels, np.int64))


def _of_classes(
    folders: list[Path], classes: list[str], passed: Passed
) -> Iterator[tuple[Path, int]]:
    for folder in folders:
        label = classes.index(folder.name)
        yield from ((path, label) for path in below(folder, passed))
