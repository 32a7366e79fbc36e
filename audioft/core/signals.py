"""Who answers Ctrl-C and SIGTERM, and for how long."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def answered(by: Callable[[int, FrameType | None], None], *numbers: int) -> Iterator[None]:
    """Inside, `by` is called at these signals; afterwards whoever was before.

    Only the main thread of a process can answer; in others nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, by) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
