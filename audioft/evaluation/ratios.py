"""Shares of counts, defined only where there is something to divide by; and what is not defined, as JSON has it."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np


def ratio(above: np.ndarray, below: np.ndarray, otherwise: float = np.nan) -> np.ndarray:
    """`above / below`; `otherwise` where `below` is 0."""
    return np.divide(above, below, out=np.full(np.shape(above), otherwise), where=np.asarray(below) > 0)


def mean_of_defined(values: np.ndarray) -> np.ndarray:
    """The mean over the last axis of what is not nan; nan where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of nothing but nan the mean is nan
        return np.nanmean(values, axis=-1)


def plain(value: Any) -> Any:
    """Nested values as strict JSON can hold them: what is not finite is None, a tuple a list."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
