"""Stages as processes: errors in a sentence, one process for each output, no orphans."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from importlib.metadata import version

import psutil
import pytest
from filelock import FileLock

from autoencoders.errors import UserError
from autoencoders.runner.stage import _explain
from tests.project import Project, environment, wait_for


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Project:
    """A project with data, prepared without DVC."""
    project = Project(tmp_path_factory.mktemp("stages") / "project", {"train.epochs": 1})
    for arguments in (["download"], ["preprocess"], ["preprocess_corruptions"]):
        project.stage(*arguments)
    return project


def refused(project: Project, *arguments: str, **extra: str) -> str:
    """What a stage says that must fail, without a traceback and with nothing half-written."""
    result = project.stage(*arguments, check=False, **extra)
    assert result.returncode == 1, result.stdout
    assert "Traceback" not in result.stdout
    assert "error: " in result.stdout
    assert project.unfinished() == []
    return result.stdout


@pytest.mark.parametrize("stage", ["plot_latent"])
def test_a_name_that_does_not_exist_is_refused(prepared: Project, stage: str):
    message = refused(prepared, stage, "gan", "jigsaw")
    assert "'gan' is not a key of models in params.yaml: ae, vae" in message
    assert "'../x' is not a key of corruptions" in refused(prepared, stage, "ae", "../x")


def test_a_missing_input_names_the_file_and_the_cure(prepared: Project):
    message = refused(prepared, "embed", "ae", "jigsaw")
    assert "models/ae-jigsaw/config.json: not found" in message
    message = refused(prepared, "evaluate", "ae", "jigsaw")
    assert "models/ae-jigsaw/config.json: not found" in message
    moved = prepared.path("data/corrupted/rotate").rename(prepared.path("data/rotate"))
    try:
        message = refused(prepared, "train", "ae", "rotate")
        assert "data/corrupted/rotate/validation.safetensors: not found; run the stage" in message
    finally:
        moved.rename(prepared.path("data/corrupted/rotate"))


def test_a_truncated_input_is_refused_and_the_old_output_kept(prepared: Project):
    path = prepared.path("data/processed/test.safetensors")
    whole = path.read_bytes()
    corrupted = prepared.path("data/corrupted/jigsaw/test.safetensors")
    before = corrupted.read_bytes()
    path.write_bytes(whole[:1000])
    try:
        assert "not a readable safetensors" in refused(prepared, "preprocess_corruptions")
    finally:
        path.write_bytes(whole)
    assert corrupted.read_bytes() == before


@pytest.mark.parametrize(
    "stage", [("code",), ("preprocess_corruptions",), ("train", "ae", "jigsaw")]
)
def test_what_a_part_does_not_take_is_refused_by_the_first_stage_and_by_those_that_build(
    prepared: Project, stage: tuple[str, ...]
):
    prepared.set({"models.vae.beta": -1.0, "corruptions.rotate": {"kind": "erase", "patch": 2}})
    try:
        message = refused(prepared, *stage)
    finally:
        prepared.set({"models.vae.beta": 4.0, "corruptions.rotate": {"kind": "rotate"}})
    assert "models.vae.beta: Input should be greater than or equal to 0, found -1.0" in message
    assert "corruptions.rotate.share: missing" in message
    assert prepared.unfinished() == []


def test_a_traceback_is_there_for_those_who_ask(prepared: Project):
    result = prepared.stage("train", "gan", "jigsaw", check=False, TRACEBACK="1")
    assert result.returncode == 1
    assert "Traceback" in result.stdout


def test_a_full_disk_is_told(prepared: Project):
    limit = "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (99999,) * 2);"
    code = limit + "sys.argv[1:] = [];"
    code += "runpy.run_module('stages.preprocess_corruptions', run_name='__main__')"
    path = prepared.path("data/corrupted/jigsaw/test.safetensors")
    before = path.read_bytes()
    result = prepared.run("python", "-c", code, check=False)
    assert result.returncode == 1
    assert "File too large" in result.stdout
    assert "Traceback" not in result.stdout
    assert path.read_bytes() == before
    assert prepared.unfinished() == []


def test_an_output_folder_that_cannot_be_made_is_told(prepared: Project, tmp_path):
    moved = prepared.path("data/corrupted").rename(tmp_path / "corrupted")
    prepared.path("data/corrupted").write_text("in the way")
    try:
        message = refused(prepared, "preprocess_corruptions")
        assert "data/corrupted" in message
        assert "give the same command again" in message
    finally:
        prepared.path("data/corrupted").unlink()
        moved.rename(prepared.path("data/corrupted"))


EXPLAINED = {
    "no memory": (MemoryError(), "train.batch_size"),
    "no memory on the GPU": (
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        "another train.device",
    ),
    "no memory on the CPU": (
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"),
        "train.batch_size",
    ),
    "full disk": (OSError(28, "No space left on device", "data/raw"), "data/raw: No space left"),
    "no permission": (PermissionError(13, "Permission denied", "plots"), "plots: Permission"),
    "bad input": (UserError("params.yaml is empty"), "params.yaml is empty"),
}


@pytest.mark.parametrize(("error", "words"), EXPLAINED.values(), ids=EXPLAINED)
def test_errors_that_a_user_can_mend_are_explained(error, words: str):
    assert words in _explain(error)


def test_a_defect_of_the_code_keeps_its_traceback():
    assert _explain(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None
    assert _explain(KeyError("images")) is None


def test_two_processes_do_not_write_the_same_output(prepared: Project):
    prepared.path(".locks").mkdir(exist_ok=True)
    with FileLock(prepared.path(".locks/preprocess.lock")):
        assert "preprocess: another process is at work on it" in refused(prepared, "preprocess")
    prepared.stage("preprocess")


STAND_IN = """
import os, subprocess
environment = os.environ | {"DVC_STAGE": "train@ae-jigsaw"}
subprocess.run(COMMAND, shell=True, env=environment)
"""
"""Starts a stage as DVC does: through a shell, with the stage's name in the environment."""


