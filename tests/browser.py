"""A page in a real browser, for tests that need one: Debian's Chromium, driven by playwright."""

from __future__ import annotations

import atexit
import contextlib
import functools
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
    shown = _browser().new_page(**how)
    shown.asked = []
    shown.failures = []

    def ended(request: Any) -> None:
        refused = "csp" in (request.failure or "").lower()  # by the page's own policy, before anything went out
        if not refused and not request.url.startswith(("file:", "blob:", "data:")):
            shown.asked.append(f"{request.url} {request.failure or ''}")

    shown.on("requestfinished", ended)
    shown.on("requestfailed", ended)
    shown.on("pageerror", lambda e: shown.failures.append(str(e)))
    shown.goto(page.as_uri())
    yield shown
    shown.close()


@functools.cache
def _browser() -> Any:
    """The one browser of all tests: a second driver in a process is refused."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if BROWSER is None:
        pytest.skip("no chromium here")
    driver = playwright.sync_playwright().start()
    browser = driver.chromium.launch(executable_path=shutil.which(BROWSER), args=list(FAKE))
    atexit.register(driver.stop)
    atexit.register(browser.close)
    return browser


def until(shown: Any, held: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something holds; fails after so many seconds."""
    end = time.monotonic() + seconds
    while not held():
        assert time.monotonic() < end, shown.inner_text("body")[-2000:]
        shown.wait_for_timeout(50)
