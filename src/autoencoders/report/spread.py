"""How far apart the same experiment with other seeds ends, as `autoencoders seeds` has measured."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autoencoders.errors import UserError
from autoencoders.io.files import read_json

SEEDS = Path("seeds/metrics.json")
"""ITEM.SPLIT.METRIC -> seed -> value; not there as long as there is one seed alone."""
FEWEST = 2


def spread(measured: Mapping[str, Mapping[str, Any]], seed: int) -> dict[str, dict[str, float]]:
    """The "lowest" and the "highest" test MSE of each item over so many "seeds".

    An item is left out unless this run's own number stands under its seed: what is there then is
    of other params, or of a machine that rounds otherwise.

    Raises:
        UserError: seeds/metrics.json does not hold such numbers.
    """
    content = read_json(SEEDS) if SEEDS.exists() else {}
    found = {}
    for item, metrics in measured.items():
        values = content.get(f"{item}.test.mse", {})
        if not isinstance(values, dict):
            raise UserError(f"{SEEDS}: expected an object of seeds under {item}.test.mse")
        own = metrics["test"]["reconstruction"]["mse"]
        if len(values) >= FEWEST and values.get(str(seed)) == own:
            lowest, highest = min(values.values()), max(values.values())
            found[item] = {"seeds": len(values), "lowest": lowest, "highest": highest}
    return found
