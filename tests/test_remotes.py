"""A project shared through each kind of DVC remote, and what is said where that fails."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.project import Project
from tests.servers import s3_server, ssh_server, webdav_server

STAGE = "preprocess"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "ada", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory) -> Project:
    """A project whose first stages have run."""
    project = Project(tmp_path_factory.mktemp("remotes") / "project")
    project.repro(STAGE)
    project.commit("Run")
    return project


class Remote:
    """A remote of a kind, its settings for a project, and the folder where its files lie."""

    def __init__(self, url: str, files: Path | None, **settings: str) -> None:
        self.url, self.files, self.settings = url, files, settings

    def add(self, project: Project, **changed: str) -> None:
        """Make it the default remote of a project, instead of the one before."""
        settings = {"url": self.url} | self.settings | changed
        lines = ["[core]", "remote = shared", "['remote \"shared\"']"]
        lines += [f"{key} = {value}" for key, value in settings.items()]
        project.path(".dvc/config.local").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module", params=["folder", "ssh", "s3", "webdav"])
def remote(request, tmp_path_factory) -> Iterator[Remote]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "folder":
        yield Remote(str(folder / "files"), folder / "files")
    elif request.param == "ssh":
        key = folder / "id_ed25519"
        with ssh_server(folder / "root", key) as port:
            url = f"ssh://ada@127.0.0.1:{port}/srv/dvc"
            yield Remote(url, folder / "root/srv/dvc", keyfile=str(key))
    elif request.param == "s3":
        with s3_server() as port:
            address = f"http://127.0.0.1:{port}"
            client = boto3.client(
                "s3",
                endpoint_url=address,
                region_name="us-east-1",
                aws_access_key_id="ada",
                aws_secret_access_key="secret",
            )
            client.create_bucket(Bucket="bucket")
            client.close()
            yield Remote(
                "s3://bucket/dvc",
                None,
                endpointurl=address,
                access_key_id="ada",
                secret_access_key="secret",
            )
    else:
        (folder / "root/dvc").mkdir(parents=True)
        with webdav_server(folder / "root", "ada", "secret") as port:
            yield Remote(
                f"webdav://127.0.0.1:{port}/dvc",
                folder / "root/dvc",
                user="ada",
                password="secret",
            )


def clone(project: Project, folder: Path) -> Project:
    """A fresh clone, with nothing of DVC's cache."""
    project.run("git", "clone", "--quiet", ".", str(folder))
    return Project.existing(folder)


def test_what_was_pushed_is_pulled_elsewhere_and_nothing_runs(ran: Project, remote, tmp_path):
    remote.add(ran)
    ran.run("dvc", "push")
    assert "Everything is up to date" in ran.run("dvc", "push").stdout
    other = clone(ran, tmp_path / "other")
    remote.add(other)
    other.run("dvc", "pull", "--allow-missing")
    assert other.repro(STAGE) == []
    name = "data/processed/test.safetensors"
    assert other.path(name).read_bytes() == ran.path(name).read_bytes()


def test_a_run_of_another_clone_is_taken_from_the_remote(ran: Project, remote, tmp_path):
    remote.add(ran)
    ran.run("dvc", "push", "--run-cache")
    other = clone(ran, tmp_path / "other")
    remote.add(other)
    other.path("dvc.lock").unlink()
    other.run("dvc", "pull", "--run-cache", "--allow-missing")
    assert other.repro("--pull", STAGE) == []
    assert other.lock() == ran.lock()


def test_a_damaged_file_is_refused_and_can_be_pushed_again(ran: Project, remote, tmp_path):
    if remote.files is None:
        pytest.skip("the emulated S3 keeps its files in memory")
    remote.add(ran)
    ran.run("dvc", "push")
    largest = max(
        (path for path in remote.files.rglob("*") if path.is_file()),
        key=lambda path: path.stat().st_size,
    )
    content = largest.read_bytes()
    largest.chmod(0o644)
    largest.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    other = clone(ran, tmp_path / "other")
    remote.add(other, verify="true")
    failed = other.run("dvc", "pull", STAGE, check=False)
    assert failed.returncode != 0
    assert "corrupted" in failed.stdout or "failed to pull" in failed.stdout.lower()
    # Remotes are laid out as the cache is.
    shutil.copy(ran.path(".dvc/cache") / largest.relative_to(remote.files), largest)
    other.run("dvc", "pull", "--allow-missing")
    assert other.repro(STAGE) == []


def test_a_remote_that_is_not_there_loses_nothing(ran: Project, tmp_path):
    before = ran.run("dvc", "status").stdout
    for url in ("ssh://ada@127.0.0.1:9/srv/dvc", "webdav://127.0.0.1:9/dvc"):
        Remote(url, None).add(ran)
        failed = ran.run("dvc", "push", check=False)
        assert failed.returncode != 0
        assert "Connect" in failed.stdout
    assert ran.run("dvc", "status").stdout == before


def test_a_wrong_key_or_password_is_told(ran: Project, tmp_path):
    with (
        ssh_server(tmp_path / "ssh", tmp_path / "right") as ssh,
        ssh_server(tmp_path / "another", tmp_path / "wrong"),
        webdav_server(tmp_path / "web", "ada", "secret") as web,
    ):
        wrong_key = {"keyfile": str(tmp_path / "wrong")}
        wrong_password = {"user": "ada", "password": "wrong"}
        for remote, expected in (
            (Remote(f"ssh://ada@127.0.0.1:{ssh}/dvc", None, **wrong_key), "Permission denied"),
            (Remote(f"webdav://127.0.0.1:{web}/dvc", None, **wrong_password), "Not Authorized"),
        ):
            remote.add(ran)
            failed = ran.run("dvc", "push", check=False)
            assert failed.returncode != 0
            assert expected in failed.stdout
        assert not any((tmp_path / "ssh").iterdir())


def test_files_that_nobody_pushed_are_named(ran: Project, tmp_path):
    other = clone(ran, tmp_path / "other")
    Remote(str(tmp_path / "empty"), None).add(other)
    failed = other.run("dvc", "pull", STAGE, check=False)
    assert failed.returncode != 0
    assert "data/processed" in failed.stdout
    # They can still be computed.
    shutil.rmtree(other.path("data"), ignore_errors=True)
    assert other.repro(STAGE) == ["code", "download", "preprocess"]
    assert other.lock() == ran.lock()
