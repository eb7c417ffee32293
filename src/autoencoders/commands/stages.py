"""What depends on which models and corruptions params.yaml has, beside the stages themselves."""

import re
from pathlib import Path

from autoencoders.experiment import items_of
from autoencoders.params import Params, read_params
from autoencoders.runner.fan_ins import PIPELINE, named

LOCK = Path("dvc.lock")


def stages() -> None:
    """Name the files of each item in dvc.yaml, and remove the metrics of items that are no more.

    Those are in Git, which keeps them in its history.

    Raises:
        UserError: params.yaml is not valid.
    """
    params = read_params()
    pipeline = PIPELINE.read_text(encoding="utf-8")
    fitting = named(pipeline, params)
    if fitting != pipeline:
        PIPELINE.write_text(fitting, encoding="utf-8", newline="\n")
        print(f"{PIPELINE}: names the models and corruptions of params.yaml now")
    for path in _stale_metrics(params):
        path.unlink()
        print(f"{path}: removed, as params.yaml has no such item")


def _stale_metrics(params: Params) -> list[Path]:
    """The metrics that the pipeline has written, by dvc.lock, of what is not in params.yaml."""
    lock = LOCK.read_text(encoding="utf-8") if LOCK.exists() else ""
    items = {f"{model}-{corruption}" for model, corruption in items_of(params)}
    written = re.findall(r"^  evaluate@([\w-]+):$", lock, flags=re.MULTILINE)
    paths = [Path(f"metrics/{item}.json") for item in written if item not in items]
    return [path for path in paths if path.is_file()]
