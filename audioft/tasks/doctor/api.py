"""`audioft.doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audioft.tasks.doctor.diagnosis import Finding

__all__ = ["doctor"]


def doctor(online: bool = False) -> Iterator[Finding]:
    """What this installation is made of and whether it can work, looked at in turn.

    Args:
        online: ask the hub whether it can be reached; otherwise no address is.

    Yields:
        What was found, which `print` shows as a line or two; a problem has a `remedy`.

    Example:
        >>> next(doctor()).name
        'audioft'
    """
    from audioft.tasks.doctor import diagnosis

    return diagnosis.examine(online)
