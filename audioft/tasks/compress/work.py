"""What all steps of a compression work with: the model, the data, and some clips to measure its layers by."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from audioft.assembly import build, labelled_clips, reading
from audioft.assembly.distilling import students
from audioft.assembly.recordings import Data
from audioft.configuration.config import Config
from audioft.core.progress import Console
from audioft.core.runtime import Processes
from audioft.core.wording import counted
from audioft.data.batching import pad
from audioft.data.windowed import clip_windows
from audioft.errors import AudioError, DataError, UsageError
from audioft.evaluation import metrics
from audioft.evaluation.scoring import preparation
from audioft.inference.predictor import Predictor
from audioft.models import folder as model_folder
from audioft.models.card import ModelCard
from audioft.models.compression.importance import Batch
from audioft.models.ensembles.ensemble import Ensemble

CLIPS, SECONDS = 64, 120.0  #: of calibration clips, at most; seconds as the encoder hears them
SMALLEST = "mini"  #: what learns at last
TOGETHER = 20.0  #: seconds of a batch of them


@dataclass(frozen=True)
class Learning:
    """Who learns from the original, and from what besides the data; see `audioft.compress`."""

    student: str | int | None = None
    unlabelled: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Work:
    """What a compression works with.

    Attributes:
        name: the model, as it was given.
        folder: where its state is kept while it lasts.
        original: the model in its folder.
        parts: data and settings of training again, with the model as it is.
        side: by which a smaller model is proved to agree, `valid` or `test`.
        rows: positions of its clips, but for those that the original was trained on.
        metric: the score, a key of `METRICS`.
        learning: see `Learning`.
        calibration: some clips of the training side, or of the validation side where there is none.
        console: where messages go.
    """

    name: str
    folder: Path
    original: Predictor
    parts: build.Parts
    side: str
    rows: np.ndarray
    metric: str
    learning: Learning
    calibration: Sequence[Batch]
    console: Console

    @property
    def card(self) -> ModelCard:
        """What the original's folder says of it."""
        return self.original.card

    @property
    def joined(self) -> bool:
        """Whether the original is an ensemble; then `parts` has the first student, before it has learnt."""
        return isinstance(self.original.model, Ensemble)

    @property
    def multilabel(self) -> bool:
        """Whether a clip may have several labels."""
        return self.original.card.multilabel

    @property
    def data(self) -> Data:
        """The recordings, each on its side."""
        return self.parts.data


def opened(name: str, how: Sequence[str]) -> Predictor:
    """The model that is to be made smaller.

    Raises:
        UsageError: it is none that can be.
    """
    found = Predictor(name, device="cpu")
    model = found.model
    if isinstance(model, Ensemble):
        if not set(how) <= {"distil", "quantise"} or "distil" not in how:
            raise UsageError(
                f"{name} holds {counted(len(model.members), 'model')} joined into one; --how distil,quantise has one "
                f"learn from all of them; or compress a member, as {found.folder / 'members' / '0'}"
            )
        return found
    if model_folder.is_small(found.folder):
        raise UsageError(
            f"{name} holds an adapter without its encoder; make it whole first, `audioft merge {name} --out WHOLE`, "
            "and compress that"
        )
    if model.encoder.compressed:
        raise UsageError(f"{name} is compressed already; compress the model that it was made of")
    if model.frame_level:
        raise UsageError(f"{name} labels frames; compress measures models that label clips")
    return found


@contextlib.contextmanager
def start(original: Predictor, name: str, learning: Learning) -> Iterator[str]:
    """What training begins from: the model itself, or of an ensemble its first student before it has learnt."""
    if not isinstance(original.model, Ensemble):
        yield name
        return
    with tempfile.TemporaryDirectory() as held:
        place = Path(held) / "student"
        asked = students.Asked.of(learning.student or SMALLEST)
        students.begin(asked, original.model, original.card, original.folder, place, 0)
        yield str(place)


