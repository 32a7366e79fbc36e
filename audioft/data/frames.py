"""Windows of annotated recordings for training, with a target for every frame of the encoder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audioft.annotations.event import Event
from audioft.annotations.frames import targets_of
from audioft.core.runtime import generator
from audioft.data.clip import Clip
from audioft.data.dataset import TrainingClips
from audioft.errors import DataError


@dataclasses.dataclass(frozen=True, slots=True)
class FrameGrid:
    """Where an encoder's frames lie.

    Attributes:
        convolutions: kernel and stride of each, in samples of its input.
        rate: samples for a second of the recording.

    >>> FrameGrid(((400, 320),), 16000).count(719), FrameGrid(((400, 320),), 16000).seconds
    (1, 0.02)
    """

    convolutions: tuple[tuple[int, int], ...]
    rate: int

    def count(self, samples: int) -> int:
        """How many frames so many samples give."""
        for kernel, stride in self.convolutions:
            samples = (samples - kernel) // stride + 1
        return max(0, samples)

    @property
    def seconds(self) -> float:
        """From one frame to the next."""
        return float(np.prod([stride for _, stride in self.convolutions])) / self.rate

    def edges(self, samples: int) -> tuple[np.ndarray, np.ndarray]:
        """Beginnings and ends of the frames of a window, in seconds from its beginning; the last reaches to its end."""
        starts = self.seconds * np.arange(self.count(samples))
        return starts, np.append(starts[1:], samples / self.rate)


def require_shown(events: Iterable[Event], seconds: float) -> None:
    """Refuse labels that no frame would show: those whose every event is shorter than half a frame.

    Args:
        events: of the recordings that are learnt from.
        seconds: of a frame.

    Raises:
        DataError: names the labels, the length of their longest event and the remedy.
    """
    longest: dict[str, float] = {}
    for event in events:
        longest[event.label] = max(longest.get(event.label, 0.0), event.seconds)
    said = (
        "no frame of {:g} s would show {!r}, whose longest event lasts {:g} s; give its events an end, leave it out "
        "(data.drop), or cut clips (events.use=clips)"
    )
    short = [said.format(seconds, label, most) for label, most in sorted(longest.items()) if most < seconds / 2 - 1e-9]
    if short:
        raise DataError(short)


class TrainingWindows(TrainingClips):
    """Windows drawn from annotated recordings: each of the clips, moved by up to half its length, with frame targets.

    Args:
        clips: windows that cover their recordings, see `event_clips.as_windows`.
        events: of each recording, by the clips' name.
        labels: the C labels, in order.
        grid: of the encoder's frames.
        more: the further arguments of `TrainingClips`; its targets are those of whole windows, for balanced sampling.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        events: Mapping[str, Sequence[Event]],
        labels: Sequence[str],
        grid: FrameGrid,
        **more: Any,
    ):
        super().__init__(clips, **more)
        self.events, self.labels, self.grid = events, tuple(labels), grid
        self.ends: dict[str, float] = {}
        for clip in clips:
            self.ends[clip.name] = max(self.ends.get(clip.name, 0.0), clip.end or 0.0)

    def _heard(self, index: int, address: tuple) -> tuple[Tensor, Tensor, Tensor]:
        start, end = self._crop(index, address)
        waveform = self._augmented(index, address, start, end)
        starts, ends = self.grid.edges(max(len(waveform), self.prepare.min_samples))
        # what lies outside of the window does no harm, but takes time
        last = start + len(waveform) / self.grid.rate
        near = [e for e in self.events[self.clips[index].name] if e.end > start and e.start < last]
        targets = torch.from_numpy(targets_of(near, self.labels, start + starts, start + ends))
        return waveform, targets, torch.ones(targets.shape, dtype=torch.bool)

    def _crop(self, index: int, address: tuple) -> tuple[float, float | None]:
        clip = self.clips[index]
        if clip.end is None:
            return clip.start, clip.end
        length = clip.end - clip.start
        start = clip.start + generator(*address, "crop").uniform(-0.5, 0.5) * length
        start = min(max(0.0, start), self.ends[clip.name] - length)
        return start, start + length
