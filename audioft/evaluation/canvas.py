"""What an encoder computes for clips that it lays on a canvas of fixed length, most of which may be silence.

Whisper's is 30 s and the AST's 10 s: a clip of half a second takes as long as one that fills it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from audioft.core.progress import about
from audioft.core.runtime import evaluating
from audioft.core.wording import counted
from audioft.evaluation.scoring import autocast
from audioft.models.encoder import Encoder
from audioft.models.log_mel import LogMel

SILENT = 0.2  # the share of silence from which on it is told


@dataclass(frozen=True)
class Windows:
    """The windows of clips as an encoder computes them.

    Attributes:
        count: how many there are.
        sound: seconds of sound in them, overlaps counted each time.
        computed: seconds that go through the encoder for them.
        longest: seconds of the longest, as it is computed.
        cut: whether a clip is longer than a window.
    """

    count: int
    sound: float
    computed: float
    longest: float
    cut: bool

    def __add__(self, other: Windows) -> Windows:
        computed, longest = self.computed + other.computed, max(self.longest, other.longest)
        return Windows(self.count + other.count, self.sound + other.sound, computed, longest, self.cut or other.cut)

    @property
    def silence(self) -> float:
        """The share, 0 to 1, of what goes through that is not sound."""
        return 1 - self.sound / self.computed if self.computed else 0.0

    @property
    def mean(self) -> float:
        """Seconds of a window as it is computed."""
        return self.computed / self.count if self.count else 0.0


def windows(seconds: Sequence[float], max_seconds: float, canvas: float, crops: bool = False) -> Windows:
    """The windows of clips; as `audio.windows.spans` has them, every window of a longer clip is full.

    Args:
        seconds: the length of each clip; one whose length is not known (0) is left out.
        max_seconds: of a window.
        canvas: seconds that go through for a shorter window; 0 where there is no canvas.
        crops: take one window of a longer clip, as training does.

    >>> windows([0.5, 25.0], 10, 30)
    Windows(count=4, sound=30.5, computed=120.0, longest=30.0, cut=True)
    """
    known = [s for s in seconds if s > 0]
    counts = [1 if crops else max(1, math.ceil(s / max_seconds - 1e-6)) for s in known]
    lengths = [min(s, max_seconds) for s in known]
    laid = [max(s, float(canvas)) for s in lengths]
    sound, computed = (sum(n * s for n, s in zip(counts, x, strict=True)) for x in (lengths, laid))
    return Windows(sum(counts), sound, computed, max(laid, default=0.0), any(s > max_seconds for s in known))


def length(encoder: Encoder | LogMel) -> float:
    """Seconds of an encoder's canvas, in seconds of the recording; 0 where it has none."""
    return encoder.canvas_samples / encoder.preprocessing.hearing.per_second


def seconds_of_one(encoder: Encoder, precision: str = "fp32") -> float:
    """Seconds that an encoder takes for one canvas, whatever lies on it, measured now on its device."""
    device = next(encoder.parameters()).device
    lengths = torch.tensor([encoder.canvas_samples], device=device)
    noise = torch.randn(1, encoder.canvas_samples, generator=torch.Generator().manual_seed(0)).to(device)
    with evaluating(encoder), torch.inference_mode(), autocast(device, precision):
        if device.type == "cuda":  # what is done once only is no part of it
            encoder.frames(noise, lengths)
            torch.cuda.synchronize(device)
        began = time.perf_counter()
        encoder.frames(noise, lengths)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    return time.perf_counter() - began


def told(
    encoder: Encoder, found: Windows, max_seconds: float, seconds: float, what: str = "", processes: int = 1
) -> str:
    """A sentence on the silence that a pass computes, how long it takes, and what helps.

    Args:
        encoder: one with a canvas.
        found: the windows of the pass.
        max_seconds: of a window.
        seconds: that one canvas takes.
        what: of how many clips the pass is, in words; so many windows if not given.
        processes: that share them.
    """
    canvas = length(encoder)
    longest = round(encoder.max_seconds * encoder.hearing.expansion, 2)
    remedy = "an encoder without a canvas, as mini, computes the sound alone"
    if found.cut and max_seconds < canvas:
        remedy = f"data.max_seconds={longest:g} fills it, and takes fewer windows"
    each = f"{seconds:.1f} s" if seconds >= 0.1 else f"{1000 * seconds:.0f} ms"
    of = what or counted(found.count, "window")
    return (
        f"every window is laid on a canvas of {canvas:.3g} s: {found.silence:.0%} of what is computed is silence; "
        f"{about(found.count * seconds / processes)} for one pass over {of}, {each} a window however short; {remedy}"
    )
