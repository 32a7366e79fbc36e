"""The smallest change that makes a model err, looked for with its own gradient; only to measure a model of one's own.

Projected gradient descent (Madry et al., "Towards Deep Learning Models Resistant to Adversarial Attacks", 2018) on the
waveform as it reaches the encoder, within a ball around the clip: a signal-to-noise ratio bounds the RMS of the change.
The gradient is exact through all that follows, mean and variance of a clip and spectra included. A success counts after
the samples were rounded to 16 bits, as a file would hold them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from audioft.augmentation.noise import colored
from audioft.core.progress import Progress
from audioft.core.runtime import address, evaluating
from audioft.data.dataset import Preparation
from audioft.evaluation import effective_size
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.labelling.window_scores import BATCH_SECONDS
from audioft.evaluation.scoring import preparation
from audioft.evaluation.text import columns, number
from audioft.models.classifier import AudioClassifier
from audioft.tasks.robustness.disturbances.level import as_16_bits

SNRS = (40.0, 30.0, 20.0)  # dB, the smallest change first
STEPS = 50
STARTS = 2  # random places in the ball from which it is tried
REACH = 2.5  # of the radius that all steps together could go
OWN = "attack: within an SNR, the clips that a change made for this very model and clip turns wrong"


@dataclass(frozen=True)
class AttackRow:
    """What came of an attack within an SNR, of clips that are right as they are.

    Attributes:
        snr_db: the bound.
        success: share that is wrong after the attack, rounded to 16 bits.
        universal: share that is wrong under one noise that is the same for all, at the same SNR.
    """

    snr_db: float
    success: Estimate
    universal: Estimate


@dataclass(frozen=True)
class Attacked:
    """What an attack came to; `clips` are right as they are, `steps` and `starts` those of the search."""

    rows: tuple[AttackRow, ...]
    clips: int
    steps: int = STEPS
    starts: int = STARTS

    def __str__(self) -> str:
        table = [["SNR", "attacked", "95 % interval", "same noise for all", "95 % interval"]]
        for r in self.rows:
            found = [x for e in (r.success, r.universal) for x in (number(e.value), e.bounds or "–")]
            table.append([f"{r.snr_db:g} dB", *found])
        said = f"{OWN}; {self.clips} clips, {self.steps} steps, {self.starts} starts"
        return "\n".join([said, *columns(table), "Measure models of your own with it, no others."])

    def json(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class Attack:
    """An attack on a model.

    Attributes:
        model: an encoder with a head, of clips.
        multilabel: whether a clip may have several labels; then it is wrong once one of the known ones is.
        cuts: logits from which on a label is given, `(C,)`, where there may be several.
        seed: of the starts and of the noise.
        snrs, steps, starts: how far and how long it is looked for.
    """

    model: AudioClassifier
    multilabel: bool
    cuts: Tensor
    seed: int = 0
    snrs: Sequence[float] = SNRS
    steps: int = STEPS
    starts: int = STARTS

    def on(self, waveforms: Sequence[Tensor], targets: Tensor, groups: np.ndarray, progress: Progress) -> Attacked:
        """Attack clips.

        Args:
            waveforms: `(T_i,)` float32, as they reach the encoder, not yet prepared.
            targets: `(N, C)`, nan where it is not known.
            groups: `(N,)` int, whose clips are right or wrong together.
            progress: told how many clips have been attacked at an SNR, times SNRs.
        """
        wrong = np.zeros((len(self.snrs), len(waveforms), 2), bool)
        right = np.zeros(len(waveforms), bool)
        done = 0
        with evaluating(self.model), _fixed(self.model):
            for batch in batches([len(w) for w in waveforms], self._most):
                own, true = [waveforms[i] for i in batch], targets[batch]
                right[batch] = ~self._wrong(own, true)
                broken = ~right[batch]
                for s, snr in enumerate(self.snrs):
                    wrong[s, batch, 1] = self._wrong([noisy(w, snr, self.seed) for w in own], true)
                    left = np.flatnonzero(~broken).tolist()  # what a smaller change breaks, this one does
                    broken[left] = self._broken([own[i] for i in left], true[left], snr)
                    wrong[s, batch, 0] = broken
                    done += len(batch)
                    progress(done)
        rows = [self._row(snr, wrong[s][right], groups[right]) for s, snr in enumerate(self.snrs)]
        return Attacked(tuple(rows), int(right.sum()), self.steps, self.starts)

    @property
    def _most(self) -> int:
        device, prepare = next(self.model.parameters()).device, preparation(self.model)
        return round(BATCH_SECONDS.get(device.type, 60.0) * prepare.sample_rate)

    @staticmethod
    def _row(snr: float, wrong: np.ndarray, groups: np.ndarray) -> AttackRow:
        member = np.unique(groups, return_inverse=True)[1]
        found = [
            Estimate(float(w.mean()), *effective_size.of_clips(w, member)) if len(w) else Estimate(*[float("nan")] * 3)
            for w in wrong.T
        ]
        return AttackRow(snr, *found)

    def _wrong(self, waveforms: Sequence[Tensor], targets: Tensor) -> np.ndarray:
        """Which clips are answered wrongly, `(B,)`."""
        with torch.inference_mode():
            return (self.margins(waveforms, targets) > 0).cpu().numpy()

    def _broken(self, waveforms: Sequence[Tensor], targets: Tensor, snr_db: float) -> np.ndarray:
        """Which clips were made wrong within an SNR, `(B,)`."""
        broken = np.zeros(len(waveforms), bool)
        for start in range(self.starts):
            left = np.flatnonzero(~broken).tolist()
            if left:
                broken[left] = self._tried([waveforms[i] for i in left], targets[left], snr_db, start)
        return broken

    def _tried(self, waveforms: Sequence[Tensor], targets: Tensor, snr_db: float, start: int) -> np.ndarray:
        """The same from one start."""
        radii = [float(w.norm()) * 10 ** (-snr_db / 20) for w in waveforms]
        random = torch.Generator().manual_seed(address("attack", self.seed, start))
        change = [_within(torch.randn(len(w), generator=random), r) for w, r in zip(waveforms, radii, strict=True)]
        broken, left = np.zeros(len(waveforms), bool), list(range(len(waveforms)))
        for _ in range(self.steps):
            slopes = self.gradients([waveforms[i] + change[i] for i in left], targets[left])
            for i, slope in zip(left, slopes, strict=True):
                step = REACH * radii[i] / self.steps * slope / slope.norm().clamp_min(1e-30)
                change[i] = _within(change[i] + step, radii[i])
            found = self._wrong([as_16_bits(waveforms[i] + change[i]) for i in left], targets[left])
            broken[[i for i, x in zip(left, found, strict=True) if x]] = True
            left = [i for i in left if not broken[i]]
            if not left:
                break
        return broken

    def gradients(self, waveforms: Sequence[Tensor], targets: Tensor) -> list[Tensor]:
        """Where to each clip's margin rises most steeply, `(T_i,)` each; the gradient is exact."""
        leaves = [w.detach().clone().requires_grad_() for w in waveforms]
        with torch.enable_grad():
            self.margins(leaves, targets).sum().backward()
        return [leaf.grad if leaf.grad is not None else torch.zeros_like(leaf) for leaf in leaves]

    def margins(self, waveforms: Sequence[Tensor], targets: Tensor) -> Tensor:
        """By how much each clip is answered wrongly, `(B,)`: above 0 it is.

        Of one label the highest logit of the others less its own; of several, the most by which a known one is wrong.
        """
        device = next(self.model.parameters()).device
        padded, lengths = prepared(waveforms, preparation(self.model))
        logits, targets = self.model(padded.to(device), lengths.to(device)), targets.to(device)
        true = targets > 0
        if self.multilabel:
            apart = torch.where(true, self.cuts.to(device) - logits, logits - self.cuts.to(device))
            return apart.masked_fill(targets.isnan(), -torch.inf).amax(1)
        return logits.masked_fill(true, -torch.inf).amax(1) - logits.masked_fill(~true, -torch.inf).amax(1)


