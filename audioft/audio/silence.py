"""Whether anything is to be heard of a recording."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audioft.audio import isolated_decoder, remarks
from audioft.audio.beyond import FLAT
from audioft.audio.hearing import Hearing


def changes(path: str | Path, how: Hearing) -> bool:
    """Whether anything changes in what reaches the encoder of a recording, which is decoded up to there.

    Raises:
        AudioError: it cannot be decoded.
    """
    low, high = np.inf, -np.inf
    for block in isolated_decoder.stream(path, how, block_seconds=1.0):
        low, high = min(low, float(block.min())), max(high, float(block.max()))
        if high - low > FLAT:
            break
    remarks.of(path)
    return high - low > FLAT
