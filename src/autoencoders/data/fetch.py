"""Files from mirrors, verified."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from autoencoders.errors import UserError

TIMEOUT_SECONDS = 30


def fetch_verified(
    dataset: str, file: str, md5: str, official: Sequence[str], mirror: str | None, folder: Path
) -> None:
    """Take `file` from the first source whose bytes have the checksum `md5`.

    The sources are `mirror` (a folder or a URL that holds the files in a folder named like the data
    set with - for _, or directly) and then the official URLs.

    Raises:
        UserError: with a line for each source and why it failed.
    """
    from pooch import file_hash

    sources = [source.rstrip("/") for source in official]
    if mirror:
        own = mirror.rstrip("/")
        sources = [f"{own}/{dataset.replace('_', '-')}", own, *sources]
    failures = []
    for source in sources:
        target = folder / file
        try:
            _copy_or_download(source, file, target)
        except OSError as error:
            failures.append(f"{source}/{file}: {error}")
            continue
        found = file_hash(target, alg="md5")
        if found == md5:
            return
        size = target.stat().st_size
        failures.append(f"{source}/{file}: MD5 {found} of {size} bytes, expected {md5}")
        target.unlink()
    tried = "".join(f"\n  {failure}" for failure in failures)
    raise UserError(
        f"{dataset}: no source served {file}; tried{tried}\n"
        "Set DATA_MIRROR to a folder or a URL that holds the official files, "
        "or set data.name to digits, which needs no network."
    )


def _copy_or_download(source: str, file: str, target: Path) -> None:
    """Bring source/file to `target`; every failure is an OSError (requests' errors are)."""
    if "://" not in source:
        shutil.copyfile(Path(source) / file, target)
        return
    from pooch import HTTPDownloader

    download = HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=TIMEOUT_SECONDS)
    download(f"{source}/{file}", target, None)
