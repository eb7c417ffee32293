"""Where commands write: what this program did not make is neither replaced nor removed."""

import os
from collections.abc import Collection
from pathlib import Path

from autoencoders.errors import UserError


def check_new(out: Path, *, own: Collection[str] = (), apart_from: Collection[Path] = ()) -> None:
    """Hold the name of a folder to be made to what may be written to.

    Args:
        out: the name that the user gave.
        own: the names in a folder that an earlier call has made. One that holds these and nothing
            else may be replaced.
        apart_from: folders that are read, inside of which a later call would read the results.

    Raises:
        UserError: `out` exists, or lies in a folder that is read.
    """
    if os.path.lexists(out) and not _is_own(out, own):
        raise UserError(f"{out}: exists already, expected the name of a new folder")
    for folder in apart_from:
        if folder.is_dir() and out.resolve().is_relative_to(folder.resolve()):
            raise UserError(
                f"{out}: lies in {folder}, whose images are read; expected a folder elsewhere"
            )


def _is_own(out: Path, own: Collection[str]) -> bool:
    if not own or out.is_symlink() or not out.is_dir():
        return False
    return {path.name for path in out.iterdir()} == set(own)
