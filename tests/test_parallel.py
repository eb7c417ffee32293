"""A training shared by several processes, on one machine and on two that are one."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys

import psutil
import pytest

from autoencoders.parts import kinds
from tests.project import ROOT, Project, environment, wait_for
from tests.ranks import CALM as CALM_OPTIMIZER
from tests.ranks import histories

TRAIN = ["python", "-m", "stages.train"]
CALM = {
    "train.batch_size": 256,
    "train.optimizer": CALM_OPTIMIZER,
    "train.snapshot_epochs": [],
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Project:
    project = Project(tmp_path_factory.mktemp("parallel") / "project", CALM)
    for arguments in (["download"], ["preprocess"], ["preprocess_corruptions"]):
        project.stage(*arguments)
    return project


def history(project: Project, model: str) -> list[dict[str, float]]:
    with project.path(f"plots/history/{model}-jigsaw.csv").open() as file:
        return [{name: float(v) for name, v in row.items()} for row in csv.DictReader(file)]


def close(
    first: list[dict[str, float]], second: list[dict[str, float]], within: float = 1e-3
) -> bool:
    return len(first) == len(second) and all(
        one == pytest.approx(other, rel=within) for one, other in zip(first, second, strict=True)
    )


@pytest.fixture(scope="module")
def alone(prepared: Project) -> list[dict[str, float]]:
    """The history of a single process."""
    prepared.stage("train", "ae", "jigsaw")
    return history(prepared, "ae")


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> dict[str, list[dict[str, float]]]:
    """The histories of every flavour's training by two processes."""
    path = tmp_path_factory.mktemp("ranks") / "histories.json"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [*torchrun, "--nproc-per-node", "2", "-m", "tests.ranks", str(path)]
    subprocess.run(command, cwd=ROOT, env=environment(), check=True)
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def single() -> dict[str, list[dict[str, float]]]:
    return histories()


@pytest.mark.parametrize("kind", kinds("model"))
def test_two_processes_train_every_flavour_as_one(kind: str, single, shared):
    # Where two codes are as near, rounding chooses between them.
    assert close(shared[kind], single[kind], within=1e-2 if kind == "vqvae" else 1e-3)
    assert shared[kind] != single[kind]  # of sums in another order


def test_a_stage_whose_training_two_processes_share(prepared: Project, alone):
    prepared.set({"train.processes": 2})
    output = prepared.stage("train", "ae", "jigsaw").stdout
    prepared.set({"train.processes": 1})
    assert "Warning" not in output
    assert close(history(prepared, "ae"), alone)
    assert prepared.unfinished() == []
    assert prepared.states() == []


def test_two_machines_train_as_one(prepared: Project, alone, tmp_path):
    """Two torchruns that meet at an address, each with a process; the second has no results."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meeting = {"PET_NNODES": "2", "PET_MASTER_ADDR": "127.0.0.1", "PET_MASTER_PORT": str(port)}
    other = Project(tmp_path / "other", CALM)
    for arguments in (["download"], ["preprocess"], ["preprocess_corruptions"]):
        other.stage(*arguments)
    prepared.path("plots/history/ae-jigsaw.csv").unlink()
    nodes = [
        subprocess.Popen(
            [*TRAIN, "ae", "jigsaw"],
            cwd=project.folder,
            env=environment(**meeting, PET_NODE_RANK=str(rank)),
        )
        for rank, project in enumerate((prepared, other))
    ]
    assert [node.wait(timeout=200) for node in nodes] == [0, 0]
    assert close(history(prepared, "ae"), alone)
    assert not other.path("plots/history").exists()
    assert not other.path("models").exists()


def test_a_process_that_dies_ends_the_others_and_the_training_resumes(prepared: Project):
    prepared.set({"train.processes": 2, "train.epochs": 5, "train.batch_size": 32})
    process = subprocess.Popen(
        [*TRAIN, "ae", "jigsaw"],
        cwd=prepared.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    wait_for(prepared.states)
    started = psutil.Process(process.pid).children(recursive=True)
    ranks = [child for child in started if child.environ().get("RANK") == "1"]
    ranks[0].send_signal(signal.SIGKILL)
    output = process.communicate(timeout=100)[0]
    assert process.returncode == 1
    assert "one of 2 training processes failed" in output
    assert psutil.wait_procs(started, timeout=10)[1] == []
    output = prepared.stage("train", "ae", "jigsaw").stdout
    assert output.count("resuming after epoch") == 1
    assert len(history(prepared, "ae")) == 5
    prepared.set({"train.processes": 1, "train.epochs": 2})


def test_a_batch_smaller_than_the_processes_is_refused(prepared: Project):
    images = 1293
    assert images % 17 == 1
    prepared.set({"train.processes": 2, "train.batch_size": 17})
    result = prepared.stage("train", "ae", "jigsaw", check=False)
    prepared.set({"train.processes": 1, "train.batch_size": 16})
    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        "error: train.batch_size is 17: of 1293 images the last batch has 1, expected at least one "
        "for each of 2 processes"
    ]
    assert os.sep not in "".join(path.name for path in prepared.unfinished())
