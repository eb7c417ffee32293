"""dvc.yaml lists the code that each stage really imports; the package's imports have no cycle."""

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml

from tests.project import ROOT

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
PACKAGE = ROOT / "src" / "autoencoders"
# It validates params.yaml and supplies no value, so it can't change a result: see its docstring.
PARAMS = PACKAGE / "params.py"


@cache
def imports(module: Path) -> frozenset[Path]:
    """The project's own files that `module` imports, at its top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            found |= files_of(name)
    return frozenset(found - {module})


def files_of(name: str) -> set[Path]:
    """The module of that dotted name and the packages it lies in."""
    found = set()
    base = ROOT if name.split(".")[0] == "stages" else ROOT / "src"
    for depth in range(1, name.count(".") + 2):
        place = base.joinpath(*name.split(".")[:depth])
        found.update((place / "__init__.py", place.with_suffix(".py")))
    return {path for path in found if path.is_file()}


def closure(start: Path) -> set[Path]:
    reached, waiting = {start, ROOT / "stages/__init__.py"}, [start]
    while waiting:
        for module in imports(waiting.pop()) - {PARAMS}:
            if module not in reached:
                reached.add(module)
                waiting.append(module)
    return reached


def script_of(stage: dict) -> Path:
    return ROOT / (stage["cmd"].split()[2].replace(".", "/") + ".py")


def expand(dependency: str) -> set[Path]:
    path = ROOT / dependency
    return set(path.rglob("*.py")) if path.is_dir() else {path}


def holds_code(path: Path) -> bool:
    """Whether a module does more than to document itself."""
    body = ast.parse(path.read_text()).body
    return not all(isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant) for n in body)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_the_code_it_imports_no_more_and_no_fewer(name: str):
    code = [dep for dep in STAGES[name]["deps"] if dep.startswith(("src/", "stages/"))]
    needed = {path for path in closure(script_of(STAGES[name])) if holds_code(path)}
    assert needed <= set().union(*(expand(dependency) for dependency in code))
    assert [dep for dep in code if not needed & expand(dep)] == [], "listed, but not imported"
    assert code == sorted(code, key=lambda path: (not path.startswith("stages"), path))


def test_each_script_is_a_stage_and_each_stage_a_script():
    scripts = {path for path in (ROOT / "stages").glob("*.py") if path.name != "__init__.py"}
    assert {script_of(stage) for stage in STAGES.values()} == scripts
    assert all(name.replace("-", "_") == script_of(s).stem for name, s in STAGES.items())


def test_imports_have_no_cycle():
    modules = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    graph = {module: imports(module) & set(modules) for module in modules}
    order = list(TopologicalSorter(graph).static_order())
    assert len(order) == len(modules)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.name)
def test_modules_stay_short(path: Path):
    assert len(path.read_text().splitlines()) <= 260


def test_torch_and_torchvision_are_imported_only_where_they_are_used():
    light = {"download", "preprocess", "plot-training", "plot-latent", "plot-stress", "summarize"}
    light |= {"evaluate-latent", "evaluate-pca", "evaluate-pixels", "fit-mixture"}
    for name, stage in STAGES.items():
        text = "".join(path.read_text() for path in closure(script_of(stage)))
        assert ("import torch\n" in text) == (name not in light), name


def test_code_and_locks_name_no_machine():
    for path in [ROOT / "dvc.yaml", ROOT / "params.yaml", ROOT / "dvc.lock", ROOT / "README.md"]:
        if path.exists():
            assert not [word for word in ("/home/", "/root/", "/tmp/") if word in path.read_text()]
