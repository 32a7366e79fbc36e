"""`audioft.doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from audioft.core.places import PathLike

if TYPE_CHECKING:
    from audioft.tasks.doctor.diagnosis import Finding

__all__ = ["doctor"]


def doctor(online: bool = False, recording: PathLike | None = None) -> Iterator[Finding]:
    """What this installation is made of and whether it can work, looked at in turn; or what a recording is.

    Args:
        online: ask the hub whether it can be reached; otherwise no address is.
        recording: look at this file instead: what each layer says of its length and level, and whether it is used.

    Yields:
        What was found, which `print` shows as a line or two; a problem has a `remedy`.

    Example:
        >>> next(doctor()).name
        'audioft'
    """
    from audioft.tasks.doctor import diagnosis
    from audioft.tasks.doctor import recording as recordings

    if recording is not None:
        return recordings.examine(recording)
    return diagnosis.examine(online)
