"""What data/code says of a stage: what changes it, and what does not."""

import ast
import os
import shutil
import subprocess
import sys
from functools import cache
from inspect import isfunction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoencoders import params
from autoencoders.params import read_params
from autoencoders.runner import code
from autoencoders.runner.code import essence, manifest
from autoencoders.settings import Settings
from stages.code import facts, scripts
from tests.project import ROOT

STAGES = {path.stem for path in (ROOT / "stages").glob("[!_]*.py")}
ITEMS = {"train", "embed", "plot_latent", "generate", "evaluate"}
ALL = STAGES - {"code"}

SAME = {
    "a comment": "x = 1  # one\n",
    "a line of its own": "# one\nx = 1\n\n\n",
    "a docstring": '"""Words."""\nx = 1\n',
    "a docstring of many lines": '"""Words.\n\n# more: é\n"""\nx = 1\n',
    "other line endings": "x = 1\r\n",
}


@pytest.mark.parametrize("source", SAME.values(), ids=SAME)
def test_what_has_no_effect_does_not_count(source: str):
    assert essence(source) == "x = 1"


def test_the_words_of_errors_do_not_count_but_their_kinds_do():
    source = """
def f(x):
    if x:
        raise ValueError(f"no {x!r}, é" "more")
    raise KeyError from None
"""
    other = source.replace("no {x!r}, é", "not {x}").replace(' "more"', "")
    assert essence(source).replace(" ", "") == essence(other).replace(" ", "")
    assert essence(source) != essence(source.replace("ValueError", "TypeError"))


@pytest.mark.parametrize(
    "source", ["x = 2", "x = '1'", "x = 1\ny = 1", "if 1:\n    x = 1", "x = f'{1}'", "x = '#'"]
)
def test_what_has_an_effect_counts(source: str):
    assert essence(source) == source
    assert essence(source) != "x = 1"


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_text_is_kept_where_it_is_used_and_dropped_where_it_is_not(first: str, second: str):
    assert (essence(f"x = {first!r}") == essence(f"x = {second!r}")) == (first == second)
    assert essence(f"{first!r}\nx = 1") == essence(f"{second!r}\nx = 1")


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A copy of the code, in the current folder."""
    for name in ("src", "stages"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def manifests() -> dict[str, str]:
    for cached in (code._digest, code._imports, code._imported_files):
        cached.cache_clear()
    requirements = Path("requirements.txt").read_text()
    params = read_params(ROOT / "params.yaml")
    return {
        name: manifest(path, requirements, parts, facts(path, params))
        for name, path, parts in scripts(params)
    }


def of(*stages: str, model: str = "", corruption: str = "") -> set[str]:
    """The files of stages for those items that are of a model or a corruption, or for all."""
    items = [f"{m}-{c}" for m in ("ae", "vae") for c in ("none", "rotate", "jigsaw")]
    chosen = [i for i in items if i.startswith(model) and i.endswith(corruption)]
    return {f"{stage}/{item}" for stage in stages for item in chosen}


EDITS = {
    "an error's words": ("corruptions/kinds/jigsaw.py", "grid is {grid}, ", "is {grid}", set()),
    "a docstring": ("training/loop.py", "The training loop", "A loop", set()),
    "how a stage starts": ("runner/process.py", "0.5", "0.25", set()),
    "a command": ("commands/export.py", "CHECKED = 16", "CHECKED = 8", set()),
    "a check of params": ("params.py", "le=100_000", "le=90_000", set()),
    "a figure": ("figures/scatter.py", "20_000 / len", "10_000 / len", {"plot_latent"}),
    "a measure": (
        "measures/ratio.py",
        "part / whole",
        "whole / part",
        of("evaluate") | {"baselines"},
    ),
    "a data set": ("data/sets/digits.py", "255 / 16", "254 / 16", {"data-digits"}),
    "a corruption": (
        "corruptions/kinds/jigsaw.py",
        "LAYERS = 128, 4, 2",
        "LAYERS = 128, 4, 1",
        of("train", "embed", "generate", corruption="jigsaw")
        | of("evaluate")
        | {"preprocess_corruptions", "report"},
    ),
    "a flavour": (
        "models/flavours/vae.py",
        'parts["reconstruction"] +',
        'parts["reconstruction"] -',
        of("train", "embed", "generate", "evaluate", model="vae-") | {"report"},
    ),
    "a network that no model has": ("nets/networks/mlp.py", "layers[:-1]", "layers", set()),
    "what all flavours have in common": (
        "models/base.py",
        "torch.sigmoid(self",
        "torch.tanh(self",
        of("train", "embed", "generate", "evaluate") | {"report"},
    ),
    "the optimiser's schedule": (
        "training/schedule.py",
        "0.5 * (1",
        "0.4 * (1",
        of("train") | {"train_classifier"},
    ),
    "the report's page": ("report/page/style.css", "--text:", "--ink:", {"report"}),
    "the training loop": ("training/loop.py", "self.model.train()", "self.model", of("train")),
}


@pytest.mark.parametrize(("name", "old", "new", "expected"), EDITS.values(), ids=EDITS)
def test_an_edit_changes_what_runs_it_and_nothing_else(project, name, old, new, expected):
    before = manifests()
    path = project / "src/autoencoders" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    after = manifests()
    assert {stage for stage in before if before[stage] != after[stage]} == expected


@pytest.mark.parametrize(
    ("library", "expected"),
    [
        ("matplotlib", {"preprocess", "plot_latent", "report"} | of("generate")),
        ("torchvision", {f"data-{name}" for name in ("fashion_mnist", "mnist", "kmnist", "svhn")}),
        ("tqdm", set()),
        ("pytest", set()),
    ],
)
def test_another_version_of_a_library_changes_what_imports_it(project, library, expected):
    before = manifests()
    path = project / "requirements.txt"
    path.write_text(path.read_text().replace(f"{library}==", f"{library}==0."))
    after = manifests()
    assert {stage for stage in before if before[stage] != after[stage]} == expected


def test_the_files_of_a_closure_are_those_that_python_imports():
    """What Python has loaded of this project after importing a stage is in its closure.

    But for what a stage's start loads to check params, which decides no result.
    """
    to_start = _loaded_by("autoencoders.runner.stage")
    for stage in ALL:
        loaded = _loaded_by(f"stages.{stage}") - to_start
        counted = {p for p in loaded if not p.as_posix().startswith(code.WITHOUT_EFFECT)}
        effective = {path for path in counted if essence((ROOT / path).read_text())}
        assert effective <= _closure_of(stage), stage


def _loaded_by(module: str) -> set[Path]:
    """The project's files that Python has loaded after importing the module."""
    program = (
        f"import {module}, sys, pathlib; root = pathlib.Path.cwd();"
        "files = [pathlib.Path(m.__file__) for m in list(sys.modules.values())"
        " if getattr(m, '__file__', None)];"
        "print(*[f.relative_to(root).as_posix() for f in files"
        " if f.is_relative_to(root / 'src') or f.is_relative_to(root / 'stages')])"
    )
    environment = os.environ | {"PYTHONPATH": "src"}
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return {Path(name) for name in result.stdout.split()}


