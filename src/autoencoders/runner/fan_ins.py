"""The stages that gather what all items have made, and the files that dvc.yaml names for them.

DVC has no list of all items of a matrix, and a folder that holds them also holds what was made of
models and corruptions that are no longer in params.yaml. So dvc.yaml names each file. A comment
like "# each item: metrics/{model}-{corruption}.json" says which, and this writes them below it. Its
last section, the artifacts, is written as a whole: DVC has no matrix of these.
"""

import re
from pathlib import Path

from autoencoders.errors import UserError
from autoencoders.experiment import items_of
from autoencoders.params import Params

PIPELINE = Path("dvc.yaml")
COMMENT = re.compile(r"^( *)# each (item|model): (\S+)$")
ARTIFACTS = "\nartifacts:\n"
ARTIFACT = """\
  {name}:
    path: models/{model}-{corruption}
    type: model
    desc: >-
      ${{models.{model}.kind}} of ${{data.name}}, corruption {corruption},
      latent size ${{models.{model}.latent_dim}}
    labels: [{model}, {corruption}, "${{data.name}}"]
"""
"""DVC fills in the params; names of artifacts have hyphens where those of models may not."""


def named(pipeline: str, params: Params) -> str:
    """The text of dvc.yaml with the names that it has for these params."""
    wanted = {
        "item": [
            {"model": model, "corruption": corruption} for model, corruption in items_of(params)
        ],
        "model": [{"model": model} for model in params.models],
    }
    lines, stale = [], None
    for line in pipeline.splitlines():
        if stale and stale.fullmatch(line):
            continue
        lines.append(line)
        comment = COMMENT.match(line)
        stale = None
        if comment:
            indent, axis, template = comment.groups()
            any_name = re.sub(r"\\\{\w+\\\}", r"\\w+", re.escape(template))
            stale = re.compile(f"{indent}- {any_name}")
            lines += [f"{indent}- {template.format(**names)}" for names in wanted[axis]]
    stages, _, _ = "\n".join([*lines, ""]).partition(ARTIFACTS)
    return stages + ARTIFACTS + "".join(_artifact(*item) for item in items_of(params))


def _artifact(model: str, corruption: str) -> str:
    name = f"{model}-{corruption}".replace("_", "-")
    return ARTIFACT.format(name=name, model=model, corruption=corruption)


def check_named(params: Params) -> None:
    """Hold dvc.yaml to params.yaml.

    Raises:
        UserError: dvc.yaml names other items than there are.
    """
    if PIPELINE.exists():
        pipeline = PIPELINE.read_text(encoding="utf-8")
        if named(pipeline, params) != pipeline:
            raise UserError(
                "dvc.yaml names other models and corruptions than params.yaml; give: make stages"
            )
