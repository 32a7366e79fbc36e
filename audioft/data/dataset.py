"""Clips as tensors: read, cut, augmented and normalised, each a function of its address alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from audioft.audio import io
from audioft.audio.hearing import Heard, Hearing
from audioft.core.runtime import generator, one_thread
from audioft.data.clip import Clip
from audioft.data.windowed import Preparation
from audioft.errors import AudioError

Change = Callable[[Tensor, int, np.random.Generator], Tensor]  # an augmentation: waveform `(T,)`, rate, draws


@dataclass(frozen=True, slots=True)
class Draw:
    """The address of one training example: what is drawn for it depends on this and the seed, on nothing else.

    Attributes:
        index: which clip.
        epoch: from 0.
        repeat: the how-manieth use of this clip in this epoch (a balanced sampler takes some clips several times).
    """

    index: int
    epoch: int = 0
    repeat: int = 0


@dataclass(frozen=True)
class Item:
    """One clip, or one window of a clip, ready for a batch.

    Attributes:
        waveform: `(T,)` float32; None if the recording failed.
        targets: `(C,)` float32, 0 to 1.
        known: `(C,)` bool, which targets count.
        index: of the clip in its dataset.
        address: identifies the example for draws made later (the latent mask).
        failure: why there is no waveform.
    """

    waveform: Tensor | None
    targets: Tensor
    known: Tensor
    index: int
    address: tuple[object, ...] = ()
    failure: AudioError | None = None


class TrainingClips(Dataset):
    """Clips for training: random crops, augmentation and mixing, each at the address of its draw.

    Args:
        clips: what may be drawn.
        seconds: the length of each clip, from the checking pass.
        targets: `(N, C)` float32.
        known: `(N, C)` bool.
        prepare: see `Preparation`.
        max_seconds: longer clips are cropped to this at a random place; of the recording, as all times here.
        seed: of the run.
        augment: waveform to waveform, with a generator: `(waveform (T,), rate, rng) -> (T',)`.
        mixup: draws a partner and mixes two clips and their targets; None for no mixing.
        multilabel: how mixed targets combine.
        read: gives the samples of a part of a clip's recording, as `read_exactly` does, which is taken for None.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        seconds: Sequence[float],
        targets: np.ndarray,
        known: np.ndarray,
        prepare: Preparation,
        max_seconds: float,
        seed: int,
        augment: Change | None = None,
        mixup: Any = None,
        multilabel: bool = False,
        read: Callable[[Clip, Heard, float, float | None], np.ndarray] | None = None,
    ):
        self.clips, self.seconds, self.prepare = list(clips), list(seconds), prepare
        self.targets, self.known = torch.from_numpy(targets), torch.from_numpy(known)
        self.max_seconds, self.seed = max_seconds, seed
        self.augment, self.mixup, self.multilabel = augment, mixup, multilabel
        self.read = read or read_exactly

    def __len__(self) -> int:
        return len(self.clips)

    def address(self, draw: Draw) -> tuple[object, ...]:
        """What all that is drawn for an example depends on."""
        return self.seed, draw.epoch, self.clips[draw.index].key, draw.repeat

    def is_drawn(self, index: int) -> bool:
        """Whether a clip is another one in another draw: it is cropped, augmented or mixed."""
        return self.augment is not None or self.mixup is not None or self.seconds[index] > self.max_seconds

    def mixed_with(self, draw: Draw) -> int | None:
        """The partner that an example is mixed with; None if it has none."""
        mix = self._mix(self.address(draw))
        return None if mix is None else mix["partner"]

    def labels_of(self, draw: Draw) -> tuple[Tensor, Tensor]:
        """Targets `(C,)` of an example and which of them are known, without hearing it."""
        targets, known = self.targets[draw.index], self.known[draw.index]
        mix = self._mix(self.address(draw))
        if mix is None:
            return targets, known
        other = mix["partner"]
        return self.mixup.targets(targets, self.targets[other], mix, self.multilabel, known, self.known[other])

    def __getitem__(self, draw: Draw | int) -> Item:
        draw = Draw(draw) if isinstance(draw, int) else draw
        address = self.address(draw)
        try:
            with one_thread():
                waveform, targets, known = self._mixed(draw, address)
                waveform = self.prepare(waveform.numpy())
        except AudioError as e:
            return Item(None, self.targets[draw.index], self.known[draw.index], draw.index, address, failure=e)
        return Item(waveform, targets, known, draw.index, address)

    def _mixed(self, draw: Draw, address: tuple) -> tuple[Tensor, Tensor, Tensor]:
        waveform, targets, known = self._heard(draw.index, address)
        mix = self._mix(address)
        if mix is None:
            return waveform, targets, known
        assert self.mixup is not None
        other = mix["partner"]
        partner, others, known_others = self._heard(other, (*address, "partner", self.clips[other].key))
        if others.shape != targets.shape:  # frames of clips of different length have no common time
            return waveform, targets, known
        waveform = self.mixup.apply(waveform, partner, mix)
        targets, known = self.mixup.targets(targets, others, mix, self.multilabel, known, known_others)
        return waveform, targets, known

    def _mix(self, address: tuple) -> dict[str, Any] | None:
        return None if self.mixup is None else self.mixup.draw(generator(*address, "mixup"), len(self.clips))

    def _heard(self, index: int, address: tuple) -> tuple[Tensor, Tensor, Tensor]:
        """A clip by itself: waveform `(T,)`, targets and which of them are known."""
        return self._augmented(index, address, *self._crop(index, address)), self.targets[index], self.known[index]

    def _augmented(self, index: int, address: tuple, start: float, end: float | None) -> Tensor:
        waveform = torch.from_numpy(self.read(self.clips[index], self.prepare.hearing, start, end))
        if self.augment is None:
            return waveform
        rng, rate = generator(*address, "augment"), self.prepare.sample_rate
        waveform = changed(self.augment, waveform, rate, rng, self.clips[index])
        return waveform[: round(self.max_seconds * self.prepare.per_second)]  # slowed clips are longer

    def _crop(self, index: int, address: tuple) -> tuple[float, float | None]:
        return crop(self.clips[index], self.seconds[index], self.max_seconds, generator(*address, "crop"))


