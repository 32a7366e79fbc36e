"""Recordings of any length as windows ready for an encoder, read in blocks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from audioft.audio import audible, isolated_decoder, remarks, silence
from audioft.audio.beyond import NOTHING
from audioft.audio.hearing import Heard, Hearing
from audioft.audio.silence import SILENT
from audioft.audio.sounds import Sound
from audioft.audio.windows import cut
from audioft.data.check import SHORTEST, too_short
from audioft.data.clip import Clip
from audioft.errors import AudioError, UsageError

#: What changes by less, or at the ends alone, where a resampler makes a step of an offset, is judged at its own rate.
_FLAT, _FINE = silence.RESAMPLED, silence.FINE / 4
_ENDS = 0.05  # seconds


def normalise(samples: np.ndarray) -> np.ndarray:
    """Mean 0 and variance 1, as `Wav2Vec2FeatureExtractor.zero_mean_unit_var_norm` computes it (eps 1e-7)."""
    return (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)


@dataclass(frozen=True)
class Preparation:
    """What every clip goes through on its way into an encoder.

    Args:
        hearing: how it reaches it; a rate in Hz for as it is.
        normalise: bring each clip to mean 0 and variance 1.
        min_samples: shorter clips are padded with zeros at the end up to this length.
    """

    hearing: Heard
    normalise: bool
    min_samples: int

    @property
    def sample_rate(self) -> int:
        """At which the encoder hears, Hz."""
        return Hearing.of(self.hearing).rate

    @property
    def per_second(self) -> int:
        """Samples for a second of the recording."""
        return Hearing.of(self.hearing).per_second

    def prepared(self, samples: np.ndarray) -> np.ndarray:
        """`(T,)` float32."""
        samples = normalise(samples) if self.normalise else samples
        if len(samples) < self.min_samples:
            samples = np.pad(samples, (0, self.min_samples - len(samples)))
        return np.ascontiguousarray(samples, dtype=np.float32)

    def __call__(self, samples: np.ndarray) -> Any:
        """`prepared` as what the model takes, a tensor."""
        import torch

        return torch.from_numpy(self.prepared(samples))


class ArrayPreparation(Preparation):
    """One of a model that takes arrays: torch is not asked for."""

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        return self.prepared(samples)


@dataclass(frozen=True)
class Window:
    """A stretch of a recording.

    Attributes:
        start: where it begins, in samples as they reach the encoder from the beginning of the clip.
        samples: how many of them it holds; what `waveform` has beyond them is padding.
        waveform: `(T,)` float32, prepared: a tensor, or an array where the model takes arrays.
    """

    start: int
    samples: int
    waveform: Any


def clip_windows(
    clip: Clip | Sound, prepare: Preparation, window: float, hop: float | None = None, **how: bool
) -> Iterator[Window]:
    """A clip's windows: the whole clip, or windows of `window` seconds if it is longer; see `windows_of`."""
    if isinstance(clip, Sound):
        blocks, quiet = clip.blocks(prepare.hearing), functools.partial(_sounds_in_memory, clip, prepare)
        return windows_of(blocks, clip.name, prepare, window, hop, quiet=functools.cache(quiet), **how)
    blocks, quiet = (
        isolated_decoder.stream(clip.path, prepare.hearing, clip.start, clip.end),
        functools.partial(_sounds, clip, prepare),
    )
    return windows_of(blocks, clip.path, prepare, window, hop, quiet=functools.cache(quiet), **how)


def _sounds_in_memory(sound: Sound, prepare: Preparation) -> bool:
    return audible.sounds([sound.samples], sound.rate, None, Hearing.of(prepare.hearing), sound.name)


def _sounds(clip: Clip, prepare: Preparation) -> bool:
    """Whether a clip that is very quiet as it is heard has sound."""
    try:
        info = isolated_decoder.probe(clip.path)
        own = isolated_decoder.stream(clip.path, None, clip.start, clip.end)
        return audible.sounds(own, info.rate, info.format, Hearing.of(prepare.hearing), clip.path)
    except AudioError:  # which is told where its windows are read
        return False


