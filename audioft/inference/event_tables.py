"""What happens when, written as it becomes known: as a table, or in the formats of other programs."""

from __future__ import annotations

import contextlib
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from audioft.annotations.event import Event
from audioft.core.places import folder_for
from audioft.data.clip import Clip
from audioft.errors import AudioError, UsageError
from audioft.inference.event_formats import AudacityForm, Form, RavenForm, RttmForm
from audioft.inference.recording_events import Step, Summary
from audioft.inference.resumable_rows import Begun, RowFile, Writer, begun
from audioft.inference.table_provenance import keep, refuse
from audioft.inference.timeline import Scores


class TimeWriter(Writer):
    """Writes steps of `Predictor.follow` to a file, a folder or standard output; failures also to a table beside.

    Args:
        out: a file, for `audacity` a folder; None for standard output.
        form: `csv`, `jsonl`, `audacity`, `raven` or `rttm`; None for that of the file's ending, or csv.
        what: `windows`, `segments` or `summary`; of the last three formats only `segments`.
        labels: of the model, in order.
        top_k: how many labels with their scores, for windows.
        all_scores: a column for every label's score, for windows and summaries.
        resume: keep the recordings that a table in `out` has, and add the others.
        overwrite: replace what is there.
        made: what with, see `made_with`; what a table is gone on with must be the same.

    Attributes:
        done: names of the recordings that it has.

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
        top_k: int = 1,
        all_scores: bool = False,
        resume: bool = False,
        overwrite: bool = False,
        made: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        self.path = None if out is None else Path(out)
        self.form = form or self._by_ending()
        self.what, self.labels, self.top_k, self.all_scores = what, labels, min(top_k, len(labels)), all_scores
        if self.form in ("audacity", "raven", "rttm") and what != "segments":
            raise UsageError(f"--format {self.form} holds segments; with --what {what} use csv or jsonl")
        if self.form == "audacity" and self.path is None:
            raise UsageError("--format audacity writes a file a recording; name a folder for them with --out")
        if self.form == "audacity" and self.path is not None and (self.path.suffix or self.path.is_file()):
            raise UsageError(f"--out {self.path}: --format audacity writes a file a recording; name a folder for them")
        if top_k > 1 and what != "windows":
            raise UsageError(f"--top-k goes with --what windows; with {what}, --all-scores gives summaries every label")
        self.count = 0
        self._made, self._resume, self._overwrite = dict(made or {}), resume, overwrite
        self._begun = self._there() if resume else Begun()
        self.done = self._begun.done
        self._open = contextlib.ExitStack()
        self._form: Form | None = None

    def _there(self) -> Begun:
        if self.path is None or self.form not in ("csv", "jsonl"):
            raise UsageError("--resume goes on with a table: name a .csv or .jsonl file with --out")
        refuse(self.path, self._made, resume=True, overwrite=self._overwrite)
        return begun(self.path, columns(self) if self.form == "csv" else None, several=self.what != "summary")

    def _refuse(self, path: Path) -> None:
        """Where it would replace something that is there, unless that was asked for."""
        if self.form != "audacity":
            refuse(path, self._made, resume=False, overwrite=self._overwrite)
        elif not self._overwrite and any(path.glob("*.txt")):
            raise UsageError(
                f"--out {path} holds label files already, perhaps mended by hand: replace them (--overwrite), or give "
                "another folder"
            )

    def _by_ending(self) -> str:
        if self.path is None:
            return "csv"
        endings = {".csv": "csv", ".jsonl": "jsonl", ".rttm": "rttm"}
        if self.path.suffix not in endings:
            raise UsageError(f"--out {self.path}: expected a file ending in .csv, .jsonl or .rttm, or a --format")
        return endings[self.path.suffix]

    def __enter__(self) -> TimeWriter:
        if self.path is not None and not self._resume:
            self._refuse(self.path)
        if self.form == "audacity":
            assert self.path is not None
            folder_for(self.path, "--out")
            self._form = AudacityForm(self.path)
        elif self.path is None:
            self._form = self._form_in(sys.stdout)
        else:
            self._form = self._form_in(
                self._open.enter_context(contextlib.closing(RowFile(self.path, self._begun.keep)))
            )
            keep(self.path, self._made)
        if self.path is not None:
            self._fail_beside(self.path)
        return self

    def _form_in(self, file: IO[str] | RowFile) -> Form:
        if self.form == "raven":
            return RavenForm(file)
        if self.form == "rttm":
            return RttmForm(file)
        return _Table(file, self.form == "jsonl", self, header=not self._begun.keep)

    def __exit__(self, *exc: object) -> None:
        sys.stdout.flush()
        self._open.close()
        self._failures.close()

    def write(self, clip: Clip, step: Step) -> None:
        """Take a step of a recording."""
        assert self._form is not None
        if len(step.windows):
            self._form.windows(clip, step.windows)
        if step.events:
            self._form.events(clip, step.events)
        if step.summary is not None:
            self.count += 1
            self._form.end(clip, step.summary)
            if step.summary.error is not None:
                self._failures.add(clip.name, step.summary.error.reason)

    def fail(self, failure: AudioError) -> None:
        """An input that led to no recording."""
        self.count += 1
        self._failures.add(failure.path, failure.reason)


def columns(a: TimeWriter) -> list[str]:
    """The names of a table's columns."""
    if a.what == "segments":
        return ["path", "start", "end", "label", "score", "error"]
    each = [f"score:{x}" for x in a.labels] if a.all_scores else []
    if a.what == "windows":
        further = [f"{name}_{k}" for k in range(2, a.top_k + 1) for name in ("label", "score")]
        return ["path", "start", "end", "label", "score", *further, *each, "error"]
    if a.all_scores:
        each = [f"{name}:{x}" for x in a.labels for name in ("score", "share", "segments")]
    return ["path", "label", "score", "seconds", "share", "segments", *each, "error"]


