"""What is explained: the log-odds that a model gives a label, as a function of the samples it hears."""

from __future__ import annotations

import torch
from torch import Tensor

from audioft.evaluation.scoring import BATCH_SECONDS
from audioft.models.classifier import AudioClassifier


class LogOdds:
    """Of one label, for sounds of one length: `(M, N)` samples, not normalised, to `(M,)`.

    The log-odds of a label are `log(p / (1 - p))`: of a label among others its logit against all of theirs, of several
    at once its own logit. A model that labels frames has the mean over the frames of the sound.

    Args:
        model: in eval mode.
        label: position of the label.
        multilabel: whether several labels may hold at once.
        batch_seconds: sound that goes through at once, as the encoder hears it and with its canvas; None is what suits
            the device. How many sounds that are depends on their length alone, and so do the last bits.
    """

    def __init__(self, model: AudioClassifier, label: int, multilabel: bool, batch_seconds: float | None = None):
        self.model, self.label, self.multilabel = model, label, multilabel
        self.device = next(model.parameters()).device
        self.batch_seconds = batch_seconds or BATCH_SECONDS.get(self.device.type, 60.0)

    def at_once(self, samples: int) -> int:
        """How many sounds of that many samples go through together."""
        encoder = self.model.encoder
        return max(1, int(self.batch_seconds * encoder.sample_rate // max(samples, encoder.canvas_samples, 1)))

    def __call__(self, sounds: Tensor) -> Tensor:
        """With a gradient where one is asked for; float64."""
        encoder = self.model.encoder
        lengths = torch.full((len(sounds),), max(sounds.shape[1], encoder.min_samples), device=sounds.device)
        if encoder.preprocessing.normalise:
            sounds = sounds - sounds.mean(1, keepdim=True)
            sounds = sounds / (sounds.square().mean(1, keepdim=True) + 1e-7).sqrt()
        sounds = torch.nn.functional.pad(sounds, (0, max(0, encoder.min_samples - sounds.shape[1])))
        logits = self.model(sounds, lengths)
        if self.model.frame_level:
            logits = logits[:, : int(encoder.frame_lengths(lengths)[0])]
        found = log_odds(logits.double(), self.label, self.multilabel)
        return found.mean(1) if self.model.frame_level else found

    def several(self, sounds: Tensor) -> Tensor:
        """Of any number of sounds, in batches and without a gradient."""
        with torch.no_grad():
            return torch.cat([self(part) for part in sounds.split(self.at_once(sounds.shape[1]))])


def log_odds(logits: Tensor, label: int, multilabel: bool) -> Tensor:
    """Of one label, `(..., C)` to `(...,)`.

    >>> x = torch.log(torch.tensor([0.5, 0.25, 0.25]))
    >>> log_odds(x, 0, False).item(), round(log_odds(x, 1, False).exp().item(), 3), log_odds(x, 0, True).item() < 0
    (0.0, 0.333, True)
    """
    own = logits[..., label]
    if multilabel or logits.shape[-1] == 1:
        return own
    others = [i for i in range(logits.shape[-1]) if i != label]
    return own - logits[..., others].logsumexp(-1)
