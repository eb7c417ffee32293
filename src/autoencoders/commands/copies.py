"""Copies of the project in which its pipeline is run apart from the user's own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
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


def kept_copy(folder: Path) -> Path:
    """A clone in `folder` brought to the current commit, with the DVC cache of this project.

    What DVC and trainings have left there stays.

    Raises:
        UserError: there is no Git repository here to clone, or the folder is no such clone.
    """
    if not folder.exists():
        fresh_copy(str(folder))
    commit = _output("git", "rev-parse", "HEAD")
    _output("git", "fetch", "--quiet", "origin", commit, folder=folder)
    _output("git", "checkout", "--quiet", "--force", "--detach", commit, folder=folder)
    cache = Path(_output(sys.executable, "-m", "dvc", "cache", "dir")).resolve()
    run_python(folder, "-m", "dvc", "cache", "dir", "--local", str(cache))
    return folder


def _output(*command: str, folder: Path = Path()) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{folder.resolve()}: {' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def run_pipeline(folder: Path, jobs: int, targets: Sequence[str] = (), **variables: str) -> None:
    """Run the pipeline of a copy, so many stages at a time, up to the targets if there are any.

    Raises:
        UserError: a stage has failed.
    """
    run_python(folder, "-m", "side_by_side", "--jobs", str(jobs), *targets, **variables)


def run_python(folder: Path, *arguments: str, **variables: str) -> None:
    """Run Python in a copy, with the copy's own code.

    Raises:
        UserError: it has failed.
    """
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {"PYTHONPATH": str(folder.resolve() / "src"), "PATH": paths}
    command = [sys.executable, *arguments]
    status = subprocess.run(command, cwd=folder, env=os.environ | environment | variables)
    if status.returncode:
        raise UserError(f"{folder}: {' '.join(arguments[1:])} has not come to its end (see above)")


def take_along(folder: Path) -> None:
    """Bring the current params, and the user's own images, into a copy."""
    images = Path(read_params().data.path)
    for file in (PARAMS_FILE, PIPELINE):
        shutil.copy(file, folder / file)
    shutil.copytree(images, folder / images, dirs_exist_ok=True)
