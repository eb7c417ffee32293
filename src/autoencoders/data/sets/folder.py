"""The user's own images, in one folder per class or with no classes at all."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from autoencoders.data.base import Content
from autoencoders.data.checks import check_classes
from autoencoders.data.images import listed
from autoencoders.data.reading import Reading, read_folder
from autoencoders.errors import UserError


@dataclass(frozen=True)
class Folder:
    """Images below `path`, resized and cropped to squares of `size` pixels.

    Either `path` holds the folder "train" and, where there are such splits, "validation" and
    "test", or all images are one set. In each, either every class is a folder (torchvision's
    ImageFolder convention) or the images lie there directly and have no classes. They are grey
    (C = 1) if all files are, else RGB (C = 3), on white where they are transparent. Files that are
    left out, as they cannot be decoded, decide nothing. Links are refused.
    """

    path: str
    size: int
    skip_damaged: bool = False
    layout: Literal["auto", "classes", "splits"] = "auto"
    white_level: int | Literal["auto"] = "auto"
    duplicates: Literal["keep", "drop"] = "keep"

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Folder":
        """By the section `data` of params.yaml."""
        return cls(**{field.name: settings[field.name] for field in fields(cls)})

    def survey(self) -> Reading:
        """Read all there is, faults included.

        Raises:
            UserError: there are no images, or it is not clear what is a split or a class.
        """
        return read_folder(
            Path(self.path),
            self.size,
            layout=self.layout,
            white_level=self.white_level,
            drop_equal=self.duplicates == "drop",
        )

    def read(self, folder: Path) -> Content:
        reading = self.survey()
        for note in reading.notes():
            print(f"{self.path}: {note}", file=sys.stderr, flush=True)
        for fault in reading.faults(skip_damaged=self.skip_damaged):
            raise UserError(f"{self.path}: {fault}")
        if reading.damaged:
            print(f"{self.path}: {listed(reading.damaged)}\nThey are left out.", file=sys.stderr)
        check_classes(reading.splits, reading.classes, self.path)
        return Content(reading.splits, reading.classes)
