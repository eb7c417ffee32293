"""Download the data set that data.name names, and verify it, into data/raw."""

import os
from pathlib import Path

from autoencoders.core.cli import run_stage
from autoencoders.core.storage import whole_folder, write_json
from autoencoders.data.registry import OWN, PUBLISHED
from autoencoders.params import Params


def download(params: Params) -> None:
    with whole_folder(Path("data/raw")) as folder:
        if params.data.name == OWN:
            write_json(folder / "nothing-to-download.json", {"name": OWN})
        else:
            PUBLISHED[params.data.name].fetch(folder, os.environ.get("DATA_MIRROR"))


if __name__ == "__main__":
    run_stage(download)
