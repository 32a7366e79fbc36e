"""What an evaluation found, as one object: headline figures with intervals, classes, confusions."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audioft.core import wording
from audioft.core.storage import write_bytes
from audioft.errors import UsageError
from audioft.evaluation import sentence
from audioft.evaluation.caution import in_lines
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.measured import f1, recall
from audioft.evaluation.ratios import plain
from audioft.evaluation.slices import text as slices_text
from audioft.evaluation.slices.found import Slices
from audioft.evaluation.text import TITLES, fit, number, pad, printable, width
from audioft.models.heard import TOO_GOOD

FORMAT = "audioft-report"
FORMAT_VERSION = 1

LATER = ("kind", "caution", "slices")  # which older reports do not have
_MOST_CLASSES, _WORST, _BEST, _PAIRS = 20, 10, 5, 5


@dataclass(frozen=True, repr=False)
class Report:
    """What an evaluation found. `print(report)` shows it as text.

    Args:
        side: which side of the data was scored, `test`, `valid` or another name.
        multilabel: whether a clip may have several labels.
        labels: the model's labels, in its order.
        metrics: headline figures with intervals, the most telling one first.
        figures: every metric, without intervals.
        classes: one mapping a label: `label`, `support` (clips that have it), `predicted` (clips given it),
            `known`, `precision`, `recall` with its interval `recall_low` to `recall_high`, `f1`, `roc_auc`,
            `average_precision`, and `threshold` for multi-label.
        confusion: clips by true label (row) and given label (column); None for multi-label.
        clips: number of clips scored.
        groups: number of groups they fall into.
        unit: what was drawn anew for the intervals, `clips`, `groups` or `recordings`.
        resamples: how many times; 0 for no intervals.
        seed: of the resampling.
        notes: what a reader must know beside the figures.
        kind: `clips`, or `events` where what happens when was measured: then `clips` counts recordings, and `classes`
            seconds in which a label happens.
        caution: that all this is of too few clips to say much, and what to do, in words; empty where it is not.
        slices: how parts of the clips fare; None where nothing is known of clips by which they could be told apart.

    Example:
        >>> report = trained.report
        >>> report.side, report.main, report.metrics["accuracy"].value == report.figures["accuracy"]
        ('test', 'accuracy', True)
    """

    side: str
    multilabel: bool
    labels: tuple[str, ...]
    metrics: dict[str, Estimate]
    figures: dict[str, float]
    classes: list[dict[str, Any]]
    confusion: list[list[int]] | None
    clips: int
    groups: int
    unit: str
    resamples: int
    seed: int
    notes: list[str] = field(default_factory=list)
    kind: str = "clips"
    caution: str = ""
    slices: Slices | None = None

    @property
    def main(self) -> str:
        """The metric to look at first: `accuracy`, `map` for multi-label, `segment_f1` for events."""
        if self.kind == "events":
            return "segment_f1"
        return "map" if self.multilabel else "accuracy"

    @property
    def counted(self) -> str:
        """What `clips` counts: `clips` or `recordings`, or one of them."""
        return ("recording" if self.kind == "events" else "clip") + "s" * (self.clips != 1)

    @property
    def foremost(self) -> str:
        """What is to be read before any figure: that the model was trained on what it was measured on; `caution`."""
        heard = [f"{n[0].upper()}{n[1:]}." for n in self.notes if n.endswith(TOO_GOOD)]
        return " ".join([*heard, *([self.caution] if self.caution else [])])

    @property
    def further(self) -> list[str]:
        """The notes that are not told before the figures."""
        return [n for n in self.notes if not n.endswith(TOO_GOOD)]

    @property
    def thresholds(self) -> dict[str, float] | None:
        """The decision threshold of each label; None for single-label."""
        return {c["label"]: c["threshold"] for c in self.classes} if self.multilabel else None

    def __str__(self) -> str:
        """The report in lines of at most about 100 columns."""
        parts = [self._headline(), self._classes()]
        if self.foremost:
            parts.insert(0, in_lines(printable(self.foremost)))
        pairs = self.confused()[:_PAIRS]
        if pairs:
            rows = [f"  {fit(a)} -> {fit(b)}  {n} of {total}" for a, b, n, total in pairs]
            parts.append("\n".join(["most often confused (true -> given)", *rows]))
        if self.slices is not None:
            parts.append(slices_text.lines(self.slices))
        if self.further:
            parts.append("\n".join(f"note: {printable(n)}" for n in self.further))
        return "\n\n".join(parts)

    def confused(self) -> list[tuple[str, str, int, int]]:
        """Pairs of confused labels as (true, given, clips, of how many), the most clips first."""
        if self.confusion is None:
            return []
        pairs = [
            (self.labels[i], self.labels[j], n, sum(row))
            for i, row in enumerate(self.confusion)
            for j, n in enumerate(row)
            if n and i != j
        ]
        return sorted(pairs, key=lambda p: (-p[2], -p[2] / p[3]))

    @property
    def measured(self) -> str:
        """What was measured and how the intervals came about, in a sentence or two."""
        grouped = f" in {wording.counted(self.groups, 'group')}" if self.groups != self.clips else ""
        labels = wording.counted(len(self.labels), "label")
        text = f"{self.side}: {self.clips} {self.counted}{grouped}, {labels}"
        if self.resamples:
            text += f"; 95 % intervals over {self.unit}"
        return text

    @property
    def sentence(self) -> str:
        """What it comes to: how good, what is weakest, and between what it may lie."""
        return sentence.sentence(self)

    def __repr__(self) -> str:
        figure = f"{TITLES.get(self.main, self.main)} {number(self.metrics[self.main].value)}"
        heard = ", trained on some of them" if len(self.further) < len(self.notes) else ""
        return f"<Report on {self.side}: {figure}, {self.clips} {self.counted}{heard}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the sentence, figures and confusion."""
        from audioft.evaluation.page.overview import overview

        return overview(self)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values that strict JSON can hold: nan becomes None."""
        about = {"format": FORMAT, "format_version": FORMAT_VERSION, "main": self.main}
        values = dataclasses.asdict(self)
        if self.slices is None:
            del values["slices"]  # a report without any is as it was before there were slices
        return plain(about | values)

    def to_json(self) -> str:
        """The report as strict JSON: no NaN, null instead."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False, indent=1) + "\n"

    def save(self, path: str | Path) -> None:
        """Write `to_json()` to a file."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        # a lone surrogate, which UTF-8 cannot hold, becomes the escape that JSON has for it
        write_bytes(Path(path), self.to_json().encode("utf-8", "backslashreplace"))

    @classmethod
    def load(cls, path: str | Path) -> Report:
        """Read what `save` wrote.

        Raises:
            UsageError: no such file, or it is not a report of a version this program knows.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as e:
            raise UsageError(
                f"{path}: cannot be read as a report ({e}); expected a report.json that audioft wrote"
            ) from e
        found = (data.get("format"), data.get("format_version")) if isinstance(data, dict) else (None, None)
        if found != (FORMAT, FORMAT_VERSION):
            raise UsageError(
                f"{path}: format {found[0]!r}, version {found[1]!r}; expected {FORMAT!r}, version "
                f"{FORMAT_VERSION}: evaluate the model again with this version of audioft"
            )
        try:
            values = {f.name: data[f.name] for f in dataclasses.fields(cls) if f.name in data or f.name not in LATER}
            estimates = {k: Estimate(**_numbers(v)) for k, v in values["metrics"].items()}
            values |= {"labels": tuple(values["labels"]), "figures": _numbers(values["figures"]), "metrics": estimates}
            if values.get("slices") is not None:
                values["slices"] = Slices.load(values["slices"])
            return cls(**values | {"classes": [_numbers(row) for row in values["classes"]]})
        except (KeyError, TypeError, AttributeError) as e:
            raise UsageError(f"{path}: not a complete report ({e!r}); evaluate the model again") from e

    def _headline(self) -> str:
        wide = max(len(TITLES.get(name, name)) for name in self.metrics)
        rows = []
        for name, e in self.metrics.items():
            bounds = f"   {e.bounds}" if e.bounds else ""
            mark = "*" if name == self.main else " "
            rows.append(f"{mark} {TITLES.get(name, name).ljust(wide)}  {number(e.value)}{bounds}")
        return "\n".join([printable(self.measured), *rows])

    def _classes(self) -> str:
        rows, gap = list(self.classes), None
        if len(rows) > _MOST_CLASSES:
            # a label that no clip has can be neither good nor bad
            ranked = sorted((r for r in rows if r["support"]), key=lambda r: r["f1"])
            if len(ranked) > _WORST + _BEST:
                gap = f"({len(rows) - _WORST - _BEST} more labels in between or without a clip)"
                rows = [*ranked[:_WORST], *ranked[-_BEST:]]
            else:
                rows = ranked
        last, key = ("AP", "average_precision") if self.multilabel else ("AUC", "roc_auc")
        wide = max([5, *(width(fit(r["label"])) for r in rows)])
        unit = "seconds" if self.kind == "events" else "clips"
        count = max(6, len(unit))
        bounded = any(recall(r).bounds for r in rows)  # older reports, and those without intervals, have none
        between = f" {'95 % interval':>13}" if bounded else ""
        lines = [pad("label", wide) + f"  {unit:>{count}} {'precision':>9} {'recall':>7}{between} {'F1':>7} {last:>7}"]
        if self.multilabel:
            lines[0] += f" {'threshold':>9}"
        for i, r in enumerate(rows):
            if gap and i == _WORST:
                lines.append(gap)
            line = f"{pad(fit(r['label']), wide)}  {r['support']:>{count}} {number(r['precision']):>9}"
            line += f" {number(recall(r).value):>7}" + (f" {recall(r).bounds or '–':>13}" if bounded else "")
            line += f" {number(f1(r)):>7} {number(r[key]):>7}"
            lines.append(line + (f" {number(r['threshold']):>9}" if self.multilabel else ""))
        return "\n".join(lines)


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    return {k: math.nan if v is None else v for k, v in values.items()}
