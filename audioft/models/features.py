"""The features that encoders of spectra were trained on, computed from waveforms as tensors.

Three families publish a feature extractor in numpy that takes one clip after the other. Here are the same numbers as
operations on a batch, on whatever device it lies: an encoder that holds one of these takes waveforms like any other,
and a clip's features do not depend on the clips beside it. Settings are read from the published extractor.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from audioft.errors import ModelError
from audioft.models.exported.spectra import energies as in_a_graph
from audioft.models.frames import is_exported, own_moments, valid_frames

KALDI_FLOOR = torch.finfo(torch.float32).eps  # the least energy of a band before its logarithm (Kaldi)
KALDI_EMPHASIS = 0.97
WHISPER_FLOOR = 1e-10
WHISPER_RANGE = 8.0  # in powers of ten: nothing is further below a clip's loudest band than this
VARIANCE_FLOOR = 1e-7
CPU_BLOCK, GPU_BLOCK = 256, 16384  # frames whose spectra are taken at once


class FrontEnd(ABC):
    """Waveforms in, a family's features out.

    Attributes:
        size: D, how many values a frame has.
        hop: samples from frame to frame.
        shortest: samples of the shortest clip that gives a usable frame.
        longest: samples of the longest clip that is heard to its end; None where there is no limit.
    """

    size: int
    hop: int
    shortest: int
    longest: int | None

    def __init__(self, window: Any, filters: Any):
        self._constants = {torch.device("cpu"): (torch.as_tensor(window), torch.as_tensor(filters).double())}

    @abstractmethod
    def frames(self, lengths: Tensor) -> Tensor:
        """How many frames of their own clips of `(B,)` samples have, `(B,)` int64."""

    @abstractmethod
    def _features(self, waveforms: Tensor, lengths: Tensor, window: Tensor, filters: Tensor) -> Tensor:
        """`(B, F, D)`; `waveforms` end with the longest clip."""

    def __call__(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the features of a batch, in the same precision whether autocast is on or off.

        Args:
            waveforms: `(B, T)` float32, mono, at the extractor's rate, zero beyond each clip's length.
            lengths: `(B,)` samples, between `shortest` and `longest`, on the same device.

        Returns:
            Features `(B, F, D)` float32 with the padding that the published extractor makes, and how many frames are
            each clip's own, `(B,)` int64.

        Raises:
            ValueError: a clip is too short or too long, or longer than its waveform.
        """
        if not is_exported():
            waveforms = waveforms[:, : self._checked(waveforms, int(lengths.min()), int(lengths.max()))]
        return self._features(waveforms, lengths, *self._on(waveforms.device)), self.frames(lengths)

    def _checked(self, waveforms: Tensor, least: int, most: int) -> int:
        """`most`, if clips of so many samples can be heard."""
        if least < self.shortest:
            raise ValueError(f"a clip of {least} samples gives no features; the least is {self.shortest}")
        if self.longest is not None and most > self.longest:
            raise ValueError(f"a clip of {most} samples would be cut; the most is {self.longest}")
        if most > waveforms.shape[1]:
            raise ValueError(f"a clip of {most} samples cannot lie in a waveform of {waveforms.shape[1]}")
        return most

    def _on(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """The window and the filters `(bins, bands)` there."""
        if device not in self._constants:
            window, filters = self._constants[torch.device("cpu")]
            with torch.inference_mode(False):  # a later call may want gradients through them
                self._constants[device] = (window.to(device), filters.to(device))
        return self._constants[device]


class ASTFeatures(FrontEnd):
    """Log energies of Kaldi's filter bank, padded with zeros to a fixed number of frames, then brought to a scale.

    The Audio Spectrogram Transformer's (Gong et al. 2021), as transformers' `ASTFeatureExtractor` gives them where
    torchaudio is installed. The waveform is not scaled to 16 bits.
    """

    def __init__(self, extractor: Any):
        from torchaudio.compliance.kaldi import get_mel_banks

        rate = int(extractor.sampling_rate)
        self.size, self.max_frames = int(extractor.num_mel_bins), int(extractor.max_length)
        self.mean, self.scale = 0.0, 1.0
        if extractor.do_normalize:
            self.mean, self.scale = float(extractor.mean), 2 * float(extractor.std)
        self.hop = int(rate * 10.0 * 0.001)  # as torchaudio rounds 10 and 25 ms
        self.shortest = int(rate * 25.0 * 0.001)
        self.longest = self.shortest + self.max_frames * self.hop - 1
        self.points = 1 << (self.shortest - 1).bit_length()
        filters, _ = get_mel_banks(self.size, self.points, rate, 20.0, 0.0, 100.0, -500.0, 1.0)
        super().__init__(torch.hann_window(self.shortest, periodic=False), pad(filters, (0, 1)).T)

    def frames(self, lengths: Tensor) -> Tensor:
        return (lengths.long() - self.shortest).div(self.hop, rounding_mode="floor") + 1

    def _features(self, waveforms: Tensor, lengths: Tensor, window: Tensor, filters: Tensor) -> Tensor:
        energies = _energies(waveforms, _emphasised, window, self.points, self.hop, filters)
        levels = energies.float().clamp(min=KALDI_FLOOR).log()
        outside = ~valid_frames(self.frames(lengths), levels.shape[1])
        levels = levels.masked_fill(outside[..., None], 0.0)
        levels = pad(levels, (0, 0, 0, self.max_frames - levels.shape[1]))
        return (levels - self.mean) / self.scale


class Wav2Vec2BertFeatures(FrontEnd):
    """Log energies of Kaldi's filter bank, each band at mean 0 and variance 1 over the clip, two frames in one.

    Those of w2v-BERT 2.0 (Seamless Communication 2023), as transformers' `SeamlessM4TFeatureExtractor` gives them. It
    computes spectra in float64 and so does this: energies reach from 1e-7 to 1e13, and in float32 what a loud sound
    leaves in silent bands is rounding. Its statistics are in float32, those here are exact; that is seen only in bands
    that hardly change: digital silence is 0 here and up to 0.0031 off it there, a steady tone is about 0.01 off.

    A last frame without a second is followed by the padding value; as published, it is not among the clip's own.
    """

    stacked = 2

    def __init__(self, extractor: Any):
        if extractor.stride != self.stacked or extractor.padding_side != "right":
            raise ModelError(
                f"its features stack {extractor.stride} frames and are padded on the {extractor.padding_side}; "
                f"supported are {self.stacked} frames, padded on the right"
            )
        self.bands, self.padding = int(extractor.num_mel_bins), float(extractor.padding_value)
        self.step, self.points = 160, 512  # whatever the rate
        self.size, self.hop = self.stacked * self.bands, self.stacked * self.step
        self.field = len(extractor.window)
        self.shortest, self.longest = self.field + self.step, None  # one frame has no variance
        super().__init__(extractor.window, extractor.mel_filters)

    def frames(self, lengths: Tensor) -> Tensor:
        return self._unstacked(lengths) // self.stacked

    def _unstacked(self, lengths: Tensor) -> Tensor:
        return (lengths.long() - self.field).div(self.step, rounding_mode="floor") + 1

    def _features(self, waveforms: Tensor, lengths: Tensor, window: Tensor, filters: Tensor) -> Tensor:
        energies = _energies(waveforms, _emphasised_16_bits, window, self.points, self.step, filters)
        levels = energies.clamp(min=KALDI_FLOOR).log()
        counts = self._unstacked(lengths)
        outside = ~valid_frames(counts, levels.shape[1])[..., None]
        normed = _normalised(levels, counts, outside).float().masked_fill(outside, self.padding)
        normed = pad(normed, (0, 0, 0, normed.shape[1] % self.stacked), value=self.padding)
        return normed.unflatten(1, (-1, self.stacked)).flatten(2)


class WhisperFeatures(FrontEnd):
    """Log energies in mel bands of a clip padded with silence to 30 s, none 80 dB below the loudest.

    Whisper's (Radford et al. 2022), as transformers' `WhisperFeatureExtractor` gives them, but frames first.
    """

    def __init__(self, extractor: Any):
        if extractor.dither or extractor.padding_value or extractor.padding_side != "right":
            raise ModelError(
                f"its features have dither {extractor.dither} and are padded with {extractor.padding_value} on the "
                f"{extractor.padding_side}; supported are dither 0.0 and padding with 0.0 on the right"
            )
        self.size, self.hop, self.points = int(extractor.feature_size), int(extractor.hop_length), int(extractor.n_fft)
        self.samples = int(extractor.n_samples)
        self.shortest, self.longest, self.max_frames = 1, self.samples, self.samples // self.hop
        super().__init__(torch.hann_window(self.points), extractor.mel_filters)

    def frames(self, lengths: Tensor) -> Tensor:
        return (lengths.long() + self.hop - 1).div(self.hop, rounding_mode="floor").clamp(max=self.max_frames)

    def _features(self, waveforms: Tensor, lengths: Tensor, window: Tensor, filters: Tensor) -> Tensor:
        # beyond this, no frame sees any of the sound: its spectrum is known
        needed = self.samples
        if not is_exported():
            needed = min(needed, waveforms.shape[1] + self.points + self.hop)
        padded = pad(waveforms, (0, needed - waveforms.shape[1]))
        padded = pad(padded, (self.points // 2, self.points // 2), mode="reflect")
        energies = _energies(padded, lambda frames: frames, window, self.points, self.hop, filters)
        levels = energies[:, : needed // self.hop].float().clamp(min=WHISPER_FLOOR).log10()
        levels = pad(levels, (0, 0, 0, self.max_frames - levels.shape[1]), value=math.log10(WHISPER_FLOOR))
        levels = torch.maximum(levels, levels.amax((1, 2), keepdim=True) - WHISPER_RANGE)
        return (levels + 4.0) / 4.0


#: by the class of the published extractor, as preprocessor_config.json names it
FRONT_ENDS: dict[str, Callable[[Any], FrontEnd]] = {
    "ASTFeatureExtractor": ASTFeatures,
    "SeamlessM4TFeatureExtractor": Wav2Vec2BertFeatures,
    "WhisperFeatureExtractor": WhisperFeatures,
}


def front_end(extractor: Any) -> FrontEnd:
    """The features that `extractor`, one of transformers', computes.

    Raises:
        ModelError: it is of another class, or has settings that are not supported.
    """
    name = type(extractor).__name__
    if name not in FRONT_ENDS:
        raise ModelError(f"features of the kind {name} are not supported; supported are {', '.join(FRONT_ENDS)}")
    return FRONT_ENDS[name](extractor)


def _energies(
    waveforms: Tensor, prepared: Callable[[Tensor], Tensor], window: Tensor, points: int, hop: int, filters: Tensor
) -> Tensor:
    """Energies in bands of all whole frames, each `prepared` and windowed, `(B, F, bands)` float64.

    Frames are worked on a block at a time: spectra are a multiple of the sound in size, and in a processor's cache
    several times as fast. The product is in float64: autocast and TF32, of three digits, leave it alone.
    """
    if is_exported():
        return in_a_graph(waveforms, prepared, window, points, hop, filters)
    frames = waveforms.unfold(1, len(window), hop)
    block = CPU_BLOCK if frames.device.type == "cpu" else GPU_BLOCK
    found = []
    for some in frames.split(max(1, block // len(frames)), dim=1):
        spectra = torch.fft.rfft(prepared(some) * window, n=points)
        found.append((spectra.real.double().square() + spectra.imag.double().square()) @ filters)
    return torch.cat(found, dim=1)


def _emphasised(frames: Tensor) -> Tensor:
    """Kaldi's frames before their window: without their mean, high pitches raised."""
    frames = frames - frames.mean(2, keepdim=True)
    before = torch.cat([frames[..., :1], frames[..., :-1]], dim=2)
    return frames - KALDI_EMPHASIS * before


def _emphasised_16_bits(frames: Tensor) -> Tensor:
    return _emphasised(frames.double() * 2**15)


def _normalised(levels: Tensor, counts: Tensor, outside: Tensor) -> Tensor:
    """`(B, F, D)` at mean 0 and variance 1 over the `(B,)` frames that are a clip's own; 0 `outside`."""
    counts = counts[:, None, None]
    _, centred, squares = own_moments(levels, outside, counts, dim=1)
    return centred / (squares / (counts - 1) + VARIANCE_FLOOR).sqrt()
