"""The user's own images, in one folder per class or with no classes at all."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoencoders.core.errors import UserError
from autoencoders.data.base import Content, Split
from autoencoders.data.images import SUFFIXES, decode_image, in_threads, is_image, visible

# torchvision's ImageFolder has no names for splits; these are customary.
SPLITS = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
GREY_MODES = {"1", "L", "LA", "I", "I;16", "I;16B"}
NAMED = 10


@dataclass(frozen=True)
class Folder:
    """Images below `path`, resized and cropped to squares of `size` pixels.

    Either `path` holds the folder "train" and, where there are such splits, "validation" (or "val",
    "valid") and "test", or all images are one set. In each, either every class is a folder
    (torchvision's ImageFolder convention) or the images lie there directly and have no classes.
    They are grey (C = 1) if all files are, else RGB (C = 3), on white where they are transparent.
    """

    path: Path
    size: int
    skip_damaged: bool

    def read(self, folder: Path) -> Content:
        files, classes = _list(self.path)
        channels, damaged = _channels([path for split in files.values() for path, _ in split])
        splits = {}
        for split, entries in files.items():
            images, labels, failed = self._decode(entries, channels, damaged, split)
            splits[split] = Split(images, labels)
            damaged = damaged | failed
        self._report(damaged)
        for split, content in splits.items():
            for label, name in enumerate(classes or ["image"]):
                if label not in content.labels:
                    raise UserError(f"{self.path}: no readable {name!r} for {split}")
        return Content(splits, classes)

    def _decode(
        self, entries: Sequence[tuple[Path, int]], channels: int, damaged: set[Path], split: str
    ) -> tuple[np.ndarray, np.ndarray, set[Path]]:
        """The images and labels of one split, and which files could not be decoded."""
        images = np.empty((len(entries), channels, self.size, self.size), np.uint8)
        whole = np.ones(len(entries), bool)

        def decode(position: int) -> None:
            path = entries[position][0]
            decoded = None if path in damaged else decode_image(path, channels, self.size)
            whole[position] = decoded is not None
            if decoded is not None:
                images[position] = decoded

        in_threads(decode, range(len(entries)), f"decoding {split}")
        labels = np.array([label for _, label in entries], np.int64)
        failed = {path for (path, _), kept in zip(entries, whole, strict=True) if not kept}
        if failed:
            images, labels = images[whole], labels[whole]
        return images, labels, failed

    def _report(self, damaged: set[Path]) -> None:
        if not damaged:
            return
        names = "".join(f"\n  {path}" for path in sorted(damaged)[:NAMED])
        more = f"\n  and {len(damaged) - NAMED} more" if len(damaged) > NAMED else ""
        message = f"{self.path}: {len(damaged)} files cannot be decoded:{names}{more}"
        if not self.skip_damaged:
            raise UserError(f"{message}\nRemove them, or set data.skip_damaged to leave them out.")
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
        inside = [path for path in sorted((root / name).rglob("*")) if is_image(path)]
        entries += [(path, classes.index(name)) for path in inside]
    if not entries:
        raise UserError(f"{root}: holds no images ({', '.join(sorted(SUFFIXES))})")
    return entries


def _channels(paths: list[Path]) -> tuple[int, set[Path]]:
    """1 if all images are grey, else 3; and the files whose headers cannot be read."""
    from PIL import Image

    modes: dict[Path, str] = {}

    def look(path: Path) -> None:
        try:
            with Image.open(path) as image:
                modes[path] = image.mode
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            pass

    in_threads(look, paths, "reading headers")
    return (1 if set(modes.values()) <= GREY_MODES else 3), set(paths) - set(modes)
