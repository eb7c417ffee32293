"""Runs of the pipeline that are killed, in every way that users run it, and go on."""

import subprocess
import sys

import psutil
import pytest

from tests.kill_test import CHANGES
from tests.project import ROOT, Project, environment, wait_for

LAST = "embed@ae-jigsaw"
"""The stage to run up to: what follows a training is as in any other run."""


@pytest.fixture(scope="module")
def calm(tmp_path_factory) -> Project:
    """A longer training that nobody disturbs."""
    project = Project(tmp_path_factory.mktemp("calm") / "calm", CHANGES)
    project.repro(LAST)
    return project


def test_a_killed_experiment_goes_on_and_ends_with_the_same_bytes(calm: Project, tmp_path):
    """Of `dvc repro` the kill test below tells."""
    command = ["exp", "run", "--temp"]
    killed = Project(tmp_path / "killed", CHANGES)
    process = start(killed, *command, LAST)
    wait_for(killed.states)
    stages = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    gone, alive = psutil.wait_procs(stages, timeout=10)
    assert gone
    assert not alive, "a stage outlived its DVC"
    output = killed.run("dvc", *command, LAST).stdout
    assert "resuming after epoch" in output
    assert not killed.states()
    assert lock_of_experiment(killed) == calm.lock()


def test_a_killed_queued_experiment_goes_on_when_it_is_queued_again(calm: Project, tmp_path):
    killed = Project(tmp_path / "queued", CHANGES)
    for name in ("first", "second"):
        killed.run("dvc", "exp", "run", "--queue", "--name", name, LAST)
        start(killed, "queue", "start").wait(timeout=60)
        if name == "first":
            wait_for(killed.states)
            killed.run("dvc", "queue", "kill", "--force", "first")
    wait_for(lambda: "Success" in killed.run("dvc", "queue", "status").stdout)
    assert "resuming after epoch" in killed.run("dvc", "queue", "logs", "second").stdout
    assert lock_of_experiment(killed) == calm.lock()
    assert not killed.states()
    killed.run("dvc", "queue", "stop", "--kill")


def start(project: Project, *command: str) -> subprocess.Popen:
    """Start dvc, whose output nobody reads, as a worker that outlives it would keep it open."""
    return subprocess.Popen(
        ["dvc", *command],
        cwd=project.folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def lock_of_experiment(project: Project) -> str:
    refs = project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").stdout.split()
    ref = next(r for r in refs if r.split("/")[2] not in ("exec", "stash", "celery"))
    return project.run("git", "show", f"{ref}:dvc.lock").stdout


def test_a_pipeline_killed_again_and_again_ends_with_the_same_bytes(calm: Project):
    """A few rounds of the kill test; `make kill-test` runs more."""
    lock = str(calm.path("dvc.lock"))
    result = subprocess.run(
        [sys.executable, "-m", "tests.kill_test", "3", LAST, "--undisturbed", lock],
        cwd=ROOT,
        env=environment(PYTHONPATH=str(ROOT / "src")),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "every output has the same bytes" in result.stdout
