"""Items shared out among machines through a remote: one puts them together and trains nothing."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.project import ROOT, Project, warm

PAGE = (ROOT / "docs/how-to/many-machines.md").read_text(encoding="utf-8")


def titled(name: str) -> str:
    """A block of the page that is a file."""
    return re.search(rf'```\w+ title="{re.escape(name)}"\n(.*?)^```$', PAGE, re.M | re.S)[1]


@pytest.fixture(scope="module")
def project(finished: Path, tmp_path_factory) -> Project:
    """A finished one without its results, and with an empty remote."""
    folder = tmp_path_factory.mktemp("machines")
    made = Project.copy(finished / "project", folder / "project")
    made.start_over()
    made.run("dvc", "remote", "add", "--default", "shared", str(folder / "remote"))
    made.commit("Forget all results")
    return made


@pytest.fixture(scope="module")
def jobs(project: Project) -> list[str]:
    """What the jobs of an array say, all of which run at the same time."""
    script = project.folder.parent / "machine.sh"
    script.write_text(titled("machine.sh"), encoding="utf-8")
    running = [
        subprocess.Popen(
            ["bash", str(script)],
            env=warm(PROJECT=str(project.folder), SLURM_ARRAY_TASK_ID=str(task)),
            cwd=project.folder.parent,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for task in range(2)
    ]
    said = [job.communicate(timeout=600)[0] for job in running]
    assert [job.returncode for job in running] == [0, 0], said
    return said


def test_one_machine_puts_together_what_others_have_run(project, jobs, finished, tmp_path):
    """It trains nothing, evaluates nothing, and ends where a single machine does."""
    assert all("what was run here is in the remote" in said for said in jobs)
    project.run("git", "clone", "--quiet", ".", str(tmp_path / "whole"))
    whole = Project.existing(tmp_path / "whole")
    ran = whole.repro("--pull")
    assert not [stage for stage in ran if stage.startswith(("train", "embed", "evaluate"))]
    assert "report" in ran
    single = Project.existing(finished / "project")
    assert whole.lock() == single.lock()
    for path in single.path("metrics").glob("*.json"):
        assert whole.path(f"metrics/{path.name}").read_bytes() == path.read_bytes()


def test_jobs_leave_nothing_behind(project, jobs):
    assert project.run("git", "status", "--porcelain").stdout == ""


def test_without_a_remote_it_is_told(finished, tmp_path):
    alone = Project.copy(finished / "project", tmp_path / "alone")
    done = alone.run("autoencoders", "push", check=False)
    assert done.returncode == 1
    assert re.search("^error: nothing was pushed: .*no remote", done.stdout, re.M | re.S)


def test_the_workflow_is_one(tmp_path):
    text = titled(".github/workflows/train.yaml")
    (tmp_path / "train.yaml").write_text(text, encoding="utf-8")
    command = ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"]
    subprocess.run([*command, str(tmp_path / "train.yaml")], check=True, env=warm())
    assert set(yaml.safe_load(text)["jobs"]) == {"items", "train"}
