"""Copies of the project in which its pipeline is run apart from the user's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from autoencoders.errors import UserError
from autoencoders.params import PARAMS_FILE, read_params
from autoencoders.runner.fan_ins import PIPELINE


def fresh_copy(name: str) -> Path:
    """A clone of the current commit in the folder `name`, in place of an earlier one.

    Raises:
        UserError: there is no Git repository here to clone, or the folder is no such clone.
    """
    folder = Path(name)
    if folder.exists():
        if not (folder / PIPELINE).is_file():
            raise UserError(f"{folder}: exists and is no copy of this project; move it away")
        shutil.rmtree(folder)
    cloned = subprocess.run(["git", "clone", "--quiet", ".", name], capture_output=True, text=True)
    if cloned.returncode:
        raise UserError(
            f"{Path.cwd()} cannot be cloned, expected a Git repository with a commit "
            f"(git init && git add --all && git commit): {cloned.stderr.strip()}"
        )
    return folder


def run_pipeline(folder: Path, jobs: int, **variables: str) -> None:
    """Run the pipeline of a copy, so many stages at a time.

    Raises:
        UserError: a stage has failed.
    """
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {"PYTHONPATH": str(folder.resolve() / "src"), "PATH": paths}
    command = [sys.executable, "-m", "side_by_side", "--jobs", str(jobs)]
    status = subprocess.run(command, cwd=folder, env=os.environ | environment | variables)
    if status.returncode:
        raise UserError(f"the pipeline in {folder} has not come to its end (see above)")


def take_along(folder: Path) -> None:
    """Bring the current params, and the user's own images, into a copy."""
    images = Path(read_params().data.path)
    for file in (PARAMS_FILE, PIPELINE):
        shutil.copy(file, folder / file)
    shutil.copytree(images, folder / images, dirs_exist_ok=True)
