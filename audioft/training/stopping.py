"""Ctrl-C and SIGTERM while a run trains: the step is ended, a checkpoint written, and only then the run left."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from audioft.core.signals import answered
from audioft.errors import Interrupted

GRACE = 15.0  # seconds after which a run that was asked to stop is left where it is
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Whether a run was asked to stop.

    Attributes:
        asked: the signal that asked; None as long as none has.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self._at_once = False
        self._late: threading.Timer | None = None

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Inside, the first signal is only noted; a second one, or `GRACE` seconds without an end, raise.

        Only the main thread of a process can listen; in others nothing changes.

        Raises:
            Interrupted: see above.
        """
        with answered(self._noted, *SIGNALS):
            try:
                yield
            finally:
                if self._late is not None:
                    self._late.cancel()

    @contextlib.contextmanager
    def at_once(self, alone: bool = True) -> Iterator[None]:
        """Inside, a signal raises immediately, as does one that was noted before: nothing would be lost.

        Of several processes, which leave together, none raises: `alone` is false.

        Raises:
            Interrupted: see above.
        """
        self._at_once = alone
        try:
            if alone and self.asked is not None:
                raise Interrupted(self.asked)
            yield
        finally:
            self._at_once = False

    def _noted(self, number: int, frame: FrameType | None) -> None:
        if self.asked is not None or self._at_once:
            self.asked = number
            raise Interrupted(number)
        self.asked = number
        self._late = threading.Timer(GRACE, os.kill, (os.getpid(), number))
        self._late.daemon = True
        self._late.start()
