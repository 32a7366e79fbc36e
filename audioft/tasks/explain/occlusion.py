"""Occlusion (Zeiler and Fergus 2014): what an answer loses without a part of the sound, and gains by it alone.

Either alone misleads: of a call that is heard twice neither is missed, and of a sound known by two bands neither
is enough. The mean of both is the first and the last term of the part's Shapley value (Shapley 1953).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from audioft.tasks.explain.evidence import Evidence
from audioft.tasks.explain.logodds import LogOdds
from audioft.tasks.explain.stft import Spectrum

APART = 0.5  # of what blocks say beyond moments and bands is taken: they are few, and what they say is rough
BLOCKS = 4  # along time and along pitch: parts in which it shows which bands count at which moment


def passes(shape: tuple[int, int]) -> int:
    """How many sounds go through the model for cells `(T, B)`.

    >>> passes((12, 8)), passes((1, 8))
    (74, 28)
    """
    return 2 + 2 * len(parts(shape))


def parts(shape: tuple[int, int]) -> Tensor:
    """`(P, T, B)` of 0 and 1: every moment, then every band, then every block; a part that is all is left out."""
    moments, bands = shape
    found = [np.eye(moments)[:, :, None].repeat(bands, 2)] if moments > 1 else []
    found += [np.eye(bands)[:, None, :].repeat(moments, 1)]
    found += [blocks(shape)] if moments > 1 else []
    return torch.from_numpy(np.concatenate(found)).float()


def blocks(shape: tuple[int, int]) -> np.ndarray:
    """`(G, T, B)` of 0 and 1: cells that lie together, in each of which several moments and bands are one."""
    over_time, over_bands = (_grouped(count) for count in shape)
    return np.einsum("it,jb->ijtb", over_time, over_bands).reshape(-1, *shape)


def occlusion(spectrum: Spectrum, log_odds: LogOdds) -> Evidence:
    """Evidence that adds up to what the sound changes against its background."""
    shape = moments, bands = spectrum.cells.shape
    masks = parts(shape).to(spectrum.samples.device)
    whole, background = log_odds.several(torch.stack([spectrum.samples, spectrum.sound(spectrum.background)])).tolist()
    without, alone = (_values(spectrum, log_odds, m) for m in (1 - masks, masks))
    found = ((whole - without) + (alone - background)) / 2
    total = whole - background
    rows, found = (found[:moments], found[moments:]) if moments > 1 else (np.array([total]), found)
    columns, pieces = found[:bands], found[bands:]
    return Evidence(joined(rows, columns, pieces, total), whole, background, passes(shape))


def joined(rows: np.ndarray, columns: np.ndarray, pieces: np.ndarray, total: float) -> np.ndarray:
    """Cells whose sums are those of moments, of bands and, but for these, of blocks.

    Args:
        rows: `(T,)` of each moment. What they miss of `total` is shared by all; so of the bands.
        columns: `(B,)` of each band.
        pieces: `(G,)` of each block; or none.
        total: what all cells sum to.

    Returns:
        `(T, B)`.
    """
    shape = len(rows), len(columns)
    rows, columns = (own + (total - own.sum()) / len(own) for own in (rows, columns))
    cells = rows[:, None] / shape[1] + columns[None] / shape[0] - total / (shape[0] * shape[1])
    if len(pieces):
        own = blocks(shape)
        grid = pieces.reshape(min(BLOCKS, shape[0]), min(BLOCKS, shape[1]))
        apart = grid - grid.mean(0) - grid.mean(1)[:, None] + grid.mean()  # beyond what moments and bands say
        cells = cells + APART * np.einsum("g,gtb->tb", apart.ravel() / own.sum((1, 2)), own)
    return cells


def _values(spectrum: Spectrum, log_odds: LogOdds, kept: Tensor) -> np.ndarray:
    """Log-odds `(P,)`; as many sounds are made at once as go through together."""
    size = log_odds.at_once(len(spectrum.samples))
    with torch.no_grad():
        return np.concatenate([log_odds.several(spectrum.kept(k)).cpu().numpy() for k in kept.split(size)])


def _grouped(count: int) -> np.ndarray:
    """`(min(BLOCKS, count), count)` of 0 and 1."""
    groups = min(BLOCKS, count)
    return (np.arange(count) * groups // count == np.arange(groups)[:, None]).astype(float)