def prepared(waveforms: Sequence[Tensor], prepare: Preparation) -> tuple[Tensor, Tensor]:
    """What `Preparation` does and a batch of it, as operations with a gradient: `(B, T)` and lengths `(B,)`."""
    if prepare.normalise:
        waveforms = [(w - w.mean()) / (w.var(correction=0) + 1e-7).sqrt() for w in waveforms]
    lengths = [max(len(w), prepare.min_samples) for w in waveforms]
    padded = [functional.pad(w, (0, max(lengths) - len(w))) for w in waveforms]
    return torch.stack(padded), torch.tensor(lengths)


def noisy(waveform: Tensor, snr_db: float, seed: int) -> Tensor:
    """A clip with the beginning of a noise that is the same for all clips of a seed."""
    noise = colored("white", len(waveform), 16000, seed)
    return as_16_bits(waveform + noise * (float(waveform.norm() / noise.norm()) * 10 ** (-snr_db / 20)))


def batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Clips of like length that take `most` samples together, or one that alone takes more.

    >>> list(batches([4, 9, 5], 10))
    [[0, 2], [1]]
    """
    own: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if own and (len(own) + 1) * lengths[i] > most:
            yield own
            own = []
        own.append(i)
    if own:
        yield own


def _within(change: Tensor, radius: float) -> Tensor:
    """The nearest change of at most that norm."""
    return change * min(1.0, radius / max(float(change.norm()), 1e-30))


@contextlib.contextmanager
def _fixed(model: AudioClassifier) -> Iterator[None]:
    """Weights need no gradient inside: only the clips do."""
    free = [p for p in model.parameters() if p.requires_grad]
    try:
        for p in free:
            p.requires_grad_(False)
        yield
    finally:
        for p in free:
            p.requires_grad_(True)