def begun(
    original: Predictor,
    name: str,
    config: Config,
    side: str,
    metric: str | None,
    folder: Path,
    learning: Learning,
    console: Console,
) -> Work:
    """Read the data and get ready.

    Args:
        original: from `opened`.
        name: as it was given.
        config: of training again, the data and the model to begin from in it.
        side: by which a smaller model is to agree.
        metric: the score; None for the usual one.
        folder: for the state.
        learning: see `Learning`.
        console: where messages go.

    Raises:
        DataError: labels that the model does not know, or no clips on that side that are new to it.
    """
    card = original.card
    several = _refuse_others(card, config)
    parts = build.assembled(config, Processes("cpu"), console, "fp32")
    data = parts.data
    main = metrics.metric(metric or ("map" if several else "accuracy"), several)
    if not main.higher_is_better:
        raise UsageError(f"--metric {main.name} is a loss; give one of which more is better, as accuracy or map")
    rows = _new(data, side, name, console)
    calibration = _calibration(original, data, "train" if len(data.side("train")) else side)
    return Work(name, folder, original, parts, side, rows, main.name, learning, calibration, console)


def _refuse_others(card: ModelCard, config: Config) -> bool:
    """Say of data before it is heard that it has other labels than a model; else whether a clip may have several.

    Raises:
        DataError: it has labels that the model does not know, or may give a clip several where the model gives one.
    """
    manifest = reading.of_config(config).clips(str(config.data.source))
    named = labelled_clips.named(manifest.clips, several=manifest.multilabel, may=card.multilabel)
    labelled_clips.refuse_unknown(card.labels, named, config.data.rename)
    if manifest.multilabel != card.multilabel:
        raise DataError(
            "the model may give a clip several labels, the data gives exactly one; write them in a column `labels`"
        )
    return manifest.multilabel


def _new(data: Data, side: str, name: str, console: Console) -> np.ndarray:
    """The clips of a side that a model was not trained on, which show nothing of what is lost."""
    rows = data.side(side)
    if not len(rows):
        kept = "leave data.valid out" if side == "valid" else "set data.test"
        raise DataError(
            f"the data has no clips on the {side} side, by which a smaller model is proved to agree; {kept}, or say in "
            "a column `split` which they are"
        )
    known = data.before.all
    new = np.array([known.side(*one) != "train" for one in data.asked(side)])
    if not new.any():
        other = "--side test takes those it was tested on" if side == "valid" else "give recordings that are new to it"
        raise DataError(
            f"{name} was trained on all {counted(len(rows), 'clip')} of the {side} side, which cannot show what a "
            f"smaller model loses; {other}"
        )
    if not new.all():
        console.say(
            f"note: {int((~new).sum())} of {len(rows)} clips of the {side} side are left out: {name} learnt them"
        )
    return rows[new]


def _calibration(original: Predictor, data: Data, side: str) -> list[Batch]:
    """Clips of a side from the first to the last, evenly, the beginning of each."""
    encoder, prepare = original.model.encoder, preparation(original.model)
    rows = data.side(side)
    least = encoder.canvas_samples
    each, most = list[tuple[int, torch.Tensor]](), SECONDS * encoder.sample_rate
    for row in rows[:: max(1, len(rows) // CLIPS)][:CLIPS].tolist():
        try:
            window = next(clip_windows(data.manifest.clips[row], prepare, original.window))
        except (AudioError, StopIteration):
            continue
        taken = max(len(window.waveform), least)
        if each and taken > most:
            break
        each.append((row, window.waveform))
        most -= taken
    if not each:
        raise DataError(f"none of the clips of the {side} side could be read")
    longest = max(max(len(w), least) for _, w in each)
    size = max(1, int(TOGETHER * encoder.sample_rate / longest))
    return [_batch(data, each[i : i + size]) for i in range(0, len(each), size)]


def _batch(data: Data, some: Sequence[tuple[int, torch.Tensor]]) -> Batch:
    rows = np.array([row for row, _ in some])
    waveforms, lengths = pad([w for _, w in some])
    targets, known = torch.from_numpy(data.targets[rows]), torch.from_numpy(data.known[rows])
    return Batch(waveforms, lengths, targets.float(), known)
