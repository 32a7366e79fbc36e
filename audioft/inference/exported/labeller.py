"""An exported model as what labels recordings."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audioft.core.wording import first_line
from audioft.data.clip import Clip
from audioft.data.windowed import ArrayPreparation, Window, clip_windows
from audioft.errors import ModelError, UsageError
from audioft.evaluation.labelling.recording_vectors import NO_EMBEDDING, Embeddings
from audioft.evaluation.labelling.window_scores import Batching, WindowScores, by_clip, over_windows
from audioft.inference.exported import about as said
from audioft.inference.exported.session import opened


class OnnxLabeller:
    """See `Labeller`.

    Args:
        path: of the file.
        device: see `session.opened`.
        batch_seconds: audio that goes through at once; None is what suits the device.
        threads: of a processor, see there.

    Raises:
        ModelError, UsageError: of `about.read` and `session.opened`.
    """

    def __init__(
        self, path: Path, device: str = "auto", batch_seconds: float | None = None, threads: int | None = None
    ):
        self.path = path
        self.about, self._sha256 = said.read(path)
        self.session = opened(path, self.about, device, threads)
        kind = "cuda" if device.startswith("cuda") else "cpu"
        own = self.about
        self.batching = Batching.of(own.sample_rate, kind, batch_seconds, own.canvas_samples)
        # normalisation is in the graph, which has to know how long a clip is without the zeros that follow it
        self.prepare = ArrayPreparation(own.hearing, False, 0)
        self.frame_level, self.seconds_per_frame = own.frame_level, own.seconds_per_frame
        self.max_seconds, self.family, self.precision = own.max_seconds, own.family, own.precision
        self.notes: list[str] = []

    def probabilities(self, waveforms: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
        """Scores of each clip, `(1, C)` or of each of its frames `(F_i, C)`, float64.

        Args:
            waveforms: `(B, T)` float32, zero beyond each clip's end.
            lengths: `(B,)` int64 samples.
        """
        if not self.frame_level:
            return list(self._run(["scores"], waveforms, lengths)[0].astype(np.float64)[:, None])
        scores, counts = self._run(["scores", "frame_lengths"], waveforms, lengths)
        return [own[:count].astype(np.float64) for own, count in zip(scores, counts.tolist(), strict=True)]

    def directions(self, waveforms: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
        """The embedding of each clip, `(1, D)` float64 of length 1."""
        found = self._run(["embedding"], waveforms, lengths)[0].astype(np.float64)
        return list((found / np.linalg.norm(found, axis=1, keepdims=True).clip(1e-12))[:, None])

    def scores(self, sources: Iterable[Iterator[Window]], *, at_once: bool = False) -> Iterator[WindowScores]:
        return self._over(sources, self.probabilities, at_once)

    def embed(
        self, clips: Sequence[Clip], *, window: float, progress: Callable[[float], None] | None = None
    ) -> Embeddings:
        if self.frame_level:
            raise UsageError(NO_EMBEDDING)
        sources = (clip_windows(clip, self.prepare, window, dead=False) for clip in clips)
        return Embeddings.of(by_clip(self._over(sources, self.directions), progress))

    def fingerprint(self, about: Mapping[str, object]) -> str:
        return hashlib.sha256(json.dumps([self._sha256, about], sort_keys=True, default=str).encode()).hexdigest()

    def _over(
        self,
        sources: Iterable[Iterator[Window]],
        compute: Callable[[np.ndarray, np.ndarray], list[np.ndarray]],
        at_once: bool = False,
    ) -> Iterator[WindowScores]:
        padded = functools.partial(pad, least=self.about.min_samples)
        per_second = self.about.hearing.per_second
        return over_windows(sources, lambda batch: compute(*padded(batch)), self.batching, per_second, at_once)

    def _run(self, outputs: list[str], waveforms: np.ndarray, lengths: np.ndarray) -> list[Any]:
        try:
            return self.session.run(outputs, {"waveform": waveforms, "lengths": lengths})
        except Exception as e:  # of pybind, as when it is opened
            if "alloc" in str(e).lower():
                raise RuntimeError(f"out of memory: {first_line(e)}") from e
            raise ModelError(f"onnxruntime failed to run {self.path}: {first_line(e)}") from e


def pad(waveforms: Sequence[np.ndarray], least: int) -> tuple[np.ndarray, np.ndarray]:
    """Clips as one array `(B, T)`, zero beyond each clip's end, T at least `least`; and their lengths `(B,)`."""
    lengths = np.array([len(w) for w in waveforms], dtype=np.int64)
    padded = np.zeros((len(waveforms), max(least, int(lengths.max()))), np.float32)
    for row, waveform in zip(padded, waveforms, strict=True):
        row[: len(waveform)] = waveform
    return padded, lengths
