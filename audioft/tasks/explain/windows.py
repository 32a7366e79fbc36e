"""Which stretch of a recording is explained: the one in which the label scores highest."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np

from audioft.audio.hearing import Hearing
from audioft.audio.sounds import Sound
from audioft.data.clip import Clip
from audioft.data.dataset import Preparation
from audioft.data.windowed import clip_windows
from audioft.errors import AudioError
from audioft.evaluation.scoring import preparation, score_windows
from audioft.inference.predictor import Predictor


@dataclass(frozen=True)
class Heard:
    """A recording as a model answers for it.

    Attributes:
        starts, ends: `(W,)` of its windows, seconds.
        scores: `(W, C)` float64 probabilities; of a model that labels frames the mean over a window's frames.
        failure: why it breaks off after them; None if it does not.
    """

    starts: np.ndarray
    ends: np.ndarray
    scores: np.ndarray
    failure: AudioError | None

    @property
    def answer(self) -> np.ndarray:
        """`(C,)` probabilities of the recording as a whole."""
        return self.scores.mean(0)

    def best(self, label: int, most: int) -> list[int]:
        """The windows in which a label scores highest, the highest first."""
        return np.argsort(-self.scores[:, label], kind="stable")[:most].tolist()


def heard(predictor: Predictor, clip: Clip | Sound) -> Heard:
    """All windows of a recording, in the memory of a few of them; what comes of it depends on no other recording.

    A recording of which nothing can be heard has no windows, and says why.
    """
    window, hop = predictor.grid(overlap=0)
    prepare = preparation(predictor.model)
    windows = clip_windows(clip, prepare, window, hop, dead=False)
    several, batch = predictor.card.multilabel, predictor.batch_seconds
    starts, ends, scores = list[float](), list[float](), list[np.ndarray]()
    failure = None
    for one in score_windows(predictor.model, [windows], multilabel=several, batch_seconds=batch):
        if one.scores is not None:
            starts.append(one.start)
            ends.append(one.end)
            scores.append(one.scores.mean(0))
        failure = one.failure
    rows = np.stack(scores) if scores else np.zeros((0, len(predictor.labels)))
    return Heard(np.array(starts), np.array(ends), rows, failure)


def samples_at(hearing: Hearing, window: float, clip: Clip | Sound, start: float) -> np.ndarray | None:
    """The window that begins at `start` seconds as it reaches the encoder, before it is brought to a level.

    Args:
        hearing: of the encoder.
        window: seconds.
        clip: the recording; what comes after the window is not read.
        start: as `Heard.starts` has it.

    Returns:
        `(N,)` float32; None where there is no such window any more.
    """
    raw = Preparation(hearing, False, 0)
    with contextlib.suppress(AudioError):
        for one in clip_windows(clip, raw, window, window):
            if one.start >= round(start * raw.per_second):
                return one.waveform[: one.samples].numpy()
    return None
