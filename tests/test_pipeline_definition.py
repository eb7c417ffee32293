"""dvc.yaml and the package: what depends on what, and that arrows go one way."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from autoencoders.params import read_params
from autoencoders.runner.fan_ins import named
from stages.code import OF_ITEMS
from tests.graph import graph
from tests.project import ROOT, environment

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
PACKAGE = ROOT / "src" / "autoencoders"
ROOMS = ["errors", "settings", "parts", "io", "problems", "nets", "data", "corruptions", "models"]
ROOMS += ["sampling", "figures", "training", "measures", "report", "released", "trained"]
ROOMS += ["params", "experiment", "checks", "runner", "commands", "__main__"]
"""From the bottom to the top: each may import what stands before it."""


def imports(module: Path) -> set[Path]:
    """The package's own modules that a module imports, at its top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        paths = [(ROOT / "src").joinpath(*name.split(".")).with_suffix(".py") for name in names]
        found |= {path for path in paths if path.is_file()}
    return found - {module}


def script_of(stage: dict) -> Path:
    return ROOT / (stage["cmd"].split()[2].replace(".", "/") + ".py")


def test_each_script_is_a_stage_that_depends_on_its_own_code():
    scripts = {path for path in (ROOT / "stages").glob("*.py") if path.name != "__init__.py"}
    assert {script_of(stage) for stage in STAGES.values()} == scripts
    for name, stage in STAGES.items():
        stem = script_of(stage).stem
        assert name.replace("-", "_") == stem
        if name != "code":
            code = [dep for dep in stage["deps"] if dep.startswith("data/code/")]
            own = "/${item.model}-${item.corruption}" if stem in OF_ITEMS else ""
            assert code[0] == f"data/code/{stem}{own}"
            assert not [dep for dep in stage["deps"] if dep.startswith(("src", "stages"))]


def test_dvc_yaml_names_what_is_in_params_yaml():
    text = (ROOT / "dvc.yaml").read_text()
    assert named(text, read_params(ROOT / "params.yaml")) == text
    assert text.count("# each ") >= 5


def test_artifacts_are_those_of_params_yaml():
    params = read_params(ROOT / "params.yaml")
    del params.corruptions["rotate"]
    params.models["beta_vae"] = params.models["vae"]
    found = yaml.safe_load(named((ROOT / "dvc.yaml").read_text(), params))["artifacts"]
    models = ("ae", "vae", "beta_vae")
    assert {one["path"] for one in found.values()} == {
        f"models/{model}-{corruption}" for model in models for corruption in ("none", "jigsaw")
    }
    assert "beta-vae-none" in found, "which may have no underscores"


def test_artifacts_say_which_data_they_are_of(monkeypatch, tmp_path):
    for name in ("dvc.yaml", "params.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text().replace("fashion_mnist", "digits"))
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").write_text("[core]\n    no_scm = true\n")
    with Repo(str(tmp_path)) as repo:
        (found,) = repo.artifacts.read().values()
    assert found["vae-none"].desc == "vae of digits, corruption none, latent size 128"
    assert found["vae-none"].labels == ["vae", "none", "digits"]


def test_the_readme_shows_the_graph_of_the_pipeline():
    assert graph() in (ROOT / "README.md").read_text(encoding="utf-8"), "python -m tests.graph"


def test_arrows_go_down_only():
    modules = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    graph = {module: imports(module) & set(modules) for module in modules}
    assert len(list(TopologicalSorter(graph).static_order())) == len(modules), "no cycle"
    for module, imported in graph.items():
        room = ROOMS.index(module.relative_to(PACKAGE).with_suffix("").parts[0])
        for other in imported:
            below = ROOMS.index(other.relative_to(PACKAGE).with_suffix("").parts[0])
            assert below <= room, f"{module} imports {other}"


HEAVY = ["torchvision", "torch._dynamo", "torchmetrics", "pandas"]
UNNEEDED = {
    "code": ["torch", "sklearn", "matplotlib", *HEAVY],
    "download": ["torch", "sklearn", "matplotlib", *HEAVY],
    "preprocess": ["torch", "sklearn", *HEAVY],
    "plot_latent": ["torch", "sklearn", *HEAVY],
    "train": ["sklearn", "matplotlib", *HEAVY],
    "generate": ["sklearn", *HEAVY],
    "summary": ["torch", "sklearn", "matplotlib", *HEAVY],
    "report": ["sklearn", *HEAVY],
    "evaluate": ["matplotlib", "torchvision", "torch._dynamo", "torchmetrics"],
}


@pytest.mark.parametrize("stage", UNNEEDED)
def test_a_stage_starts_without_what_it_does_not_need(stage: str):
    program = (
        f"import sys, stages.{stage}; print(*[m for m in {UNNEEDED[stage]} if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == []


def test_code_and_locks_name_no_machine():
    for path in [ROOT / "dvc.yaml", ROOT / "params.yaml", ROOT / "dvc.lock", ROOT / "README.md"]:
        if path.exists():
            assert not [word for word in ("/home/", "/root/", "/tmp/") if word in path.read_text()]
