"""A real browser to look at pages with."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import playwright
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
NODE = Path(playwright.__file__).parent / "driver" / "node"
"""Playwright brings a Node of its own, so that tests of JavaScript need nothing else."""


def run_module(module: Path, expression: str, given: Any) -> Any:
    """What JavaScript makes of `given`, which JSON can hold, with the exports of a module as M."""
    program = (
        "import { readFileSync } from 'node:fs';"
        f"const M = await import({json.dumps(module.as_uri())});"
        "const given = JSON.parse(readFileSync(0));"
        f"console.log(JSON.stringify({expression}));"
    )
    command = [str(NODE), "--input-type=module", "--eval", program]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextmanager
def launched() -> Iterator:
    """Playwright's browser; without an installed Chromium the test is skipped."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium, as package chromium of Debian")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=options)
