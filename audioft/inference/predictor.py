"""A saved model and recordings to label."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from audioft.audio import remarks
from audioft.audio.arriving import arriving
from audioft.audio.hearing import Hearing
from audioft.audio.silence import Changes
from audioft.audio.sounds import Sound
from audioft.core.progress import Progress
from audioft.data.clip import Clip
from audioft.data.windowed import Window, clip_windows, windows_of
from audioft.errors import UsageError
from audioft.evaluation.labelling.recording_vectors import Embeddings
from audioft.evaluation.labelling.window_scores import ClipScore, by_clip
from audioft.inference import saved
from audioft.inference.given import Inputs, heard, one_heard
from audioft.inference.prediction import Prediction
from audioft.inference.recording_events import Rules, Step, follow
from audioft.inference.timeline import Scores, Timeline
from audioft.inference.window_grid import Grid, windows_in

if TYPE_CHECKING:
    from audioft.evaluation.labelling.torch_labeller import TorchLabeller
    from audioft.models.classifier import AudioClassifier


class Predictor:
    """Labels recordings with a saved model: `predict` takes files, arrays with their rate, and lists of them.

    Args:
        path: a model folder, or a run folder that holds one; a classifier that transformers wrote, as a folder or by
            its hub id; or what `audioft export` wrote, a file or its folder, for which torch is not needed.
        device: `auto`, `cpu`, `cuda`.
        precision: `fp32`, `bf16`, or `auto` for bf16 where the device computes in it natively; scores in bfloat16
            differ by about 2e-2.
        batch_seconds: audio that goes through at once; it changes no score by more than rounding. By default 20 on a
            processor and 60 on a GPU.

    Raises:
        UsageError: there is no such folder, or no such device.
        ModelError: the folder is not a whole model.

    Example:
        >>> predictor = Predictor(trained)
        >>> predictor.labels
        ('go', 'left', 'right', 'stop')
        >>> [p.label in predictor.labels for p in predictor.predict("samples/recordings/ada_letter.ogg")]
        [True]
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        device: str = "auto",
        precision: str = "fp32",
        batch_seconds: float | None = None,
    ):
        self.folder, self.card, self.labeller = saved.load(path, device, precision, batch_seconds)
        self.precision, self.batch_seconds = self.labeller.precision, batch_seconds
        self._thresholds = np.array(self.card.thresholds or [0.5] * len(self.card.labels))

    def __repr__(self) -> str:
        return f"<Predictor of {self.folder}: {len(self.labels)} labels, a window of {self.window:g} s>"

    @property
    def model(self) -> AudioClassifier:
        """The model itself.

        Raises:
            UsageError: it is an exported one, of which there is only what it says.
        """
        return self._of_torch.model

    @property
    def scoring(self) -> AudioClassifier:
        """The model that scores: `model`, or in bfloat16 one whose large weights are cast once and for all."""
        return self._of_torch.scoring

    @property
    def _of_torch(self) -> TorchLabeller:
        if not hasattr(self.labeller, "model"):
            raise UsageError(
                f"{self.folder} is an exported model, which labels recordings (`audioft predict`) and nothing else; "
                "give the model folder or the run that it was exported from"
            )
        return self.labeller  # type: ignore[return-value]

    @property
    def hearing(self) -> Hearing:
        """How recordings reach the model."""
        return Hearing.of(self.labeller.prepare.hearing)

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the scores."""
        return self.card.labels

    @property
    def window(self) -> float:
        """Seconds: the window the model was trained on, or the longest that its encoder takes."""
        return min(self.card.window, self.labeller.max_seconds)

    def rules(self, threshold: float | None = None, **how: float | None) -> Rules:
        """How scores become events: the model's own, with what is given (and not None) in its place; see `Rules`.

        Args:
            threshold: for all labels.
            how: `release`, `min_seconds`, `close_gaps`.
        """
        skip = () if self.card.background is None else (self.card.background,)
        return Rules.of(self._thresholds.tolist(), self.card.segments, skip).but(threshold, **how)

    def scores(
        self, clips: Sequence[Clip | Sound], progress: Progress | None = None, **grid: Unpack[Grid]
    ) -> Iterator[ClipScore]:
        """Raw scores of clips, each as one, in their order; `window` and `hop` as for `predict`."""
        window, hop = self.grid(**grid, overlap=0)
        return by_clip(self.labeller.scores(self._windows(clips, window, hop)), progress)

    def _windows(self, clips: Sequence[Clip | Sound], window: float, hop: float) -> Iterator[Iterator[Window]]:
        return (clip_windows(clip, self.labeller.prepare, window, hop, dead=False) for clip in clips)

    def predict(
        self,
        inputs: Inputs,
        progress: Progress | None = None,
        *,
        rate: int | None = None,
        threshold: float | None = None,
        **grid: Unpack[Grid],
    ) -> Iterator[Prediction]:
        """One prediction a recording, in their order: the mean of its windows' probabilities.

        A recording that cannot be read has no label and its `error` set; one that breaks off is labelled by what came
        before, and has its `error` set, too.

        Args:
            inputs: one recording or a list: a file, a folder or a pattern (whose recordings follow one another); an
                array or a tensor of samples with a `rate`, or a pair `(samples, rate)`. Samples are floats between -1
                and 1, or integers as files have them, of shape `(T,)`; `(1, T)`, `(2, T)`, `(T, 1)` and `(T, 2)` are
                mixed to mono. Predictions of arrays have the `path` "the array" or, in a list, as "inputs[0]".
            progress: told how many seconds of the recordings have been heard.
            rate: of arrays, samples a second; none is assumed.
            threshold: score that a label must reach to be among `labels`, 0 to 1: in place of the model's own where a
                recording may have several; where it has one, the best is among them in any case if not given.
            grid: `window` in seconds, the one the model was trained on if not given, and `hop`, `window` if not given.

        Raises:
            TypeError: something else was given, or nothing is known of its kind.
            UsageError: an array without a rate, or of another shape.

        Example:
            >>> samples = np.random.default_rng(0).uniform(-0.1, 0.1, 16000)
            >>> (p,) = Predictor(trained).predict(samples, rate=16000)
            >>> p.path, p.error
            ('the array', None)
        """
        clips, failures = heard(inputs, rate)
        own = self._thresholds if threshold is None else np.full(len(self.labels), threshold)
        limits = own if self.card.multilabel or threshold is not None else None

        def found() -> Iterator[Prediction]:
            for one in self.scores(clips, progress, **grid):
                clip, several = clips[one.index], self.card.multilabel
                yield Prediction.of(clip.name, one, self.labels, limits, several, remarks.of(clip.path))
            for failure in failures:
                yield Prediction(failure.path, None, float("nan"), error=failure)

        return found()

    def embed(self, clips: Sequence[Clip], progress: Progress | None = None) -> Embeddings:
        """Embeddings of recordings: what says who speaks, also of speakers the model was not trained on.

        Args:
            clips: each is heard in windows as long as the clips that the model was trained on.
            progress: told how many seconds of the clips have been heard.

        Raises:
            UsageError: the model labels frames, so that it has no embedding of a clip.
        """
        return self.labeller.embed(clips, window=self.window, progress=progress)

    def follow(self, clips: Sequence[Clip | Sound], rules: Rules | None = None, **grid: Unpack[Grid]) -> Iterator[Step]:
        """Recordings from beginning to end, in their order, as steps with windows and events; in flat memory.

        Args:
            clips: what to follow.
            rules: how scores become events; the model's own if not given.
            grid: `window` and `hop`, as for `timeline`.
        """
        window, hop = self.grid(**grid)
        return self._steps(self._windows(clips, window, hop), rules)

    def _steps(self, sources: Iterable[Iterator[Window]], rules: Rules | None, at_once: bool = False) -> Iterator[Step]:
        own = self.labeller
        found = own.scores(sources, at_once=at_once)
        return follow(found, self.labels, rules or self.rules(), own.seconds_per_frame, own.frame_level)

    def timeline(
        self,
        path: str | os.PathLike[str] | np.ndarray | tuple[Any, int],
        *,
        rate: int | None = None,
        window: float | None = None,
        hop: float | None = None,
    ) -> Timeline:
        """What happens when in a recording.

        Args:
            path: of any length, as a timeline holds scores, not samples; or samples, as `predict` takes them.
            rate: of samples, Hz.
            window: seconds; the one the model was trained on if not given.
            hop: seconds between two windows; half a window if not given.

        Raises:
            TypeError, UsageError: as for `predict`.

        Returns:
            Scores over time, and `segments()` to be taken from them. Of a recording that breaks off, up to there.

        Example:
            >>> timeline = Predictor(trained).timeline("samples/recordings/ada_letter.ogg", window=1.0)
            >>> timeline.windows.scores.shape[1], timeline.error
            (4, None)
        """
        clip = one_heard(path, rate)
        steps = list(self.follow([clip], window=window, hop=hop))
        end = steps[-1].summary
        assert end is not None
        count = len(self.labels)
        return Timeline(
            clip.name,
            self.labels,
            Scores.joined([s.windows for s in steps if len(s.windows)], count),
            Scores.joined([s.moments for s in steps if len(s.moments)], count),
            end.seconds,
            end.error,
            self.rules(),
            self.hearing,
        )

    def stream(self, blocks: Iterable[np.ndarray], rate: int | None = None, **grid: Unpack[Grid]) -> Iterator[Scores]:
        """Scores of what arrives live: each window as soon as its last sample is there, the same as of a file.

        Args:
            blocks: arrays `(T_i,)` float32, mono, that follow one another.
            rate: of the blocks, Hz; the encoder's if not given, unless it hears recordings slowed down or shifted.
            grid: `window` and `hop`, as for `timeline`.

        Yields:
            One stretch a window; of a model that labels frames, several frames at once as they become certain.

        Raises:
            AudioError: nothing, or under 25 ms, came.
            UsageError: no rate, and a model that hears recordings in another way than they are.
        """
        if rate is None and not self.hearing.plain:
            raise UsageError(
                f"this model hears recordings {self.hearing}: say how many samples a second the blocks "
                "have, stream(blocks, rate=384000)"
            )
        for step in self.live(blocks, rate, **grid):
            if len(step.windows):
                yield step.windows
            if step.summary is not None and step.summary.error is not None:
                raise step.summary.error

    def live(
        self, blocks: Iterable[np.ndarray], rate: int | None = None, rules: Rules | None = None, **grid: Unpack[Grid]
    ) -> Iterator[Step]:
        """As `follow`, of one recording that arrives block by block; without a `rate`, as it reaches the encoder."""
        window, hop = self.grid(**grid)
        changes = Changes()
        heard: Iterable[np.ndarray] = changes.seen(blocks)
        if rate is not None:
            heard = arriving("-", heard, int(rate), self.hearing)
        how: Any = {"dead": False, "live": True, "quiet": changes.sound}
        return self._steps([windows_of(heard, "-", self.labeller.prepare, window, hop, **how)], rules, at_once=True)

    def grid(self, window: float | None = None, hop: float | None = None, overlap: float = 0.5) -> tuple[float, float]:
        """Window and hop in seconds; the hop of whole frames where frames are labelled, so that they coincide.

        Args:
            window: the one the model was trained on if None.
            hop: None for windows that overlap by the share `overlap`.

        Raises:
            UsageError: the window is under 25 ms or longer than the encoder takes, or the hop is longer than the
                window.
        """
        return windows_in(self.labeller, window or self.window, hop, overlap)
