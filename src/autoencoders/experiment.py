"""What stages derive from params.yaml: unlike the checks in params.py, this decides results."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autoencoders.data import registry

if TYPE_CHECKING:
    from autoencoders.params import Corruption, Params


def items_of(params: "Params") -> list[tuple[str, str]]:
    """Every (model, corruption), in the order of params.yaml."""
    return [(model, corruption) for model in params.models for corruption in params.corruptions]


def blends_of(params: "Params") -> Sequence[Sequence[str]]:
    """The sets of classes to blend: those that are named, or the data set's own."""
    return registry.blends_of(params.data.name, params.generate.blends)


def described(
    corruption: "Corruption | Sequence[Corruption]",
) -> dict[str, Any] | list[dict[str, Any]]:
    """A corruption as params.yaml describes it, in plain values."""
    if isinstance(corruption, Sequence):
        return [part.model_dump() for part in corruption]
    return corruption.model_dump()
