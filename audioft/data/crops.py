"""Random crops of recordings, undisturbed and as an encoder that is pretrained hears them.

What is to be predicted comes from the undisturbed crop, what is heard has noise, echoes or a second recording in it
(the denoising of WavLM, Chen et al. 2022). Each crop is a function of its address alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from audioft.core.runtime import generator, one_thread
from audioft.data.batching import pad
from audioft.data.clip import Clip
from audioft.data.dataset import Change, Draw, Preparation, changed, crop, read_exactly
from audioft.errors import AudioError

_LEAST = 1e-4  # level (RMS) under which a recording is as good as silent and sets no level for others


@dataclasses.dataclass(frozen=True)
class Mixing:
    """A part of a second recording, laid over a part of the first (WavLM's utterance mixing, sec. III-B).

    Attributes:
        p: how likely, in [0, 1].
        max_share: the longest part, as a share of the crop, in (0, 1].
        min_db, max_db: the first recording's level above the second's.
    """

    p: float = 0.5
    max_share: float = 0.5
    min_db: float = -5.0
    max_db: float = 15.0

    @staticmethod
    def validate(p: float, max_share: float, min_db: float, max_db: float) -> list[str]:
        found = [] if 0 <= p <= 1 else [f"p: {p} is not a share between 0 and 1"]
        found += [] if 0 < max_share <= 1 else [f"max_share: {max_share} is not above 0 and at most 1"]
        return found + ([] if min_db <= max_db else [f"min_db: {min_db} is above max_db, {max_db}"])

    def __call__(self, waveform: Tensor, other: Tensor, rng: np.random.Generator) -> Tensor:
        """`waveform` `(T,)` with a part of `other` in it; the length stays."""
        length = min(len(other), max(1, round(len(waveform) * self.max_share * rng.uniform(0.2, 1))))
        start, at = rng.integers(len(other) - length + 1), rng.integers(len(waveform) - length + 1)
        part = other[start : start + length]
        decibels = rng.uniform(self.min_db, self.max_db)
        level, own = _level(waveform), _level(part)
        if own < _LEAST or level < _LEAST:
            return waveform
        mixed = waveform.clone()
        mixed[at : at + length] += part * (level / own * 10 ** (-decibels / 20))
        return mixed


@dataclasses.dataclass(frozen=True)
class Crop:
    """One crop, ready for a batch.

    Attributes:
        heard: `(T,)` float32, what the encoder hears; None if the recording failed.
        clean: `(T,)` float32, the same crop undisturbed; None likewise.
        index: of the recording.
        address: of the draw, for what is drawn later (the mask).
        failure: why there is no crop.
        taught: `(T',)` float32, what a teacher hears of the undisturbed crop; None where there is none.
    """

    heard: Tensor | None
    clean: Tensor | None
    index: int
    address: tuple[object, ...]
    failure: AudioError | None = None
    taught: Tensor | None = None


@dataclasses.dataclass(frozen=True)
class CropBatch:
    """Crops padded to the longest of them.

    Attributes:
        waveforms: `(B, T)` float32, what is heard, zero beyond each crop's length; B may be 0.
        clean: `(B, T)` float32, the same undisturbed.
        lengths: `(B,)` int64 samples.
        indices, addresses, failures: as in `Batch`.
        taught: B waveforms as a teacher hears them; empty where there is none.
    """

    waveforms: Tensor
    clean: Tensor
    lengths: Tensor
    indices: tuple[int, ...]
    addresses: tuple[tuple[object, ...], ...]
    failures: tuple[tuple[int, AudioError], ...] = ()
    taught: tuple[Tensor, ...] = ()

    def __len__(self) -> int:
        return len(self.indices)

    def to(self, device: torch.device | str) -> CropBatch:
        moved = {k: getattr(self, k).to(device) for k in ("waveforms", "clean", "lengths")}
        return dataclasses.replace(self, **moved)


@dataclasses.dataclass(eq=False)
class Crops(Dataset):
    """Crops of recordings, each at the address of its draw.

    Args:
        clips: what may be drawn.
        seconds: the length of each.
        prepare: see `Preparation`; the two waveforms of a crop go through it one by one.
        crop: seconds.
        seed: of the run.
        change: what happens to a recording before it is anything to predict (speed, pitch, a microphone); its crop
            may become shorter, and is cut where it becomes longer.
        disturb: what only the encoder hears; the length must stay.
        mixing: how a second recording is laid over it; None for never.
        shares: `(N,)`, how likely each recording is the second one; None for all alike.
        teacher: what the undisturbed crop goes through on its way to a teacher; None without one.
        fixed: `(N,)`, from how many crops of each recording one is taken every time, so that what a teacher says of
            them is computed once; None draws another one each time. How they are disturbed is always drawn anew.
    """

    clips: Sequence[Clip]
    seconds: Sequence[float]
    prepare: Preparation
    crop: float
    seed: int
    change: Change | None = None
    disturb: Change | None = None
    mixing: Mixing | None = None
    shares: np.ndarray | None = None
    teacher: Preparation | None = None
    fixed: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, draw: Draw) -> Crop:
        clip, rate = self.clips[draw.index], self.prepare.sample_rate
        address, place = (self.seed, draw.epoch, clip.key, draw.repeat), self._place(draw)
        try:
            with one_thread():
                clean = self._read(draw.index, generator(*place, "crop"))
                if self.change is not None:
                    clean = changed(self.change, clean, rate, generator(*place, "augment"), clip)
                clean = clean[: round(self.crop * self.prepare.per_second)]
                heard = self._mixed(clean, generator(*address, "mixing"))
                if self.disturb is not None:
                    heard = changed(self.disturb, heard, rate, generator(*address, "disturb"), clip)
                if len(heard) != len(clean):
                    raise ValueError(f"a disturbance made {len(heard)} samples of {len(clean)}")
                taught = None if self.teacher is None else self.teacher(clean.numpy())
                return Crop(self.prepare(heard.numpy()), self.prepare(clean.numpy()), draw.index, address, None, taught)
        except AudioError as e:
            return Crop(None, None, draw.index, address, failure=e)

    @staticmethod
    def collate(crops: Sequence[Crop]) -> CropBatch:
        """Crops as a batch; those that failed are set apart."""
        good = [(c, c.heard, c.clean) for c in crops if c.heard is not None and c.clean is not None]
        waveforms, lengths = pad([heard for _, heard, _ in good])
        return CropBatch(
            waveforms=waveforms,
            clean=pad([clean for _, _, clean in good])[0],
            lengths=lengths,
            indices=tuple(c.index for c, _, _ in good),
            addresses=tuple(c.address for c, _, _ in good),
            failures=tuple((c.index, c.failure) for c in crops if c.failure is not None),
            taught=tuple(c.taught for c, _, _ in good if c.taught is not None),
        )

    def _place(self, draw: Draw) -> tuple[object, ...]:
        """The address that the undisturbed crop is drawn at."""
        key = self.clips[draw.index].key
        if self.fixed is None or draw.epoch < 0:
            return self.seed, draw.epoch, key, draw.repeat
        first = int(generator(self.seed, draw.epoch, key, "first").integers(self.fixed[draw.index]))
        return self.seed, "fixed", key, (first + draw.repeat) % int(self.fixed[draw.index])

    def _read(self, index: int, rng: np.random.Generator) -> Tensor:
        part = crop(self.clips[index], self.seconds[index], self.crop, rng)
        return torch.from_numpy(read_exactly(self.clips[index], self.prepare.hearing, *part))

    def _mixed(self, waveform: Tensor, rng: np.random.Generator) -> Tensor:
        if self.mixing is None or rng.random() >= self.mixing.p:
            return waveform
        other = int(rng.choice(len(self.clips), p=self.shares))
        try:
            return self.mixing(waveform, self._read(other, rng), rng)
        except AudioError:  # told where that recording is itself drawn; this one is well
            return waveform


def _level(waveform: Tensor) -> float:
    return float(waveform.square().mean().sqrt()) if len(waveform) else 0.0
