"""Write, for each stage and each data set, the code that it runs, into data/code.

Each other stage depends on its own file there, so it runs again when, and only when, code that it
imports has changed: see autoencoders.runner.code. The parts that params.yaml names, such as the
flavour of a model, count for the items alone that are made of them. This is the first stage to run
after a change of them, so it holds their settings to what they say.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from autoencoders.checks import check_parts
from autoencoders.experiment import blends_of, items_of
from autoencoders.io.files import whole_folder
from autoencoders.params import Corruption, Model, Params
from autoencoders.runner.code import manifest
from autoencoders.runner.stage import run_stage

Parts = list[tuple[str, str]]

OF_ITEMS = ("train", "embed", "generate", "evaluate")
"""The stages that run once for each item and build its parts."""
TRAINING = ("train",)
OF_ALL_CORRUPTIONS = ("evaluate", "preprocess_corruptions")
OF_ALL = ("report",)
OF_THE_SET = ("generate", "evaluate", "report")
"""What blends classes: those that params.yaml names, or the data set says to be of interest."""


def code(params: Params) -> None:
    check_parts(params)
    requirements = Path("requirements.txt").read_text(encoding="utf-8")
    with whole_folder(Path("data/code")) as folder:
        for name, script, parts in scripts(params):
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            text = manifest(script, requirements, parts, facts(script, params))
            path.write_text(text, encoding="utf-8", newline="\n")


def facts(script: Path, params: Params) -> list[str]:
    """What a stage takes of the data set's file, without depending on how that is read."""
    return [f"blends: {blends_of(params)}"] if script.stem in OF_THE_SET else []


def scripts(params: Params) -> Iterator[tuple[str, Path, Parts]]:
    """The name, the script and the parts of each file to write."""
    models = {name: of_model(model) for name, model in params.models.items()}
    corruptions = {name: of_corruption(part) for name, part in params.corruptions.items()}
    stressed = list(chain(*corruptions.values()))
    for path in Path("stages").glob("[!_]*.py"):
        parts = stressed if path.stem in (*OF_ALL_CORRUPTIONS, *OF_ALL) else []
        if path.stem in OF_ALL:
            parts = [*parts, *chain(*models.values())]
        if path.stem not in OF_ITEMS:
            yield path.stem, path, parts
            continue
        if path.stem in TRAINING:
            parts = [*parts, ("optimizer", params.train.optimizer.kind)]
        for model, corruption in items_of(params):
            own = models[model] + corruptions[corruption]
            yield f"{path.stem}/{model}-{corruption}", path, parts + own
    for path in Path("src/autoencoders/data/sets").glob("[!_]*.py"):
        yield f"data-{path.stem}", path, []


def of_model(model: Model) -> Parts:
    return [("model", model.kind), ("network", model.network.kind)]


def of_corruption(corruption: Corruption | list[Corruption]) -> Parts:
    parts = [corruption] if isinstance(corruption, Corruption) else corruption
    return [("corruption", part.kind) for part in parts]


if __name__ == "__main__":
    run_stage(code)
