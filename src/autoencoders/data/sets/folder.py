"""The user's own images, in one folder per class or with no classes at all."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoencoders.data.base import Content, Split, check_classes
from autoencoders.data.images import (
    SUFFIXES,
    ImageError,
    below,
    decode_images,
    in_threads,
    is_grey,
    is_image,
    listed,
    visible,
)
from autoencoders.errors import UserError

# torchvision's ImageFolder has no names for splits; these are customary.
SPLITS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}


@dataclass(frozen=True)
class Folder:
    """Images below `path`, resized and cropped to squares of `size` pixels.

    Either `path` holds the folder "train" and, where there are such splits, "validation" (or "val",
    "valid") and "test", or all images are one set. In each, either every class is a folder
    (torchvision's ImageFolder convention) or the images lie there directly and have no classes.
    They are grey (C = 1) if all files are, else RGB (C = 3), on white where they are transparent.
    Files that are left out, as they cannot be decoded, decide nothing. Links are refused.
    """

    path: str
    size: int
    skip_damaged: bool

    def read(self, folder: Path) -> Content:
        files, classes = _list(Path(self.path))
        grey = _grey([path for split in files.values() for path, _ in split])
        splits, failed = self._decode(files, 1 if all(grey.values()) else 3)
        kept = [shade for path, shade in grey.items() if path not in failed]
        if failed and all(kept) and not all(grey.values()):
            # Of colour were only files that are left out.
            splits, failed = self._decode(files, 1)
        self._report(failed)
        check_classes(splits, classes, self.path)
        return Content(splits, classes)

    def _decode(
        self, files: dict[str, list[tuple[Path, int]]], channels: int
    ) -> tuple[dict[str, Split], dict[Path, str]]:
        """The splits without the files that cannot be decoded; those files, and why."""
        splits: dict[str, Split] = {}
        damaged: dict[Path, str] = {}
        for split, entries in files.items():
            paths = [path for path, _ in entries]
            labels = np.array([label for _, label in entries], np.int64)
            images, whole, failed = decode_images(paths, channels, self.size, f"decoding {split}")
            whole_split = Split(images, labels)
            splits[split] = whole_split.take(whole) if failed else whole_split
            damaged |= failed
        return splits, damaged

    def _report(self, failed: dict[Path, str]) -> None:
        if not failed:
            return
        message = f"{self.path}: {listed(failed)}"
        if not self.skip_damaged:
            raise UserError(
                f"{message}\nMend or remove them, or set data.skip_damaged to leave them out."
            )
        print(f"{message}\nThey are left out (data.skip_damaged).", file=sys.stderr, flush=True)


def _list(root: Path) -> tuple[dict[str, list[tuple[Path, int]]], list[str]]:
    """The files of each split with their labels, and the class names."""
    if not root.is_dir():
        raise UserError(f"data.path: {root} is not a folder")
    folders = {path.name: path for path in visible(root) if path.is_dir()}
    roots = {"train": root}
    if "train" in folders:
        unknown = sorted(set(folders) - set(SPLITS))
        if unknown:
            raise UserError(
                f"{root}: holds the folder {unknown[0]!r} beside 'train', "
                f"expected only splits ({', '.join(SPLITS)})"
            )
        roots = {SPLITS[name]: path for name, path in folders.items()}
    classes = _classes(roots["train"])
    return {split: _entries(path, classes) for split, path in roots.items()}, classes


def _classes(root: Path) -> list[str]:
    return [path.name for path in visible(root) if path.is_dir()]


def _entries(root: Path, classes: list[str]) -> list[tuple[Path, int]]:
    loose = [path for path in visible(root) if is_image(path)]
    found = _classes(root)
    if classes and loose:
        raise UserError(f"{loose[0]}: an image beside folders of classes; move it into one of them")
    if not set(found) <= set(classes):
        raise UserError(
            f"{root}: holds {sorted(set(found) - set(classes))}, expected of {classes}, "
            "the classes of the training images"
        )
    entries = [(path, 0) for path in loose]
    for name in found:
        entries += [(path, classes.index(name)) for path in below(root / name)]
    if not entries:
        raise UserError(f"{root}: holds no images ({', '.join(sorted(SUFFIXES))})")
    return entries


def _grey(paths: Sequence[Path]) -> dict[Path, bool]:
    """Of each file whose header can be read whether it is grey, in the order of the paths."""
    shades: dict[Path, bool] = {}

    def look(path: Path) -> None:
        with suppress(ImageError):  # which decoding will tell
            shades[path] = is_grey(path)

    in_threads(look, paths, "reading headers")
    return shades
