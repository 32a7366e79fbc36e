"""How errors fall with the number of clips to learn from, and what more clips would bring.

Errors of classifiers mostly follow `a + b * n^-c` over a middle range of sizes (Cortes et al. 1994, "Learning Curves:
Asymptotic Values and Rate of Convergence"; Hestness et al. 2017, "Deep Learning Scaling is Predictable, Empirically").
What lies beyond the sizes that were measured is an extrapolation all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST_SIZES = 4  # a curve of three numbers passes through any three points
SLOWEST, FASTEST = 0.05, 2.0  # of the exponents: slower than the first no curve can be told from a straight line


@dataclass(frozen=True)
class PowerLaw:
    """`error = a + b * n^-c`.

    Attributes:
        a: the error that is left however much there is to learn from, 0 to 1.
        b: above or equal to 0.
        c: how fast it falls.

    >>> PowerLaw(0.25, 1.0, 0.5).error(16)
    0.5
    """

    a: float
    b: float
    c: float

    def error(self, n: float) -> float:
        return float(self.a + self.b * n**-self.c)

    def __str__(self) -> str:
        return f"error = {self.a:.3f} + {self.b:.3f} * n^-{self.c:.2f}"


def fit(
    sizes: Sequence[float] | np.ndarray,
    errors: Sequence[float] | np.ndarray,
    sigma: Sequence[float] | np.ndarray | None = None,
    start: PowerLaw | None = None,
) -> PowerLaw:
    """The power law nearest to errors by weighted least squares.

    Args:
        sizes: K numbers of clips, above 0, rising.
        errors: K shares of clips labelled wrong.
        sigma: how uncertain each error is; all alike if not given.
        start: where to begin to look; at several places if not given.

    Raises:
        ValueError: why there is none: too few sizes, or errors that do not fall.
    """
    from scipy.optimize import least_squares

    n, e = np.asarray(sizes, float), np.asarray(errors, float)
    s = np.ones_like(e) if sigma is None else np.asarray(sigma, float)
    if len(n) < LEAST_SIZES:
        there = "there is 1 number" if len(n) == 1 else f"there are {len(n)} numbers"
        raise ValueError(f"{there} of clips, and a curve needs {LEAST_SIZES}; measure more of them")
    if e[-1] >= e[0]:
        raise ValueError("the error does not fall with more clips")
    middle = float(np.exp(np.log(n).mean()))  # b is of this size while it is looked for, or it would run with c

    def off(at: np.ndarray) -> np.ndarray:
        return (at[0] + at[1] * (n / middle) ** -at[2] - e) / s

    def slopes(at: np.ndarray) -> np.ndarray:
        power = (n / middle) ** -at[2]
        return np.stack([np.ones_like(n), power, -at[1] * np.log(n / middle) * power], 1) / s[:, None]

    starts = [(0.5 * e.min(), max(e.mean() - 0.5 * e.min(), 1e-3), c) for c in (0.2, 0.5, 1.0)]
    if start is not None:
        starts = [(min(start.a, 0.999), start.b * middle**-start.c + 1e-6, float(np.clip(start.c, 0.06, 1.99)))]
    bounds = ([0, 0, SLOWEST], [1, np.inf, FASTEST])
    found = [
        least_squares(off, np.maximum(x, [1e-9, 1e-9, 0]), jac=slopes, bounds=bounds, x_scale=(0.1, 0.1, 0.3))
        for x in starts
    ]
    a, b, c = min(found, key=lambda f: f.cost).x
    return PowerLaw(float(a), float(b * middle**c), float(c))
