"""A real browser to look at pages with."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def launched() -> Iterator:
    """Playwright's browser; without an installed Chromium the test is skipped."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium, as package chromium of Debian")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=options)
