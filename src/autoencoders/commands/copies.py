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

DVC_FOLDER = Path(".dvc")


def fresh_copy(name: str) -> Path:
    """A clone of the current commit in the folder `name`, in place of an earlier one.

    Raises:
        UserError: there is no project of Git's and DVC's here with a commit to clone, or the folder
            is no such clone.
    """
    _check_project()
    folder = Path(name)
    if folder.exists():
        if not (folder / PIPELINE).is_file():
            raise UserError(f"{folder}: exists and is no copy of this project; move it away")
        shutil.rmtree(folder)
    _output("git", "clone", "--quiet", ".", name)
    if not (folder / PIPELINE).is_file() or not (folder / DVC_FOLDER).is_dir():
        shutil.rmtree(folder)
        raise UserError(
            f"{Path.cwd()}: the current commit lacks {PIPELINE} or {DVC_FOLDER}/; "
            "git add --all && git commit"
        )
    return folder


def _check_project() -> None:
    """Hold the current folder to be a project whose commit can be cloned.

    DVC takes the project of a parent folder where a folder has none of its own.

    Raises:
        UserError: it lacks the pipeline, DVC's folder, or a commit, or Git's top is another folder.
    """
    here = Path.cwd()
    for path, cure in ((PIPELINE, "go to the project's folder"), (DVC_FOLDER, "dvc init")):
        if not path.exists():
            raise UserError(f"{here}: has no {path}; {cure}")
    found = subprocess.run(
        ["git", "rev-parse", "--show-toplevel"], capture_output=True, text=True
    ).stdout.strip()
    if not found or Path(found).resolve() != here.resolve():
        raise UserError(
            f"{here}: expected a Git repository of its own, found {found or 'none'}; "
            "git init && git add --all && git commit"
        )
    if subprocess.run(["git", "rev-parse", "--verify", "HEAD"], capture_output=True).returncode:
        raise UserError(f"{here}: has no commit to make a copy of; git add --all && git commit")


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
    # From there, as DVC cannot write letters beyond ASCII, which the project's path may have.
    relative = os.path.relpath(cache, folder.resolve())
    run_python(folder, "-m", "dvc", "cache", "dir", "--local", relative)
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
