"""Where a program runs in a notebook: one line of progress that is drawn anew in its place."""

from __future__ import annotations

import html
import sys
import time
import warnings
from typing import Any

EVERY = 0.5  # seconds between two drawings: each is a message to the browser


def running() -> bool:
    """Whether this is the kernel of a notebook; IPython in a terminal is none."""
    ipython = sys.modules.get("IPython")  # asked only where it is there: nothing is imported for it
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return shell is not None and hasattr(shell, "kernel")


def hush() -> None:
    """tqdm, which libraries import, asks every notebook for a bar that nobody needs here."""
    warnings.filterwarnings("ignore", message="IProgress not found")


class Line:
    """One line of a cell's output; jobs that follow one another share it."""

    def __init__(self) -> None:
        self.at, self._handle = 0.0, None

    def draw(self, text: str, share: float) -> None:
        """So much of 1 is done."""
        if time.monotonic() - self.at < EVERY and share < 1:
            return
        self.at = time.monotonic()
        done = f'value="{min(1.0, max(0.0, share)):.3f}"'
        bar = f'<progress {done} max="1" style="width:14em;vertical-align:middle"></progress>'
        self._show(f"<div>{bar} <small>{html.escape(text)}</small></div>", text)

    def clear(self) -> None:
        """The job has ended; the line is empty until the next one."""
        if self._handle is not None:
            self._show("", "")
            self.at = 0.0

    def _show(self, markup: str, text: str) -> None:
        from IPython.display import display

        shown: Any = {"text/html": markup, "text/plain": text}
        if self._handle is None:
            self._handle = display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)
