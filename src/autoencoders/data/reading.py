"""All that is found in a folder of images: what is read of it, and what may be wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from autoencoders.data.base import Split
from autoencoders.data.duplicates import first_of_equal
from autoencoders.data.files import Passed
from autoencoders.data.headers import Header, deep_note, file_count, read_headers
from autoencoders.data.images import decode_images, listed, white_of
from autoencoders.data.layout import Files, find_files

BATCH = 1000
FLAT_DEVIATION = 1.0
"""Grey levels: an image that varies less shows nothing."""
FIRST_KEPT = ("test", "validation", "train")
"""Of equal images in several splits the one that stays, so that no test image is lost."""


@dataclass
class Reading:
    """A folder's images as uint8 arrays, and what was found on the way."""

    classes: list[str]
    files: dict[str, Files]
    """The files that were read, of each split."""
    splits: dict[str, Split]
    """Their images, in the order of the files."""
    headers: dict[Path, Header]
    white_level: int
    passed: Passed
    damaged: dict[Path, str]
    dropped: int = 0
    """How many images were left out, as they equal another."""
    pairs: list[tuple[Path, Path]] = field(default_factory=list)
    """An image and the first that equals it, for each that is kept."""
    across: list[tuple[Path, Path]] = field(default_factory=list)
    """Those of them that lie in another split than the first."""

    def labels(self) -> dict[Path, int]:
        """The class of each file that was read."""
        return {
            path: int(label)
            for files in self.files.values()
            for path, label in zip(files.paths, files.labels, strict=True)
        }

    @cached_property
    def flat_images(self) -> list[Path]:
        """The files whose images vary by less than a grey level."""
        found = []
        for name, split in self.splits.items():
            paths = self.files[name].paths
            for start in range(0, len(paths), BATCH):
                spread = split.images[start : start + BATCH].std(axis=(1, 2, 3))
                found += [paths[start + n] for n in np.flatnonzero(spread < FLAT_DEVIATION)]
        return found

    def notes(self) -> Iterator[str]:
        """What a user should know of what was read, in a line each."""
        if self.passed:
            yield f"passed over: {self.passed}"
        headers = self.headers.values()
        if said := deep_note(self.headers, self.white_level):
            yield f"{said} (data.white_level)"
        if several := sum(header.several for header in headers):
            yield f"{file_count(several)} with several images, of which the first is read"
        if cut := sum(header.bits == 16 and header.mode.startswith("RGB") for header in headers):
            yield f"{file_count(cut)} of 16 bits for each channel, of which the upper 8 are read"
        if self.dropped:
            yield f"{self.dropped} left out, as they equal another image (data.duplicates)"
        if self.pairs:
            labels = self.labels()
            apart = sum(labels[one] != labels[other] for one, other in self.pairs)
            one, other = self.pairs[0]
            such = f"such as {one} and {other}"
            if len(self.pairs) == 1:
                yield f"1 image equals another{', in another class' if apart else ''}, {such}"
            else:
                classes = f", {apart} of them in another class" if apart else ""
                yield f"{len(self.pairs)} images equal another{classes}, {such}"
        if flat := self.flat_images:
            images = "1 image" if len(flat) == 1 else f"{len(flat)} images"
            yield f"{images} of one grey level or colour, such as {flat[0]}"
        yield from self.odd_names()

    def odd_names(self) -> Iterator[str]:
        """Classes whose names are likely to be a mistake."""
        alike: dict[str, list[str]] = {}
        for name in self.classes:
            alike.setdefault(" ".join(name.casefold().split()), []).append(name)
        for names in alike.values():
            if len(names) > 1:
                yield f"classes whose names differ by blanks or capitals alone: {names}"
        for name in self.classes:
            if name != name.strip():
                yield f"a class whose name begins or ends with a blank: {name!r}"

    def faults(self, *, skip_damaged: bool) -> Iterator[str]:
        """What stops the pipeline, with what can be done about it."""
        if self.damaged and not skip_damaged:
            yield (
                f"{listed(self.damaged)}\n"
                "Mend or remove them, or set data.skip_damaged to leave them out."
            )
        if self.across:
            one, other = self.across[0]
            yield (
                f"{one} and {other} are equal, in different splits, as are "
                f"{len(self.across)} in all: what is tested must not be trained on; remove one "
                "of each, or set data.duplicates to drop"
            )


def read_folder(
    root: Path,
    size: int,
    *,
    layout: str,
    white_level: int | Literal["auto"],
    drop_equal: bool,
) -> Reading:
    """Read the images below `root` as squares of `size` pixels.

    Grey (C = 1) if all are, else RGB (C = 3). What cannot be decoded decides nothing.

    Raises:
        UserError: as `find_files`.
    """
    files, classes, passed = find_files(root, layout)
    headers = read_headers([path for split in files.values() for path in split.paths])
    highest = max((header.highest for header in headers.values()), default=0)
    white = white_of(highest) if white_level == "auto" else white_level

    def decode(channels: int) -> tuple[dict[str, Split], dict[str, Files], dict[Path, str]]:
        return _decode(files, channels, size, white)

    grey = {path: header.grey for path, header in headers.items()}
    splits, kept, damaged = decode(1 if all(grey.values()) else 3)
    left = [shade for path, shade in grey.items() if path not in damaged]
    if damaged and all(left) and not all(grey.values()):
        splits, kept, damaged = decode(1)  # of colour were only files that are left out
    reading = Reading(classes, kept, splits, headers, white, passed, damaged)
    _find_equal(reading, drop=drop_equal)
    return reading


def _decode(
    files: Mapping[str, Files], channels: int, size: int, white_level: int
) -> tuple[dict[str, Split], dict[str, Files], dict[Path, str]]:
    """The images of each split, the files that they are of, and why others cannot be decoded."""
    splits: dict[str, Split] = {}
    kept: dict[str, Files] = {}
    damaged: dict[Path, str] = {}
    for name, split in files.items():
        images, whole, failed = decode_images(
            split.paths, channels, size, white_level, f"decoding {name}"
        )
        splits[name], kept[name] = Split(images, split.labels), split
        if failed:
            damaged |= failed
            _keep(splits, kept, name, whole)
    return splits, kept, damaged


def _find_equal(reading: Reading, *, drop: bool) -> None:
    """Note equal images, or leave all but the first of them out."""
    names = [name for name in FIRST_KEPT if name in reading.splits]
    first = first_of_equal(*(reading.splits[name].images for name in names))
    own = np.arange(len(first))
    if (first == own).all():
        return
    counts = [len(reading.splits[name].labels) for name in names]
    starts = np.cumsum([0, *counts])
    if drop:
        reading.dropped = int((first != own).sum())
        for name, start, end in zip(names, starts, starts[1:], strict=False):
            _keep(reading.splits, reading.files, name, (first == own)[start:end])
        return
    paths = [path for name in names for path in reading.files[name].paths]
    split_of = np.repeat(np.arange(len(names)), counts)
    for position in np.flatnonzero(first != own):
        pair = paths[position], paths[first[position]]
        reading.pairs.append(pair)
        if split_of[position] != split_of[first[position]]:
            reading.across.append(pair)


def _keep(splits: dict[str, Split], files: dict[str, Files], name: str, kept: np.ndarray) -> None:
    paths = [path for path, whole in zip(files[name].paths, kept, strict=True) if whole]
    files[name] = Files(paths, files[name].labels[kept])
    splits[name] = splits[name].take(kept)