@cache
def _closure_of(stage: str) -> set[Path]:
    program = (
        "from autoencoders.runner.code import closure; from pathlib import Path;"
        f"print(*[p.as_posix() for p in closure(Path('stages/{stage}.py'))])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {Path(name) for name in result.stdout.split()}


def test_stages_take_nothing_that_decides_results_from_what_does_not_count():
    """Whatever else they import from there would change results without running a stage again."""
    harmless = {
        "autoencoders.errors": {"UserError", "left_out"},
        "autoencoders.params": {"Corruption", "Model", "Params"},
        "autoencoders.runner.process": {"project_root"},
        "autoencoders.runner.stage": {"run_stage"},
    }
    for stage in ALL:
        for path in _closure_of(stage):
            if path.suffix == ".py":
                taken = _taken_of_what_does_not_count(ROOT / path)
                extra = {
                    module: names - harmless.get(module, set()) for module, names in taken.items()
                }
                assert not any(extra.values()), (stage, path, extra)


def _taken_of_what_does_not_count(path: Path) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names = {"the module itself"}
        if isinstance(node, ast.ImportFrom) and node.module:
            modules, names = [node.module], {alias.name for alias in node.names}
        for module in modules:
            file = f"src/{module.replace('.', '/')}"
            if f"{file}.py".startswith(code.WITHOUT_EFFECT):
                found.setdefault(module, set()).update(names)
    return found


def test_params_decide_nothing_but_whether_they_are_valid():
    """Its code does not count, so that it has no methods but pydantic's and checks."""
    classes = [c for c in vars(params).values() if isinstance(c, type) and issubclass(c, Settings)]
    assert params.Params in classes
    for owner in classes:
        methods = {name for name, value in vars(owner).items() if isfunction(value)}
        assert not {name for name in methods if not name.startswith("_")}, owner
