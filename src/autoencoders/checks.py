"""Whether the parts that params.yaml names take the settings that it gives them.

This imports the parts, and with them torch. Stages which do without leave it to `code`, the first
stage to run after a change of them, and to those that build the parts.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from autoencoders.data.registry import OWN, published
from autoencoders.errors import UserError
from autoencoders.experiment import described
from autoencoders.params import (
    PARAMS_FILE,
    Corruption,
    Data,
    Params,
    Part,
)
from autoencoders.parts import find
from autoencoders.problems import problems_of, refusal


def check_parts(params: Params, path: Path = PARAMS_FILE) -> None:
    """Hold the settings of models, networks, corruptions and optimisers to what these say.

    Raises:
        UserError: with a line for each key that is wrong, of the file that they were read from.
    """
    problems: list[str] = []
    for name, corruption in params.corruptions.items():
        parts = {"": corruption} if isinstance(corruption, Corruption) else _numbered(corruption)
        for place, part in parts.items():
            kind = find("corruption", part.kind)
            problems += _own_problems(kind.Settings, part, f"corruptions.{name}{place}")
    for name, model in params.models.items():
        key = f"models.{name}"
        problems += _own_problems(find("model", model.kind).Settings, model, key)
        problems += _own_problems(
            find("network", model.network.kind), model.network, f"{key}.network"
        )
    optimizer = params.train.optimizer
    problems += _own_problems(find("optimizer", optimizer.kind), optimizer, "train.optimizer")
    problems = problems or list(_misfits(params))
    if problems:
        raise refusal(path, problems)


def _numbered(parts: Sequence[Corruption]) -> dict[str, Corruption]:
    return {f".{place}": part for place, part in enumerate(parts)}


def _own_problems(wanted: type[BaseModel], part: Part, key: str) -> list[str]:
    try:
        wanted.model_validate(part.model_extra)
    except ValidationError as error:
        return problems_of(error, key)
    return []


def _image_shape(data: Data) -> tuple[int, ...]:
    """(C, H, W) of the images; own ones, whose channels nobody knows yet, may be in colour."""
    return (3, data.size, data.size) if data.name == OWN else published(data.name).image_shape


def _misfits(params: Params) -> Iterator[str]:
    """What is in its range, and yet does not fit the images, or another setting."""
    from autoencoders.corruptions.registry import build_corruption
    from autoencoders.models.registry import check_model

    shape = _image_shape(params.data)
    _, height, width = shape
    for name, corruption in params.corruptions.items():
        try:
            build_corruption(described(corruption), height, width)
        except UserError as error:
            yield f"corruptions.{name}: {error}, of {params.data.name}"
    for name, model in params.models.items():
        try:
            check_model(shape, model.model_dump())
        except UserError as error:
            yield f"models.{name}: {error}"
