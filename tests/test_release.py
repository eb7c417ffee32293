"""What others get: archives with their hashes, models by their address, files by a web server."""

import hashlib
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from autoencoders.errors import UserError
from autoencoders.trained import load_model
from tests.project import Project
from tests.servers import http_server


@pytest.fixture(scope="module")
def project(finished, tmp_path_factory) -> Project:
    """A finished one, with its release."""
    made = Project.copy(finished / "project", tmp_path_factory.mktemp("release") / "project")
    made.path("said").write_text(made.run("autoencoders", "release").stdout, encoding="utf-8")
    return made


@pytest.fixture
def server(project) -> Iterator[tuple[str, list[str]]]:
    with http_server(project.path("release")) as (port, asked):
        yield f"http://127.0.0.1:{port}", asked


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """The user's, where archives stay."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def sums(project: Project) -> dict[str, str]:
    text = project.path("release/SHA256SUMS").read_text(encoding="utf-8")
    return {name: digest for digest, name in (line.split("  ") for line in text.splitlines())}


def test_a_release_holds_all_models_and_results_with_their_hashes(project):
    items = {path.parent.name for path in project.folder.glob("models/*-*/weights.safetensors")}
    assert len(items) == 2
    listed = sums(project)
    assert set(listed) == {"results.zip", *(f"{item}.zip" for item in items)}
    for name, digest in listed.items():
        assert hashlib.sha256(project.path(f"release/{name}").read_bytes()).hexdigest() == digest
    for item in items:
        with zipfile.ZipFile(project.path(f"release/{item}.zip")) as archive:
            assert archive.namelist() == ["config.json", "weights.safetensors"]
            for name in archive.namelist():
                assert archive.read(name) == project.path(f"models/{item}/{name}").read_bytes()
    with zipfile.ZipFile(project.path("release/results.zip")) as archive:
        assert {"params.yaml", "dvc.lock", "plots/report.html", "LICENSE"} <= set(
            archive.namelist()
        )
        assert {f"metrics/{item}.json" for item in items} <= set(archive.namelist())
    assert project.run("git", "status", "--porcelain").stdout == "?? said\n"


def test_the_same_results_give_the_same_bytes(project):
    project.run("autoencoders", "release", "--out", "again")
    for path in project.path("release").iterdir():
        assert project.path(f"again/{path.name}").read_bytes() == path.read_bytes()


def test_what_has_not_been_run_is_not_released(project, tmp_path):
    changed = Project.copy(project.folder, tmp_path / "changed")
    changed.set({"train.epochs": 3})
    done = changed.run("autoencoders", "release", "--out", "new", check=False)
    assert done.returncode == 1
    assert re.search(r"error: not up to date: .*train@ae-jigsaw", done.stdout)
    assert not changed.path("new").exists()


def test_a_model_is_loaded_by_the_address_that_a_release_prints(project, server):
    url, asked = server
    address = re.search(r'load_model\("(.+)"\)', project.path("said").read_text())[1].replace(
        "https://SERVER", url
    )
    name = re.search(r"/([^/]+)\.zip#", address)[1]
    images = np.random.default_rng(0).integers(0, 255, (5, 1, 28, 28), np.uint8)
    expected = load_model(project.path(f"models/{name}")).reconstruct(images)
    for _ in range(2):
        assert torch.equal(load_model(address).reconstruct(images), expected)
    assert asked == [f"/{name}.zip"]  # the second time it is in the cache


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("", "expected URL#sha256=HASH"),
        ("#sha256=abc", "expected URL#sha256=HASH"),
        ("#sha256=" + 64 * "0", "does not match the known hash"),
    ],
)
def test_an_address_without_the_right_hash_is_refused(server, cache, ending, words):
    with pytest.raises(UserError, match=words):
        load_model(f"{server[0]}/ae-jigsaw.zip{ending}")
    assert [path for path in cache.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["nothing.zip", "results.zip", "SHA256SUMS"])
def test_what_is_no_model_is_refused_and_leaves_nothing(project, server, cache, name):
    path = project.path(f"release/{name}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else 64 * "0"
    with pytest.raises(UserError, match=f"{name}: not to be had as a model"):
        load_model(f"{server[0]}/{name}#sha256={digest}")
    assert [path for path in cache.rglob("*") if path.is_dir() and len(path.name) == 64] == []


def test_a_command_takes_an_address(project, server):
    address = f"{server[0]}/ae-jigsaw.zip#sha256={sums(project)['ae-jigsaw.zip']}"
    done = project.run(
        "autoencoders", "reconstruct", address, "plots/samples.png", "--out", "of-url"
    )
    assert "of-url" in done.stdout
    assert project.path("of-url/overview.png").is_file()


def test_a_clone_without_models_tells_how_to_get_them(project, tmp_path):
    project.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = Project.existing(tmp_path / "clone")
    done = clone.run("autoencoders", "export", "models/ae-jigsaw", "--out", "onnx", check=False)
    assert done.returncode == 1
    assert "models/ae-jigsaw: no such model" in done.stdout
    assert "`dvc repro` trains" in done.stdout
    assert "`dvc pull` gets" in done.stdout


def test_a_stranger_pulls_from_a_web_server(project, tmp_path):
    """What was pushed into a folder is served by any web server, for all to read."""
    project.run("dvc", "remote", "add", "--local", "folder", str(tmp_path / "www"))
    project.run("dvc", "push", "--quiet", "--remote", "folder")
    project.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    stranger = Project.existing(tmp_path / "clone")
    with http_server(tmp_path / "www") as (port, _):
        url = f"http://127.0.0.1:{port}"
        stranger.run("dvc", "remote", "add", "--local", "--default", "public", url)
        stranger.run("dvc", "pull", "--quiet")
        assert stranger.repro() == []
        refused = stranger.run("dvc", "push", "--remote", "public", check=False)
    weights = "models/vae-jigsaw/weights.safetensors"
    assert stranger.path(weights).read_bytes() == project.path(weights).read_bytes()
    assert "Everything is up to date" in refused.stdout or refused.returncode
