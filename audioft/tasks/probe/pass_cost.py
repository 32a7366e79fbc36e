"""What a frozen pass costs: seconds for a minute of sound, and memory; kept beside the features that it made.

A cost holds for clips alike. What decides it besides the encoder is the length of its windows, as they are computed: a
short clip takes longer a second, on a canvas by as much as the canvas is longer; and attention grows with the square of
a long one. So what is kept is told again where windows are about as long, scaled by how much of what is computed is
sound. Where they are not, some of the clips go through anew.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from audioft.core import disk_cache, storage
from audioft.data.clip import Clip
from audioft.errors import AudioftError
from audioft.evaluation import canvas
from audioft.evaluation.embeddings import Embeddings, embed_clips
from audioft.evaluation.labelling.window_scores import BATCH_SECONDS
from audioft.models.encoder import Encoder
from audioft.models.log_mel import LogMel

FILE = "cost.json"
VERSION = 2
MOST = 20  # costs that are kept of an encoder; the oldest go
LEAST_SECONDS = 2.0  # computed, under which a speed says nothing
ALIKE = 1.5  # lengths that differ by a smaller factor cost alike
BATCHES = 2  # that go through where a cost is measured anew


@dataclass(frozen=True)
class Cost:
    """What a pass cost, see `encoder_pass.Passed`."""

    seconds_per_minute: float | None = None
    peak_bytes: int | None = None


class Costs:
    """What a pass over clips costs, as it is measured or as it was kept.

    Args:
        encoder: on its device.
        clips: N clips.
        seconds: the length of each.
        max_seconds: of a window, of the recording as all times here.
        batch_seconds: as asked for, see `embed_clips`.
    """

    def __init__(
        self,
        encoder: Encoder | LogMel,
        clips: Sequence[Clip],
        seconds: Sequence[float],
        max_seconds: float,
        batch_seconds: float | None,
    ):
        self.encoder, self.clips, self.seconds = encoder, clips, seconds
        self.max_seconds, self.batch_seconds = max_seconds, batch_seconds
        self.windows = canvas.windows(seconds, max_seconds, canvas.length(encoder))
        self.device = next((p.device for p in encoder.parameters()), torch.device("cpu"))
        self.path: Path | None = None
        self.kept: list[dict[str, Any]] = []

    def read(self, folder: Path | None) -> None:
        """Take what was kept in the folder of the encoder's features; of a damaged file nothing."""
        if folder is None:
            return
        self.path, found = folder / FILE, None
        disk_cache.used(self.path)
        with contextlib.suppress(AudioftError):
            found = storage.read_json(self.path, AudioftError)
        entries = found.get("costs") if isinstance(found, dict) and found.get("version") == VERSION else None
        self.kept = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []

    def told(self, clips: int) -> str | None:
        """A sentence before a pass over so many of the clips; None where little of what is computed is silence."""
        encoder, found = self.encoder, self.windows
        if isinstance(encoder, LogMel) or not encoder.canvas_samples or not clips or found.silence < canvas.SILENT:
            return None
        known = self._known()
        speed = None if known is None else known.seconds_per_minute
        one = canvas.seconds_of_one(encoder) if speed is None else speed * found.sound / found.count / 60
        share = clips / len(self.clips)
        some = dataclasses.replace(found, count=math.ceil(share * found.count))
        return canvas.told(encoder, some, self.max_seconds, one)

    def of(self, found: Embeddings, peak: Callable[[], int | None]) -> Cost:
        """The cost of a pass that has come to `found`; `peak` tells the memory that was taken by now."""
        if found.reused > len(self.clips) // 2:
            known = self._known()
            if known is not None:
                return known
            found = self._anew()
        cost = Cost(self._speed(found), peak())
        self._keep(found, cost)
        return cost

    def _speed(self, found: Embeddings) -> float | None:
        return 60 * found.took / found.heard if found.computed >= LEAST_SECONDS and found.heard > 0 else None

    def _anew(self) -> Embeddings:
        """Some of the clips computed, the longest first, then what lies evenly between the others."""
        budget = BATCHES * (self.batch_seconds or BATCH_SECONDS.get(self.device.type, 60.0))
        budget *= self.encoder.sample_rate / self.encoder.preprocessing.hearing.per_second
        order = sorted(range(len(self.clips)), key=lambda i: -self.seconds[i])
        wanted = max(1, math.ceil(budget / max(self.windows.mean, 1e-3)))
        chosen = order[:: max(1, len(order) // wanted)][:wanted]
        part = [_beginning(self.clips[i], self.seconds[i], budget / len(chosen), self.max_seconds) for i in chosen]
        # the shortest once before: a process that decodes begins with the first
        for some in (part[-1:], part):
            found = embed_clips(self.encoder, some, max_seconds=self.max_seconds, batch_seconds=self.batch_seconds)
        return found

    def _key(self) -> dict[str, Any]:
        """What a cost is of besides the lengths of windows."""
        if self.device.type == "cuda":
            return {"device": torch.cuda.get_device_name(self.device), "batch_seconds": self.batch_seconds}
        return {"device": f"{self.device.type}, {torch.get_num_threads()} threads", "batch_seconds": self.batch_seconds}

    def _known(self) -> Cost | None:
        """The newest of the kept costs that holds for these clips."""
        entry = next(filter(self._holds, reversed(self.kept)), None)
        speed = None if entry is None else _above_0(entry.get("seconds_per_minute"))
        if entry is None or speed is None or not self.windows.sound:
            return None
        peak = _above_0(entry.get("peak_bytes"))
        return Cost(speed * self.windows.computed / self.windows.sound, None if peak is None else int(peak))

    def _holds(self, entry: dict[str, Any]) -> bool:
        """Whether a kept cost is of such a pass, over windows about as long."""
        mean, longest = (_above_0(entry.get(k)) for k in ("mean", "longest"))
        if mean is None or longest is None or any(entry.get(k) != v for k, v in self._key().items()):
            return False
        return _alike(mean, self.windows.mean) and _alike(longest, self.windows.longest)

    def _keep(self, found: Embeddings, cost: Cost) -> None:
        if self.path is None or cost.seconds_per_minute is None:
            return
        computed = cost.seconds_per_minute * found.heard / found.computed
        lengths = {"mean": self.windows.mean, "longest": self.windows.longest}
        measured = {"seconds_per_minute": computed, "peak_bytes": cost.peak_bytes}
        others = [e for e in self.kept if not self._holds(e)]
        self.kept = [*others, self._key() | lengths | measured][-MOST:]
        with contextlib.suppress(OSError, AudioftError):  # told of the features already
            self.path.parent.mkdir(parents=True, exist_ok=True)
            storage.write_json(self.path, {"version": VERSION, "costs": self.kept})


def _beginning(clip: Clip, seconds: float, share: float, max_seconds: float) -> Clip:
    """As much of a clip as its share of what goes through, in whole windows."""
    most = max_seconds * max(1, round(share / max_seconds))
    return clip if seconds <= most else dataclasses.replace(clip, end=clip.start + most)


def _alike(a: float, b: float) -> bool:
    return max(a, b) <= ALIKE * min(a, b)


def _above_0(value: Any) -> float | None:
    """What a file says, if it is such a number."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return value if known and 0 < value < math.inf else None