def crop(clip: Clip, length: float, most: float, rng: np.random.Generator) -> tuple[float, float | None]:
    """Start and end, in seconds of its recording, of a random part of a clip; of all of it if it is short enough.

    Args:
        clip: what is cropped.
        length: its own, in seconds.
        most: seconds of a part.
        rng: is drawn from if the clip is longer.
    """
    if length <= most:
        return clip.start, clip.end
    start = clip.start + rng.uniform(0, length - most)
    return start, start + most


def changed(change: Change, waveform: Tensor, rate: int, rng: np.random.Generator, clip: Clip) -> Tensor:
    """A clip's waveform augmented; what is wrong with a file of the user's noises is told of the clip."""
    try:
        return change(waveform, rate, rng)
    except AudioError as e:  # the clip itself is well
        raise AudioError(clip.path, "augment", f"{e.path}: {e.reason}") from e


def read_exactly(clip: Clip, rate: Heard, start: float, end: float | None) -> np.ndarray:
    """Samples of a part of a recording; nothing at all in it is an error like any other."""
    samples = io.read(clip.path, rate, start, end)
    if not len(samples):
        until = "its end" if end is None else f"{end:.3f} s"
        raise AudioError(clip.path, "decode", f"no samples between {start:.3f} s and {until}")
    return checked(clip, samples)


def beginning(clip: Clip, rate: Heard, seconds: float) -> np.ndarray:
    """The first so many seconds of a clip, or all of it if it is shorter, `(T,)` float32; no more than that is read."""
    held: list[np.ndarray] = []
    wanted = round(seconds * Hearing.of(rate).per_second)
    for block in io.stream(clip.path, rate, clip.start, clip.end, block_seconds=1.0):
        held.append(block)
        if sum(map(len, held)) >= wanted:
            break
    if not held:
        raise AudioError(clip.path, "decode", "no samples in it")
    return checked(clip, np.concatenate(held)[:wanted])


def checked(clip: Clip, samples: np.ndarray) -> np.ndarray:
    """The samples, if every one of them is a number."""
    if not np.isfinite(samples).all():
        raise AudioError(clip.path, "check", "samples that are not finite (NaN or infinity)")
    return samples
