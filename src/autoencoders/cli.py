"""How a stage starts: its arguments, its params, and errors in a sentence."""

import argparse
import sys
from collections.abc import Callable, Sequence

from autoencoders.errors import UserError
from autoencoders.params import Params, read_params


def run_stage(stage: Callable[..., None], *axes: str) -> None:
    """Call `stage(params, *item)`, with the names on the command line as the item.

    `axes` says which sections of params.yaml those names are keys of ("models", "corruptions").
    A UserError ends the process with its message on stderr and exit status 1.
    """
    parser = argparse.ArgumentParser(description=sys.modules[stage.__module__].__doc__)
    for axis in axes:
        parser.add_argument(axis.removesuffix("s"), help=f"a key of {axis} in params.yaml")
    item = list(vars(parser.parse_args()).values())
    try:
        params = read_params()
        _check_item(params, axes, item)
        stage(params, *item)
    except UserError as error:
        sys.exit(f"error: {error}")


def _check_item(params: Params, axes: Sequence[str], item: Sequence[str]) -> None:
    for axis, name in zip(axes, item, strict=True):
        known = getattr(params, axis)
        if name not in known:
            raise UserError(f"{name!r} is not a key of {axis} in params.yaml: {', '.join(known)}")