class _Table:
    """CSV or JSON lines, a row a window, event or recording; where a recording breaks off, a row that says so."""

    def __init__(self, file: IO[str] | RowFile, as_json: bool, about: TimeWriter, header: bool):
        self.file, self.as_json, self.about = file, as_json, about
        self.rows = csv.DictWriter(file, columns(about), restval="", lineterminator="\n")
        if header and not as_json:
            self.rows.writeheader()
            file.flush()

    def _row(self, row: dict[str, Any]) -> None:
        if self.as_json:
            self.file.write(json.dumps(row, ensure_ascii=False) + "\n")
        else:
            self.rows.writerow({k: f"{v:.6f}" if isinstance(v, float) else v for k, v in row.items()})

    def windows(self, clip: Clip, windows: Scores) -> None:
        a = self.about
        if a.what != "windows":
            return
        for start, end, scores in zip(windows.starts.tolist(), windows.ends.tolist(), windows.scores, strict=True):
            row: dict[str, Any] = {"path": clip.name, "start": round(start, 6), "end": round(end, 6)}
            for k, i in enumerate(scores.argsort(kind="stable")[::-1][: a.top_k], 1):
                row |= {f"label_{k}" if k > 1 else "label": a.labels[i]}
                row |= {f"score_{k}" if k > 1 else "score": round(float(scores[i]), 6)}
            if a.all_scores:
                row |= {f"score:{x}": round(float(s), 6) for x, s in zip(a.labels, scores, strict=True)}
            self._row(row)
        self.file.flush()

    def events(self, clip: Clip, events: Sequence[Event]) -> None:
        if self.about.what != "segments":
            return
        for e in events:
            times = {"start": round(e.start, 6), "end": round(e.end, 6)}
            self._row({"path": clip.name, **times, "label": e.label, "score": round(e.score or 0.0, 6)})
        self.file.flush()

    def end(self, clip: Clip, summary: Summary) -> None:
        a = self.about
        row: dict[str, Any] = {"path": clip.name}
        if a.what == "summary" and summary.scores is not None:
            best = int(summary.scores.argmax())
            row |= {"label": a.labels[best], "score": round(float(summary.scores[best]), 6)}
            row |= {"seconds": round(summary.seconds, 6), "share": round(float(summary.share[best]), 6)}
            row |= {"segments": int(summary.segments[best])}
            if a.all_scores:
                for i, x in enumerate(a.labels):
                    row |= {f"score:{x}": round(float(summary.scores[i]), 6)}
                    row |= {f"share:{x}": round(float(summary.share[i]), 6), f"segments:{x}": int(summary.segments[i])}
        elif summary.error is not None and a.what != "summary":
            row |= {"start": round(summary.seconds, 6)}
        if summary.error is not None:
            row |= {"error": summary.error.reason}
        if a.what == "summary" or summary.error is not None:
            self._row(row)
            self.file.flush()
