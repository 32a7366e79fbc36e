"""What is explained: the log-odds that a model gives a label, as a function of the samples it hears."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from audioft.evaluation.labelling.window_scores import BATCH_SECONDS
from audioft.models.classifier import AudioClassifier


class LogOdds:
    """Of one label, for sounds of one length: `(M, N)` samples, not normalised, to `(M,)`.

    The log-odds of a label are `log(p / (1 - p))`: of a label among others its logit against all of theirs, of several
    at once its own logit. Against one other label they are the logit beyond that one's. A model that labels frames has
    the mean over the frames of the sound.

    Args:
        model: in eval mode.
        label: position of the label.
        multilabel: whether several labels may hold at once.
        batch_seconds: sound that goes through at once, as the encoder hears it and with its canvas; None is what suits
            the device. How many sounds that are depends on their length alone, and so do the last bits.
        against: position of the one label that it is weighed against; None for all others.
    """

    def __init__(
        self,
        model: AudioClassifier,
        label: int,
        multilabel: bool,
        batch_seconds: float | None = None,
        against: int | None = None,
    ):
        self.model, self.label, self.multilabel, self.against = model, label, multilabel, against
        self.device = next(model.parameters()).device
        self.batch_seconds = batch_seconds or BATCH_SECONDS.get(self.device.type, 60.0)
        module: Any
        for module in model.modules():  # rotary positions that prediction has cached cannot be a part of a graph
            if getattr(module, "cached_sequence_length", None) is not None:
                module.cached_sequence_length = None

    def at_once(self, samples: int) -> int:
        """How many sounds of that many samples go through together."""
        encoder = self.model.encoder
        return max(1, int(self.batch_seconds * encoder.sample_rate // max(samples, encoder.canvas_samples, 1)))

    def __call__(self, sounds: Tensor) -> Tensor:
        """With a gradient where one is asked for; float64."""
        found = log_odds(self._logits(sounds), self.label, self.multilabel, self.against)
        return found.mean(1) if self.model.frame_level else found

    def probabilities(self, sounds: Tensor) -> Tensor:
        """Of all labels, `(M, C)` float64, without a gradient."""
        with torch.no_grad():
            logits = torch.cat([self._logits(part) for part in sounds.split(self.at_once(sounds.shape[1]))])
        found = logits.sigmoid() if self.multilabel else logits.softmax(-1)
        return found.mean(1) if self.model.frame_level else found

    def _logits(self, sounds: Tensor) -> Tensor:
        """`(M, C)`, or `(M, T, C)` of a model that labels frames; float64."""
        encoder = self.model.encoder
        lengths = torch.full((len(sounds),), max(sounds.shape[1], encoder.min_samples), device=sounds.device)
        if encoder.preprocessing.normalise:
            sounds = sounds - sounds.mean(1, keepdim=True)
            sounds = sounds / (sounds.square().mean(1, keepdim=True) + 1e-7).sqrt()
        sounds = torch.nn.functional.pad(sounds, (0, max(0, encoder.min_samples - sounds.shape[1])))
        logits = self.model(sounds, lengths)
        if self.model.frame_level:
            logits = logits[:, : int(encoder.frame_lengths(lengths)[0])]
        return logits.double()

    def several(self, sounds: Tensor) -> Tensor:
        """Of any number of sounds, in batches and without a gradient."""
        with torch.no_grad():
            return torch.cat([self(part) for part in sounds.split(self.at_once(sounds.shape[1]))])


def log_odds(logits: Tensor, label: int, multilabel: bool, against: int | None = None) -> Tensor:
    """Of one label, against one other or all of them, `(..., C)` to `(...,)`.

    >>> x = torch.log(torch.tensor([0.5, 0.25, 0.25]))
    >>> log_odds(x, 0, False).item(), round(log_odds(x, 1, False).exp().item(), 3), log_odds(x, 0, True).item() < 0
    (0.0, 0.333, True)
    """
    own = logits[..., label]
    if against is not None:
        return own - logits[..., against]
    if multilabel or logits.shape[-1] == 1:
        return own
    others = [i for i in range(logits.shape[-1]) if i != label]
    return own - logits[..., others].logsumexp(-1)