def windows_of(
    blocks: Iterable[np.ndarray],
    path: object,
    prepare: Preparation,
    window: float,
    hop: float | None = None,
    dead: bool = True,
    live: bool = False,
    quiet: Callable[[], bool] | None = None,
) -> Iterator[Window]:
    """Windows out of blocks of samples, in the memory of a window whatever the length.

    They lie where `audioft.audio.windows.spans` says; each is given as soon as its last sample is there. Where the
    recording breaks off, its windows end with what came before, as if it had been the end.

    Args:
        blocks: arrays `(T_i,)` float32 as they reach the encoder, see `Hearing`, that follow one another.
        path: what failures name.
        prepare: see `Preparation`; each window is prepared by itself.
        window: seconds of the recording.
        hop: seconds between the beginnings of two windows; None is `window`.
        dead: whether a recording in which nothing ever changes, as a dead microphone makes it, has windows as well.
        live: without `dead`, windows are given though nothing has changed so far; otherwise they wait until it does.
        quiet: whether there is sound at the recording's own rate, asked where that is in doubt; None is as it seems.

    Raises:
        AudioError: nothing or under 25 ms, as the encoder hears them, is in it, or, without `dead`, no sound; or,
            after the last window before it, the recording breaks off or has samples that are not numbers.
    """
    rate = prepare.per_second
    least = round(SHORTEST * prepare.sample_rate) - 1  # a sample less may be left by resampling
    heard = _UntilItBreaks(blocks, path, rate, quiet)
    nothing = True
    waiting: list[tuple[int, np.ndarray]] = []
    for start, samples in cut(heard, max(1, round(window * rate)), None if hop is None else max(1, round(hop * rate))):
        if nothing and len(samples) < least:
            raise heard.failure or AudioError(path, "check", too_short(len(samples) / rate, rate / prepare.sample_rate))
        nothing = False
        if not (dead or live or heard.changed):
            waiting.append((start, samples if np.ptp(samples) else np.broadcast_to(samples[0], samples.shape)))
            continue
        for earlier, same in waiting:
            yield Window(earlier, len(same), prepare(same))
        waiting.clear()
        yield Window(start, len(samples), prepare(samples))
    sound = dead or heard.changed
    if sound or heard.failure is not None:
        for earlier, same in waiting:
            yield Window(earlier, len(same), prepare(same))
    if heard.failure is not None:
        raise heard.failure
    if not (sound or nothing):
        raise AudioError(path, "check", _silent(path))
    if nothing:
        raise AudioError(path, "decode", "no samples in it")


def _silent(path: object) -> str:
    """Why nothing is heard: what was said of the recording where all of it lies outside of what is heard."""
    said = remarks.of(str(path))
    return said[said.index(NOTHING) :] if NOTHING in said else SILENT


class _UntilItBreaks:
    """Blocks up to the first failure or the first sample that is no number, which is kept."""

    def __init__(self, blocks: Iterable[np.ndarray], path: object, rate: int, quiet: Callable[[], bool] | None):
        self.blocks, self.path, self.rate, self._quiet = blocks, path, rate, quiet
        self.failure: AudioError | None = None
        self.ended = False
        self._low, self._high = np.inf, -np.inf
        self._ends = 0 if quiet is None else round(_ENDS * rate)
        self._held = np.zeros(0, np.float32)  # what may be the recording's end

    @property
    def changed(self) -> bool:
        """Whether there was sound so far."""
        spread = self._high - self._low
        if spread > _FLAT or self._quiet is None or (spread <= _FINE and not self.ended):
            return bool(spread > _FLAT)
        return self._quiet()

    def _look(self, at: int, block: np.ndarray) -> None:
        """Take account of a block, but for the ends of the recording."""
        if self._high - self._low > _FLAT:
            return
        if self._ends:
            block = np.concatenate([self._held, block[max(0, self._ends - at) :]])
            self._held, block = block[-self._ends :], block[: -self._ends]
        if len(block):
            self._low, self._high = min(self._low, block.min()), max(self._high, block.max())

    def __iter__(self) -> Iterator[np.ndarray]:
        at = 0
        try:
            for block in self.blocks:
                if np.ndim(block) != 1:
                    given = f"a block of {np.ndim(block)} dimensions"
                    raise UsageError(f"{given}: expected mono sound, arrays of shape (T,)")
                good = np.isfinite(block)
                if not good.all():
                    first = int(good.argmin())
                    where = f"from {(at + first) / self.rate:.2f} s on" if at + first else "from the beginning"
                    what = f"samples that are not finite (NaN or infinity), {where}"
                    self.failure = AudioError(self.path, "check", what)
                    yield block[:first]
                    return
                self._look(at, block)
                at += len(block)
                yield block
        except AudioError as e:
            self.failure = e
        self.ended = True
