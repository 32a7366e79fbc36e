"""What other libraries log, held back for a while."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def quieter(*names: str, level: int = logging.ERROR) -> Iterator[None]:
    """Loggers of these names tell nothing below a level inside; "" is the one above all.

    >>> with quieter("noisy"):
    ...     logging.getLogger("noisy").isEnabledFor(logging.WARNING)
    False
    """
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, own in zip(loggers, before, strict=True):
            logger.setLevel(own)
