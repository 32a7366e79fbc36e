"""Whether anything of a recording reaches an encoder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from audioft.audio import isolated_decoder, remarks, silence
from audioft.audio.beyond import Beyond, differs
from audioft.audio.hearing import Hearing
from audioft.audio.silence import RESAMPLED, Changes
from audioft.errors import AudioError


def changes(path: str | Path, how: Hearing) -> bool:
    """Whether anything changes in what reaches the encoder of a recording, which is decoded up to there.

    Raises:
        AudioError: it cannot be decoded.
    """
    low, high = np.inf, -np.inf
    for block in isolated_decoder.stream(path, how, block_seconds=1.0):
        low, high = min(low, float(block.min())), max(high, float(block.max()))
        if high - low > RESAMPLED:
            break
    remarks.of(path)
    return high - low > RESAMPLED


def said_of_beginning(path: str | Path, how: Hearing, seconds: float) -> str:
    """What is to be said where much or all of a recording's first so many seconds is not heard; else nothing."""
    try:
        info = isolated_decoder.probe(path)
        if not differs(info.rate, how):
            return ""
        samples = isolated_decoder.read(path, None, 0.0, seconds if info.seconds > seconds else None)
    except AudioError:  # which is told by whoever uses it
        return ""
    beyond = Beyond(info.rate, how)
    beyond.take(samples)
    if (
        beyond.faint
        and np.ptp(np.concatenate([*how.heard([samples], info.rate), np.zeros(1, np.float32)])) <= RESAMPLED
    ):
        return beyond.nothing()
    return beyond.told()


def sounds(blocks: Iterable[np.ndarray], rate: int, form: str | None, how: Hearing, path: str | Path) -> bool:
    """Whether there is sound in a recording that is very quiet as it is heard: what it is at its own rate decides.

    Args:
        blocks: its samples at its own rate, `(T_i,)`.
        rate: Hz.
        form: its format, see `silence.Changes`.
        how: it is heard.
        path: it; why nothing is left of it, where that is so, is kept in `remarks`.
    """
    if not differs(rate, how):
        return silence.sounds(blocks, form)
    found, beyond = Changes(form), Beyond(rate, how)
    for block in found.seen(blocks):
        beyond.take(block)
    if said := beyond.nothing():
        remarks.keep(path, said)
        return False
    return found.sound()
