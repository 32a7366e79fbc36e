"""How well scores rank the frames of recordings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from audioft.evaluation.ranking import ranked


def frame_average_precision(scores: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> tuple[float, np.ndarray]:
    """Average precision over the frames of all recordings together, of each label and its mean.

    It is scikit-learn's, see `ranking`. Labels are looked at one by one, so that it takes at most some 120 bytes for
    each frame, however many labels there are.

    Args:
        scores: of each recording `(F, C)`, finite.
        targets: of each recording `(F, C)`, 0 or 1.

    Returns:
        The mean over the labels that are active anywhere, nan if none is; and the labels' own, `(C,)`, nan for those
        that are active nowhere.

    Raises:
        ValueError: there are no recordings, the shapes do not fit each other, or a score is not finite.

    >>> mean, labels = frame_average_precision([np.array([[0.9, 0.1], [0.2, 0.3]])], [np.array([[0, 0], [1, 0]])])
    >>> mean, labels.tolist()
    (0.5, [0.5, nan])
    """
    shapes = [(np.shape(s), np.shape(t)) for s, t in zip(scores, targets, strict=True)]
    if not shapes or any(s != t or len(s) != 2 or s[1] != shapes[0][0][1] for s, t in shapes):
        raise ValueError(f"scores and targets need to be (frames, labels) of the same labels; found {shapes[:5]}")
    precision = np.full(shapes[0][0][1], np.nan)
    for c in range(len(precision)):
        true = np.concatenate([t[:, c] for t in targets])
        said = np.concatenate([s[:, c] for s in scores])
        if not np.isfinite(said).all():
            raise ValueError(f"some scores of label {c} are not finite")
        if (true > 0).any():
            precision[c] = ranked(said, true, np.ones((1, len(said))))[1].item()
    defined = precision[np.isfinite(precision)]
    return float(defined.mean()) if len(defined) else float("nan"), precision
