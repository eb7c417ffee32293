"""A small copy of the project in a folder of its own, driven as a user would: by dvc and python."""

import copy
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from autoencoders.params import Params
from autoencoders.runner.fan_ins import named
from tests.warm import programs as warm_programs

ROOT = Path(__file__).resolve().parent.parent
SMALL = {
    "data.name": "digits",
    "data.validation_fraction": 0.1,
    "corruptions": {"rotate": {"kind": "rotate"}, "jigsaw": {"kind": "jigsaw", "grid": 3}},
    "models.ae.network.channels": [4, 8],
    "models.ae.latent_dim": 8,
    "models.vae.network.channels": [4, 8],
    "models.vae.latent_dim": 8,
    "train.epochs": 2,
    "train.batch_size": 64,
    "train.device": "cpu",
    "plot_latent.tsne_points": 60,
    "plot_latent.tsne_perplexity": 10.0,
    "generate.samples": 8,
    "generate.traversals": 3,
    "classifier.epochs": 1,
    "report.points": 60,
    "evaluate.generated_samples": 50,
    "evaluate.importance_samples": 5,
}
"""What makes the default params small: two models on two corruptions of the embedded digits."""


MAKE_HERE = ["--assume-old", ".venv/installed", f"BIN={Path(sys.executable).parent}"]
"""What lets make use the tests' own environment instead of one that it would set up."""


def environment(**extra: str) -> dict[str, str]:
    """This process's environment, with the tests' own python and dvc first on PATH.

    One thread each, as several tests run at the same time.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {"PATH": path, "DVC_NO_ANALYTICS": "1", "PYTHONHASHSEED": "random"}
    return os.environ | own | {"OMP_NUM_THREADS": "1"} | extra


def warm(**extra: str) -> dict[str, str]:
    """The same with a `python` and a `dvc` that start at once, where there can be such."""
    programs = [folder] if (folder := warm_programs()) else []
    path = os.pathsep.join([*programs, environment()["PATH"]])
    return environment(**{"PATH": path} | extra)


def dvc_here(*arguments: str) -> str:
    """What dvc prints in the working tree itself."""
    command = ["dvc", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    ).stdout


def wait_for(condition: Callable[[], object], seconds: float = 240) -> None:
    """Return once the condition is true; fail if it has not become so in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


class Project:
    """A Git and DVC repository in `folder`: the working tree's tracked files and small params."""

    def __init__(self, folder: Path, changes: dict[str, Any] | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        )
        made = ("dvc.lock", "metrics/", "seeds/metrics.json")
        for name in listed.stdout.split("\0"):
            source = ROOT / name
            if name and not name.startswith(made) and source.is_file():
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
        self.set(SMALL | (changes or {}))
        self.run("git", "init", "--quiet", "--initial-branch", "main")
        self.run("git", "config", "user.name", "Test")
        self.run("git", "config", "user.email", "test@localhost")
        self.commit("Start")

    @classmethod
    def existing(cls, folder: Path) -> "Project":
        """The project that lies in a folder."""
        project = cls.__new__(cls)
        project.folder = folder
        return project

    @classmethod
    def copy(cls, source: Path, folder: Path) -> "Project":
        """A copy of the project in `source`, results and DVC's cache included."""
        shutil.copytree(source, folder)
        return cls.existing(folder)

    def path(self, name: str) -> Path:
        return self.folder / name

    def run(self, *command: str, check: bool = True, **extra: str) -> subprocess.CompletedProcess:
        """Run a command here; stdout and stderr come back together as text."""
        result = subprocess.run(
            command,
            cwd=self.folder,
            env=warm(**extra),
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=600,
        )
        assert not check or result.returncode == 0, result.stdout
        return result

    def stage(self, *arguments: str, check: bool = True, **extra: str):
        """Run a stage without DVC."""
        name, *item = arguments
        return self.run("python", "-m", f"stages.{name}", *item, check=check, **extra)

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def set(self, changes: dict[str, Any]) -> None:
        """Change params.yaml: dotted keys to values; a None removes the key.

        dvc.yaml names what is in it then, as by `make stages`.
        """
        path = self.path("params.yaml")
        params = yaml.safe_load(path.read_text())
        for key, value in copy.deepcopy(changes).items():
            *parents, last = key.split(".")
            section = params
            for parent in parents:
                section = section[parent]
            if value is None:
                del section[last]
            else:
                section[last] = value
        path.write_text(yaml.safe_dump(params, sort_keys=False, allow_unicode=True))
        pipeline = self.path("dvc.yaml")
        pipeline.write_text(named(pipeline.read_text(), Params.model_validate(params)))

    def repro(self, *arguments: str, **extra: str) -> list[str]:
        """`dvc repro`: the stages that ran, in order."""
        output = self.run("dvc", "repro", *arguments, **extra).stdout
        return re.findall(r"^Running stage '(.+)':$", output, flags=re.MULTILINE)

    def lock(self) -> str:
        return self.path("dvc.lock").read_text()

    def start_over(self) -> None:
        """Forget every result, DVC's cache included."""
        for path in map(
            self.path, ("dvc.lock", "data", "metrics", "models", "plots", ".dvc/cache")
        ):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def states(self) -> list[Path]:
        """The states of interrupted trainings, without one that is only half written."""
        return list(self.folder.glob(".resume/[!.]*.state"))

    def unfinished(self) -> list[Path]:
        """What a stage has left half-written."""
        found = self.folder.rglob(".unfinished-*")
        return [path for path in found if ".dvc" not in path.parts]
