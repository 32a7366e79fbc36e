"""A page in a real browser, for tests that need one: Debian's Chromium, driven by playwright."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSER = next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)
#: A microphone that beeps, and nobody who has to allow it.
FAKE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--no-sandbox")


@contextlib.contextmanager
def opened(page: Path, **how: Any) -> Iterator[Any]:
    """A page from the disk, as playwright has it; what it asks the network for is in its list `asked`.

    Args:
        page: the file.
        how: of `new_page`, as `viewport` and `color_scheme`.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if BROWSER is None:
        pytest.skip("no chromium here")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which(BROWSER), args=list(FAKE))
        shown = browser.new_page(**how)
        shown.asked = []
        shown.failures = []
        shown.on("request", lambda r: shown.asked.append(r.url) if not r.url.startswith(("file:", "blob:")) else None)
        shown.on("pageerror", lambda e: shown.failures.append(str(e)))
        shown.goto(page.as_uri())
        yield shown
        browser.close()


def until(shown: Any, held: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something holds; fails after so many seconds."""
    end = time.monotonic() + seconds
    while not held():
        assert time.monotonic() < end, shown.inner_text("body")[-2000:]
        shown.wait_for_timeout(50)
