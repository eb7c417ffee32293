"""Download the data set that data.name names, and verify it, into data/raw."""

import os
from pathlib import Path

from autoencoders.data.registry import OWN, published
from autoencoders.io.files import whole_folder, write_json
from autoencoders.params import Params
from autoencoders.runner.stage import run_stage


def download(params: Params) -> None:
    with whole_folder(Path("data/raw")) as folder:
        if params.data.name == OWN:
            write_json(folder / "nothing-to-download.json", {"name": OWN})
        else:
            published(params.data.name).fetch(folder, os.environ.get("DATA_MIRROR"))


if __name__ == "__main__":
    run_stage(download)
