"""The pipeline once more, in a fresh copy, to compare the hash of every output."""

import os
from difflib import unified_diff
from pathlib import Path

from autoencoders.commands.copies import fresh_copy, run_pipeline, take_along
from autoencoders.errors import UserError

FOLDER = ".reproduce"
LOCK = Path("dvc.lock")


def reproduce(*, jobs: int) -> None:
    """Run the pipeline with the params of this folder in .reproduce and compare dvc.lock.

    Args:
        jobs: stages at a time, which decides the number of their threads.

    Raises:
        UserError: there is no dvc.lock, a stage has failed, or an output differs.
    """
    if not LOCK.is_file():
        raise UserError(f"{LOCK}: not here, so that there is nothing to compare with; dvc repro")
    folder = fresh_copy(FOLDER)
    take_along(folder)
    here = str(Path("data/raw").resolve())
    run_pipeline(folder, jobs, DATA_MIRROR=os.environ.get("DATA_MIRROR", here))
    here_lock, there_lock = (
        path.read_text(encoding="utf-8").splitlines() for path in (LOCK, folder / LOCK)
    )
    names = str(LOCK), str(folder / LOCK)
    difference = list(unified_diff(here_lock, there_lock, *names, lineterm="", n=4))
    if difference:
        raise UserError("the results differ:\n" + "\n".join(difference))
    print("Every output has the same bytes as the one in this folder.")
