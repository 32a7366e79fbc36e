"""What speaks for an answer, and what against it, to be heard: the stretch filtered by its evidence."""

from __future__ import annotations

import numpy as np
import torch

from audioft.tasks.explain.stft import Cells, Spectrum

LEAST = 0.1  # of the strongest cell: where nothing is stronger than that on one side, there is nothing to hear of it


def parted(samples: np.ndarray, rate: int, evidence: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The stretch with each cell as loud as it speaks for the label, and with each as loud as it speaks against it.

    Args:
        samples: `(N,)` at `rate` Hz, as the encoder hears them.
        evidence: `(T, B)`; of one band, all pitches alike.

    Returns:
        `(N,)` each; None where nothing, or little, speaks on that side.
    """
    sound = torch.from_numpy(np.ascontiguousarray(samples, np.float32))
    spectrum = Spectrum(sound, rate, Cells.of(len(samples) / rate, rate))
    cells = np.broadcast_to(evidence, spectrum.cells.shape)
    strongest = float(np.abs(cells).max())
    if strongest == 0:
        return None, None
    found: list[np.ndarray | None] = []
    for side in (np.clip(cells, 0, None), np.clip(-cells, 0, None)):
        if side.max() < LEAST * strongest:
            found.append(None)
            continue
        gain = torch.from_numpy(side / side.max()).float().sqrt()
        found.append(spectrum.sound(spectrum.spread(gain) * spectrum.own).numpy())
    return found[0], found[1]
