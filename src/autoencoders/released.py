"""Where a trained model is: a folder that a training has left, or an archive of a release."""

import logging
import re
import shutil
import sys
import zipfile
from pathlib import Path

from autoencoders.data.fetch import TIMEOUT_SECONDS
from autoencoders.errors import UserError
from autoencoders.io.files import whole_folder

MODEL_FILES = ("config.json", "weights.safetensors")
ARCHIVE = re.compile(r"https?://.+#sha256=(?P<hash>[0-9a-f]{64})")
CACHE = "autoencoders"


def model_folder(where: str | Path) -> Path:
    """The folder that holds config.json and weights.safetensors of a model.

    Args:
        where: such a folder; or URL#sha256=HASH of an archive that `autoencoders release` wrote.
            It is downloaded once, to the user's cache, and only if it has that hash.

    Raises:
        UserError: there is no such folder, or the archive cannot be had, has another hash, or
            holds no model.
    """
    if "://" in str(where):
        return _downloaded(str(where))
    folder = Path(where)
    if not folder.is_dir():
        raise UserError(
            f"{folder}: no such model; where this project was only cloned, `dvc repro` trains its "
            "models and `dvc pull` gets them, if a remote has them (docs/how-to/share.md)"
        )
    return folder


def _downloaded(address: str) -> Path:
    match = ARCHIVE.fullmatch(address)
    if not match:
        raise UserError(f"{address}: expected URL#sha256=HASH, of 64 digits, as SHA256SUMS has it")
    # They take their time to import: not for a folder.
    import pooch

    cache = Path(pooch.os_cache(CACHE))
    folder = cache / match["hash"]
    if not folder.is_dir():
        pooch.get_logger().setLevel(logging.WARNING)
        loader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=TIMEOUT_SECONDS)
        url, known = address.split("#")[0], match["hash"]
        try:
            archive = pooch.retrieve(url, known, f"{known}.zip", cache, downloader=loader)
            _unpack(Path(archive), folder)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"{url}: not to be had as a model: {error}") from error
        Path(archive).unlink()
    return folder


def _unpack(archive: Path, folder: Path) -> None:
    """Take the two files of a model, and no others, out of an archive."""
    with zipfile.ZipFile(archive) as content, whole_folder(folder) as unfinished:
        for name in MODEL_FILES:
            with content.open(name) as packed, (unfinished / name).open("wb") as file:
                shutil.copyfileobj(packed, file)
