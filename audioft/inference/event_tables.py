"""What happens when, written as it becomes known: as a table, or in the formats of other programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audioft.annotations.event import Event
from audioft.core.places import folder_for
from audioft.data.clip import Clip
from audioft.data.recorded.calendar import Calendar
from audioft.errors import AudioError, UsageError
from audioft.inference.event_formats import AudacityForm, Form, RavenForm, RttmForm
from audioft.inference.label_summary import LabelSummary
from audioft.inference.recording_events import Step, Summary
from audioft.inference.table_writer import TABLES, Rows, Writer, best, form_of
from audioft.inference.timeline import Scores

#: Columns of clock times, beside those of seconds; the last ones of summaries.
_CLOCK = (("clock_start", "clock_end"), ("clock_begin", "clock_first", "clock_last"))


class TimeWriter(Writer):
    """Writes steps of `Predictor.follow` to a file, a folder or standard output; failures also to a table beside.

    Args:
        out: a file, for `audacity` a folder; None for standard output.
        form: `csv`, `jsonl`, `audacity`, `raven` or `rttm`; None for that of the file's ending, or csv.
        what: `windows`, `segments` or `summary`; of the last three formats only `segments`.
        labels: of the model, in order.
        calendar: when recordings begin, for columns of clock times; None for none.
        how: see `Writer`; `top_k` and `all_scores` go with windows.

    Raises:
        UsageError: format, what and path do not go together, or the path cannot be written.
    """

    def __init__(
        self,
        out: str | Path | None,
        form: str | None,
        what: str,
        labels: tuple[str, ...],
        *,
        calendar: Calendar | None = None,
        **how: Any,
    ):
        path = None if out is None else Path(out)
        form = form or form_of(path, (*TABLES, "rttm"), ".csv, .jsonl or .rttm, or a --format")
        super().__init__(path, labels, form, **how)
        self.what, self.UNIT = what, {"windows": "window", "segments": "segment"}.get(what, "row")
        self.calendar = calendar
        if form not in TABLES and what != "segments":
            raise UsageError(f"--format {form} holds segments; with --what {what} use csv or jsonl")
        if form == "audacity" and path is None:
            raise UsageError("--format audacity writes a file a recording; name a folder for them with --out")
        if form == "audacity" and path is not None and (path.suffix or path.is_file()):
            raise UsageError(f"--out {path}: --format audacity writes a file a recording; name a folder for them")
        if how.get("top_k", 1) > 1 and what != "windows":
            raise UsageError(f"--top-k goes with --what windows; with --what {what}, leave it out")
        if what == "summary" and self.all_scores:
            raise UsageError("with --what summary every label has a row with its scores; leave --all-scores out")
        if calendar is not None and form in ("audacity", "rttm"):
            raise UsageError(
                f"--format {form} has no place for clock times; leave --clock out, or use csv, jsonl or raven"
            )
        if self._resume:
            self._go_on(several=True)
        self._form: Form | None = None

    def _refuse(self, path: Path) -> None:
        """Where it would replace something that is there, unless that was asked for."""
        if self.form != "audacity":
            super()._refuse(path)
        elif not self._overwrite and any(path.glob("*.txt")):
            raise UsageError(
                f"--out {path} holds label files already, perhaps mended by hand: replace them (--overwrite), or give "
                "another folder"
            )

    def _open(self, path: Path) -> None:
        if not self._resume:
            self._refuse(path)
        if self.form == "audacity":
            folder_for(path, "--out")
        else:
            super()._open(path)

    def __enter__(self) -> TimeWriter:
        super().__enter__()
        if self.form == "audacity":
            assert self.path is not None
            self._form = AudacityForm(self.path)
        elif self.form in TABLES:
            self._form = _Table(self._rows(), self)
        else:
            self._form = RttmForm(self._file) if self.form == "rttm" else RavenForm(self._file, self.calendar)
        return self

    def columns(self) -> list[str]:
        clock = [] if self.calendar is None else [*_CLOCK[self.what == "summary"]]
        if self.what == "segments":
            return ["path", "start", "end", *clock, "label", "score", "error"]
        if self.what == "windows":
            each = [f"score:{x}" for x in self.labels] if self.all_scores else []
            return ["path", "start", "end", *clock, *best([("", 0.0)] * self.top_k), *each, "error"]
        return ["path", *(f.name for f in dataclasses.fields(LabelSummary)), "duration", *clock, "error"]

    def write(self, clip: Clip, step: Step) -> None:
        """Take a step of a recording."""
        assert self._form is not None
        self._count(step)
        if len(step.windows):
            self._form.windows(clip, step.windows)
        if step.events:
            self._form.events(clip, step.events)
        if step.summary is not None:
            self.count += 1
            self._form.end(clip, step.summary)
            if step.summary.error is not None:
                self.failures.add(clip.name, step.summary.error.reason)

    def _count(self, step: Step) -> None:
        found: list[str] = []
        if self.what == "windows":
            found = [self.labels[i] for i in step.windows.scores.argmax(1)] if len(step.windows) else []
        elif self.what == "segments":
            found = [e.label for e in step.events]
        elif step.summary is not None:
            found = [s.label for s in step.summary.labels if s.segments]
        self._wrote(len(found) if self.what != "summary" or step.summary is None else len(step.summary.labels), found)

    def fail(self, failure: AudioError) -> None:
        """An input that led to no recording."""
        self.count += 1
        self.failures.add(failure.path, failure.reason)


class _Table:
    """CSV or JSON lines, a row a window, event, or recording and label; where a recording breaks off, rows say so."""

    def __init__(self, rows: Rows, about: TimeWriter):
        self.rows, self.labels, self.about = rows, about.labels, about

    def windows(self, clip: Clip, windows: Scores) -> None:
        if self.about.what == "windows":
            times = zip(windows.starts.tolist(), windows.ends.tolist(), windows.scores, strict=True)
            self.rows.add({**self._when(clip, start, end), **self._scored(scores)} for start, end, scores in times)

    def _when(self, clip: Clip, start: float, end: float | None = None) -> dict[str, Any]:
        """The first cells of a row."""
        cells: dict[str, Any] = {"path": clip.name, "start": start} | ({} if end is None else {"end": end})
        return cells | self._clock(clip, start, end)

    def _clock(self, clip: Clip, *seconds: float | None) -> dict[str, Any]:
        """The clock times of a row's `seconds`, empty where they are not known."""
        if self.about.calendar is None:
            return {}
        recorded = self.about.calendar.of(clip)
        told = [None if at is None else recorded.clock(at) or None for at in seconds]
        return dict(zip(_CLOCK[self.about.what == "summary"], told, strict=True))

    def _scored(self, scores: np.ndarray) -> dict[str, Any]:
        """The cells of a window, from its scores `(C,)`."""
        top = scores.argsort(kind="stable")[::-1][: self.about.top_k]
        each = zip(self.labels, scores, strict=True) if self.about.all_scores else ()
        return best((self.labels[i], scores[i]) for i in top) | {f"score:{x}": score for x, score in each}

    def events(self, clip: Clip, events: Sequence[Event]) -> None:
        if self.about.what == "segments":
            self.rows.add(
                {**self._when(clip, e.start, e.end), "label": e.label, "score": e.score or 0.0} for e in events
            )

    def end(self, clip: Clip, summary: Summary) -> None:
        error = {} if summary.error is None else {"error": summary.error.reason}
        if self.about.what == "summary":
            self.rows.add(
                {
                    "path": clip.name,
                    **dataclasses.asdict(s),
                    "duration": summary.seconds,
                    **self._clock(clip, 0.0, s.first, s.last),
                    **error,
                }
                for s in summary.labels
            )
        if error and not (self.about.what == "summary" and summary.labels):
            where = {"path": clip.name} if self.about.what == "summary" else self._when(clip, summary.seconds)
            self.rows.add([where | error])
