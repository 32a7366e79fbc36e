"""What is left of an answer without its strongest cells, which checks every explanation, and without its silence."""

from __future__ import annotations

import numpy as np
import torch

from audioft.core.runtime import generator
from audioft.tasks.explain.evidence import LEAST
from audioft.tasks.explain.logodds import LogOdds
from audioft.tasks.explain.stft import Spectrum

STRONGEST = 0.2  # of the cells
DRAWS = 4  # of as many cells, for comparison
PASSES = 1 + DRAWS + 1  # at most
SILENT_DB = 40.0  # below the loudest moment, what is as quiet is silence


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
    masks = np.ones((1 + DRAWS, cells.size), np.float32)
    for row, gone in zip(masks, [np.argsort(-cells, kind="stable")[:count], *drawn], strict=True):
        row[gone] = 0
    kept = torch.from_numpy(masks.reshape(-1, moments, bands)).to(spectrum.samples.device)
    found = (log_odds.several(spectrum.kept(kept)).cpu().numpy() - background) / (whole - background)
    return float(found[0]), float(found[1:].mean())


def quiet(spectrum: Spectrum) -> np.ndarray:
    """`(T,)` bool: moments whose energy lies far below the loudest one's."""
    energy = spectrum.energy.sum(1).cpu().numpy()
    return energy <= energy.max() * 10 ** (-SILENT_DB / 10)


def in_silence(spectrum: Spectrum, log_odds: LogOdds, silent: np.ndarray, whole: float, background: float) -> float:
    """How much of what speaks for a label is lost where all silent moments are replaced by the background, 0 to 1.

    The sum of the moments' evidence would not tell: heard alone before the background, even a pause is an event.

    Args:
        silent: `(T,)` bool, as of `quiet`.

    Returns:
        A share of the way to `whole` from `background`, or from 0 where the background speaks for the label, too.
    """
    if not silent.any():
        return 0.0
    kept = torch.ones(1, *spectrum.cells.shape)
    kept[0, torch.from_numpy(silent)] = 0
    without = float(log_odds.several(spectrum.kept(kept.to(spectrum.samples.device)))[0])
    return float(np.clip((whole - without) / max(whole - min(background, 0.0), LEAST), 0, 1))
