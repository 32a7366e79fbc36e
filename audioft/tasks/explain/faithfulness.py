"""The check that every explanation comes with: what is left of the answer without the strongest cells."""

from __future__ import annotations

import numpy as np
import torch

from audioft.core.runtime import generator
from audioft.tasks.explain.evidence import LEAST
from audioft.tasks.explain.logodds import LogOdds
from audioft.tasks.explain.stft import Spectrum

STRONGEST = 0.2  # of the cells
DRAWS = 4  # of as many cells, for comparison
PASSES = 1 + DRAWS


def left(
    spectrum: Spectrum, log_odds: LogOdds, values: np.ndarray, whole: float, background: float
) -> tuple[float, float]:
    """How much of the way from the background to the sound is left: without the strongest fifth of the cells, and
    without as many drawn at random (the mean of four draws, the same each time).

    Args:
        values: evidence `(T, B)` of all cells, or `(T, 1)` of moments.

    Returns:
        Shares of `whole - background`; nan where the sound makes no difference.
    """
    if abs(whole - background) < LEAST:
        return float("nan"), float("nan")
    moments, bands = spectrum.cells.shape
    cells = np.broadcast_to(values / (bands // values.shape[1]), (moments, bands)).ravel()
    count = max(1, round(STRONGEST * cells.size))
    drawn = [generator("explain", "draw", cells.size, i).permutation(cells.size)[:count] for i in range(DRAWS)]
    masks = np.ones((PASSES, cells.size), np.float32)
    for row, gone in zip(masks, [np.argsort(-cells, kind="stable")[:count], *drawn], strict=True):
        row[gone] = 0
    kept = torch.from_numpy(masks.reshape(-1, moments, bands)).to(spectrum.samples.device)
    found = (log_odds.several(spectrum.kept(kept)).cpu().numpy() - background) / (whole - background)
    return float(found[0]), float(found[1:].mean())
