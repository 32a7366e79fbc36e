"""What happens when in recordings, written and drawn: the steps behind `audioft predict` with times."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shlex
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Unpack

from audioft.audio.isolated_decoder import piped
from audioft.audio.live import Raw
from audioft.core.places import folder_for, no_empty_folders
from audioft.core.progress import Console
from audioft.core.signals import answered
from audioft.data.clip import Clip
from audioft.data.inputs import unlabelled
from audioft.data.recorded.calendar import Calendar
from audioft.data.true_labels import TrueLabels
from audioft.errors import DataError, UsageError
from audioft.inference.activity_tables import ActivityWriter
from audioft.inference.event_formats import unused
from audioft.inference.event_tables import TimeWriter
from audioft.inference.listening import listening
from audioft.inference.picture import Picture
from audioft.inference.predictor import Predictor
from audioft.inference.recording_events import Step
from audioft.inference.timeline import Rules
from audioft.inference.window_grid import Grid
from audioft.models.card import ModelCard

LIVE = "-"
#: What people call a class of recordings in which nothing happens.
_NOTHING = ("background", "noise", "silence", "nothing", "none", "nocall", "other", "_background_noise_")


def follow(
    predictor: Predictor,
    inputs: Sequence[str],
    writer: TimeWriter | ActivityWriter,
    rules: Rules,
    *,
    raw: str | None,
    pictures: Path | None,
    console: Console,
    calendar: Calendar | None = None,
    told: str | None = None,
    need: str | None = None,
    **grid: Unpack[Grid],
) -> None:
    """Label recordings over time and write what is found as it is found.

    Args:
        predictor: the model.
        inputs: files, folders and patterns; or `-` alone for standard input.
        writer: where it is written; opened once the rest is known to be right.
        rules: how scores become events.
        raw: what standard input holds where it has no header, see `Raw.parse`.
        pictures: a folder for a picture a recording; None for none.
        console: where progress goes.
        calendar: looks up when and where recordings were made, before they are labelled; None for not at all.
        told, need: see `Calendar.read`.
        grid: `window` and `hop` in seconds, see `Predictor.timeline`.

    Raises:
        UsageError: the inputs do not go together.
        DataError: there are none.
    """
    predictor.grid(**grid)
    if LIVE in inputs:
        if len(inputs) > 1:
            raise UsageError("- is standard input, and the only input then; leave out the others")
        if pictures is not None:
            raise UsageError("--plot needs the recording twice, and standard input comes once; save it to a file first")
        if calendar is not None:
            raise UsageError("- has no name that says when and where it was recorded; save it to a file first")
        form = None if raw is None else Raw.parse(raw)
        blocks = piped(0, predictor.hearing, form)
        with writer, _interruptible() as stopped:
            blocks = itertools.takewhile(lambda _: not stopped.is_set(), blocks)
            assert isinstance(writer, TimeWriter)
            for step in predictor.live(blocks, rules=rules, **grid):
                writer.write(Clip(Path(LIVE), LIVE), step)
        return
    if raw is not None:
        raise UsageError("--raw says what standard input holds; give - as the input, or leave it out")
    notes: list[str] = []
    clips, failures = unlabelled(inputs, notes)
    for note in notes:
        console.say(f"note: {note}")
    if not clips and not failures:
        raise DataError("nothing to label: no inputs were given")
    _refuse_inputs(writer, clips, None if calendar is None else calendar.table)
    if calendar is not None:
        for note in calendar.read(clips, told, need):
            console.say(f"note: {note}")
    clips = [c for c in clips if c.name not in writer.done]
    done = 0.0
    place = contextlib.nullcontext() if pictures is None else no_empty_folders(pictures)
    with place, writer, listening(console, "labelling", clips) as progress:
        drawing = None if pictures is None else _Drawing(pictures, predictor)
        for step in predictor.follow(clips, rules, **grid):
            clip = clips[step.index]
            writer.write(clip, step)
            if drawing is not None:
                drawing.take(clip, step)
            if len(step.moments):
                progress(done + float(step.moments.ends[-1]))
            if step.summary is not None:
                done += step.summary.seconds
        for failure in failures:
            writer.fail(failure)


def without_background(card: ModelCard, frame_level: bool) -> list[str]:
    """A sentence of a model that has to hear one of its labels at every moment, with what to do."""
    if card.multilabel or frame_level or card.background is not None:
        return []
    near = [label for label in card.labels if label.lower() in _NOTHING]
    remedy = (
        "train it with recordings in which nothing happens (data.negatives), or with what lies between labels with "
        "times (events.background=class)"
    )
    if near:
        call = f"audioft relabel MODEL --background {shlex.quote(near[0])} --out NEW"
        remedy = f"if {near[0]!r} is background, `{call}` says so"
    return [f"the model knows no background, and hears one of its labels at every moment, in noise too; {remedy}"]


@contextlib.contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """The first Ctrl-C ends what arrives, so that it is labelled to its end; the second one ends the program."""
    stopped = threading.Event()
    before = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: object) -> None:
        stopped.set()
        signal.signal(signal.SIGINT, before)

    with answered(stop, signal.SIGINT):
        yield stopped


def _refuse_inputs(writer: TimeWriter | ActivityWriter, clips: Sequence[Clip], table: Path | None) -> None:
    """Say so where what is written would replace a recording, the labels beside it, or the `table` of recordings."""
    recordings = [os.path.realpath(clip.path) for clip in clips] if writer.places else []
    for place in writer.places:
        out = os.path.realpath(place)
        if table is not None and out == os.path.realpath(table):
            raise UsageError(f"--out {writer.places[0]} would replace --recorded {table}; give another path")
        if out in recordings:
            raise UsageError(f"--out {place} is one of the recordings; give another path")
        if writer.form == "audacity" and any(out == os.path.dirname(path) for path in recordings):
            raise UsageError(f"--out {place} holds the recordings, and perhaps labels of yours; give another folder")


class _Drawing:
    """A picture for each recording, or its pages, drawn at its end."""

    def __init__(self, folder: Path, predictor: Predictor):
        folder_for(folder, "--plot")
        self.folder, self.labels, self.hearing = folder, predictor.labels, predictor.hearing
        self.taken: set[str] = set()
        self.true = TrueLabels()
        self.picture: Picture | None = None

    def take(self, clip: Clip, step: Step) -> None:
        picture = self.picture = self.picture or Picture(self.labels, self.true.of(clip.path), self.hearing)
        moments = step.moments
        picture.add(moments.starts, moments.ends, moments.scores, step.events)
        if step.summary is not None:
            if step.summary.scores is not None:
                name = functools.partial(unused, self.taken, clip)
                picture.save(lambda ending: self.folder / name(ending), clip, step.summary.error)
            self.picture = None