@pytest.mark.parametrize("through_shell", [False, True])
@pytest.mark.parametrize("name", ["project", "my stages.train folder"])
def test_a_stage_ends_with_the_dvc_that_started_it(
    prepared: Project, tmp_path, name: str, through_shell: bool
):
    folder = tmp_path / name
    shutil.copytree(prepared.folder, folder, ignore=shutil.ignore_patterns(".git", ".resume"))
    project = Project.existing(folder)
    project.set({"train.epochs": 100_000})
    command = "python -m stages.train ae jigsaw"
    # A shell that has more to do does not give its process away to the command.
    command += "; true" if through_shell else ""
    parent = subprocess.Popen(
        [sys.executable, "-c", STAND_IN.replace("COMMAND", repr(command))],
        cwd=folder,
        env=environment(),
    )
    wait_for(project.states)
    children = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


LONGER = {"train.epochs": 8, "train.batch_size": 64}
AS_BEFORE = {"train.epochs": 1, "train.batch_size": 16}


def trained(project: Project) -> list[bytes]:
    files = sorted(project.path("models/ae-jigsaw").iterdir())
    files.append(project.path("plots/history/ae-jigsaw.csv"))
    return [path.read_bytes() for path in files]


@pytest.fixture(scope="module")
def undisturbed(prepared: Project) -> list[bytes]:
    """What a training leaves that nobody stops."""
    prepared.set(LONGER)
    assert "resuming" not in prepared.stage("train", "ae", "jigsaw").stdout
    prepared.set(AS_BEFORE)
    return trained(prepared)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_training_resumes_to_the_same_bytes(prepared: Project, undisturbed, sent):
    prepared.set(LONGER)
    process = subprocess.Popen(
        ["python", "-m", "stages.train", "ae", "jigsaw"],
        cwd=prepared.folder,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        # A shell lets its background jobs, this test perhaps, ignore SIGINT: not the stage.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(prepared.states)
    process.send_signal(sent)
    error = process.communicate(timeout=30)[1]
    assert process.returncode != 0
    assert "Traceback" not in error
    assert ("interrupted" in error) == (sent == signal.SIGINT)
    assert "resuming after epoch" in prepared.stage("train", "ae", "jigsaw").stdout
    assert list(prepared.folder.glob(".resume/*")) == []
    prepared.set(AS_BEFORE)
    assert trained(prepared) == undisturbed


def test_the_number_of_threads_changes_no_data(prepared: Project, tmp_path):
    other = Project(tmp_path / "other")
    for arguments in (["download"], ["preprocess"], ["preprocess_corruptions"]):
        other.stage(*arguments, OMP_NUM_THREADS="3")
    files = [path for path in other.path("data").rglob("*") if path.is_file()]
    assert len(files) == 9
    for path in files:
        same = prepared.path(str(path.relative_to(other.folder)))
        assert path.read_bytes() == same.read_bytes(), path.name


def test_a_state_of_another_number_of_threads_is_not_taken_up(prepared: Project):
    prepared.set({"train.epochs": 100_000})
    process = subprocess.Popen(
        ["python", "-m", "stages.train", "ae", "jigsaw"], cwd=prepared.folder, env=environment()
    )
    wait_for(prepared.states)
    process.kill()
    process.wait()
    (left,) = prepared.states()
    process = subprocess.Popen(
        ["python", "-m", "stages.train", "ae", "jigsaw"],
        cwd=prepared.folder,
        env=environment(OMP_NUM_THREADS="2"),
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_for(lambda: len(prepared.states()) == 2)
    process.kill()
    assert "resuming" not in process.communicate()[0]
    assert left in prepared.states()
    for path in prepared.folder.glob(".resume/*"):
        path.unlink()
    prepared.set({"train.epochs": 1})


def test_runs_are_on_record_with_their_versions(prepared: Project):
    lines = prepared.path("logs/runs.jsonl").read_text().splitlines()
    notes = [json.loads(line) for line in lines]
    note = next(n for n in notes if n["run"] == "preprocess_corruptions")
    assert note["outcome"] == "finished"
    assert note["torch"] == version("torch")
    assert note["threads"] >= 1
    assert os.sep not in json.dumps(note)


def test_a_library_in_another_version_than_the_locks_is_told(prepared: Project):
    prepared.stage("code")
    path = prepared.path("data/code/preprocess_corruptions")
    before = path.read_text()
    assert f"torch=={version('torch').partition('+')[0]}" in before
    assert "is installed" not in prepared.stage("preprocess_corruptions").stdout
    path.write_text(re.sub("^torch==.*", "torch==1.0.0", before, flags=re.MULTILINE))
    said = prepared.stage("preprocess_corruptions").stdout
    path.write_text(before)
    assert re.search(r"torch \S+ is installed, 1\.0\.0 is what requirements\.txt", said)


def test_help_says_what_a_stage_does(prepared: Project):
    text = prepared.stage("train", "--help").stdout
    assert "a key of models in params.yaml" in text
    assert "Train one model on one corruption" in text


def test_a_copy_without_the_users_images_says_why(prepared: Project, tmp_path):
    """DVC runs experiments in copies below .dvc/tmp, which hold what is tracked."""
    own = Project(tmp_path / "project", {"data.name": "folder"})
    own.path("images/cat").mkdir()
    own.path("images/cat/1.png").write_bytes(b"")
    copy = Project(own.path(".dvc/tmp/exps/copy"), {"data.name": "folder"})
    message = refused(copy, "download")
    assert f"the images in {own.path('images')} are not tracked" in message
    assert "dvc add it, commit" in message
    own.path("images/cat/1.png").unlink()
    assert "are not tracked" not in copy.stage("download").stdout
