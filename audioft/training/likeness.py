"""Crops that sound alike are to be alike in the encoder, as wholes.

What is made small compares two tables of likeness between the crops of a batch: by the statistics over time of a
layer's states, and by those of their spectra and how these move (similarity-preserving distillation, Tung and Mori
2019, from a fixed description of sound instead of a teacher network). Two crops of one recording may besides be told
from all others (the utterance-wise contrast of UniSpeech-SAT, Chen et al. 2022, here directly on the statistics).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from audioft.models.frames import Frames

TEMPERATURE = 0.1


@dataclass(frozen=True)
class Likeness:
    """How far the layers are from sound, in likeness between crops.

    Args:
        sound: weight of the squared difference of the two tables.
        recording: weight of the cross-entropy of finding another crop of the same recording.
        last: the highest layer that is compared; None for all.
    """

    sound: float
    recording: float
    last: int | None = None

    def __call__(self, frames: Frames, shown: Tensor, spectra: Tensor, recordings: Sequence[int]) -> Tensor:
        """The weighted sum, a mean over the layers.

        Args:
            frames: of B crops, with every layer.
            shown: `(B, F)` bool, the frames that are not hidden and no padding.
            spectra: `(B, F, D)`, the texture of the undisturbed crops.
            recordings: the recording each crop is of.
        """
        assert frames.layers is not None
        enough = shown.sum(1) >= 2
        total = spectra.new_zeros(())
        if int(enough.sum()) < 3:
            return total
        compared = frames.layers if self.last is None else frames.layers[: self.last + 1]
        states = [s[enough] for s in compared]
        own = torch.tensor(recordings, device=shown.device)[enough]
        same = own[:, None] == own[None]
        apart = ~torch.eye(len(own), dtype=torch.bool, device=own.device)
        shown, spectra = shown[enough], spectra[enough]
        wanted = table(statistics(spectra, shown))
        paired = (same & apart).any(1)
        for layer in states:
            found = table(statistics(layer.float(), shown))
            if self.sound:
                total = total + self.sound * (found - wanted)[apart].square().mean()
            if self.recording and bool(paired.any()):
                total = total + self.recording * contrast(found, same & apart, apart)[paired].mean()
        return total / len(states)


def statistics(states: Tensor, shown: Tensor) -> Tensor:
    """`(B, 2 * H)`: mean and biased deviation of `(B, F, H)` over the shown frames."""
    weights = shown[..., None].to(states.dtype)
    count = weights.sum(1)
    mean = (states * weights).sum(1) / count
    variance = ((states - mean[:, None]).square() * weights).sum(1) / count
    return torch.cat([mean, (variance + 1e-6).sqrt()], dim=1)


def table(features: Tensor) -> Tensor:
    """`(B, B)`: cosines between crops, each feature scaled over the batch to mean 0 and deviation 1."""
    scaled = (features - features.mean(0)) / (features.std(0, correction=0) + 1e-3)
    scaled = normalize(scaled, dim=1)
    return scaled @ scaled.T


def contrast(found: Tensor, same: Tensor, apart: Tensor) -> Tensor:
    """`(B,)`: minus the log share of the crops of the same recording among all others (NT-Xent, Chen et al. 2020)."""
    logits = (found / TEMPERATURE).masked_fill(~apart, -torch.inf)
    log_share = logits.log_softmax(1).masked_fill(~same, -torch.inf)
    return -log_share.logsumexp(1)
