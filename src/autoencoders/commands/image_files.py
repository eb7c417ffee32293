"""Image files of the user's: found, decoded in batches, written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from autoencoders.data.files import below, check_path, is_image, suffixes
from autoencoders.data.images import in_threads
from autoencoders.errors import UserError


@dataclass(frozen=True)
class Source:
    """An image file, and the name of what is made of it."""

    path: Path
    name: str


def find_images(paths: Sequence[Path]) -> list[Source]:
    """The image files among the paths and in the folders. A name ends with .png, as it is written.

    Raises:
        UserError: a path is no image, a folder holds none, two files would have one name, or one is
            a link or has a name that is not UTF-8.
    """
    found: dict[str, Path] = {}
    for path in paths:
        check_path(path)
        if path.is_dir():
            named = {file.relative_to(path): file for file in below(path)}
        else:
            named = {Path(path.name): path} if is_image(path) and path.is_file() else {}
        if not named:
            endings = ", ".join(sorted(suffixes()))
            raise UserError(f"{path}: expected an image, or a folder with some ({endings})")
        for relative, file in named.items():
            name = relative.as_posix()
            name = name if relative.suffix == ".png" else f"{name}.png"
            if name in found:
                raise UserError(f"{found[name]} and {file}: both would be written as {name}")
            found[name] = file
    return [Source(path, name) for name, path in found.items()]


def write_images(folder: Path, names: Sequence[str], images: np.ndarray) -> None:
    """Write uint8 images (N, C, H, W) as PNG."""

    def write(position: int) -> None:
        path, pixels = folder / names[position], images[position].transpose(1, 2, 0)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(path, "png")

    in_threads(write, range(len(names)))
