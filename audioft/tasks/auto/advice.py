"""What would help most now, by what is known of clips that are not tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audioft.core import csv_tables
from audioft.core.wording import counted
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.text import number
from audioft.tasks.auto.calls import Call

CHECK = "to_check.csv"
OWN, OTHER = 0.05, 0.8  # a label whose score is below the one while another's is above the other is doubted
WEAK = 3  # labels that are named
ERRORS = 2  # of a label, below which nothing is said of it: one may be chance
MOST = 100  # rows of the table
#: Encoders worth a try, by what they were pretrained on.
OTHERS = (
    ("speech", "facebook/wav2vec2-base"),
    ("speech and speakers", "microsoft/wavlm-base-plus"),
    ("speech in many languages", "openai/whisper-tiny"),
    ("sounds of all kinds", "MIT/ast-finetuned-audioset-10-10-0.4593"),
)


@dataclass(frozen=True)
class Advice:
    """Something that would help.

    Attributes:
        said: what and why, in a sentence.
        points: of 100 clips that it may put right; 0 where nobody knows.
    """

    said: str
    points: float = 0.0


def of_labels(said: Predictions) -> list[Advice]:
    """Which labels need more clips: those that are found least."""
    if said.multilabel:
        return _of_several(said)
    truth, given = said.targets.argmax(1), said.scores.argmax(1)
    rows = []
    for label in range(len(said.labels)):
        own = truth == label
        if not own.any():
            continue
        wrong = np.bincount(given[own & (given != label)], minlength=len(said.labels))
        rows.append((float((given[own] == label).mean()), int(own.sum()), label, wrong))
    weak = [r for r in sorted(rows, key=lambda r: (r[0], r[1])) if r[3].sum() >= ERRORS][:WEAK]
    told = []
    for share, count, label, wrong in weak:
        taken = f", most often taken for {said.labels[int(wrong.argmax())]} ({wrong.max()})"
        told.append(
            Advice(
                f"more clips of {said.labels[label]}: {100 * share:.0f} % of {count} are found{taken}",
                100 * float(wrong.sum()) / len(truth),
            )
        )
    return told


def _of_several(said: Predictions) -> list[Advice]:
    from sklearn.metrics import average_precision_score

    rows = []
    for label, name in enumerate(said.labels):
        known = said.known[:, label]
        wanted = said.targets[known, label] > 0
        if wanted.any() and not wanted.all():
            rows.append((float(average_precision_score(wanted, said.scores[known, label])), int(wanted.sum()), name))
    weak = [r for r in sorted(rows) if r[0] < 1][:WEAK]
    return [Advice(f"more clips of {name}: its average precision is {number(ap)}, of {n}") for ap, n, name in weak]


def doubted(said: Predictions, folder: Path) -> Advice | None:
    """Labels to look at again: a model that did not learn the clip is sure of another one; written as a table."""
    if said.multilabel:
        return None
    truth, given = said.targets.argmax(1), said.scores.argmax(1)
    rows = np.arange(len(truth))
    own, other = said.scores[rows, truth], said.scores[rows, given]
    wrong = np.flatnonzero((own < OWN) & (other > OTHER))
    wrong = wrong[(other - own)[wrong].argsort(kind="stable")[::-1]][:MOST]
    if not len(wrong):
        return None
    head: list[list[Any]] = [["path", "start", "end", "label", "heard", "score", "score_of_label"]]
    for i in wrong.tolist():
        clip, names = said.clips[i], (said.labels[truth[i]], said.labels[given[i]])
        head.append([clip["path"], clip["start"], clip["end"], *names, f"{other[i]:.3f}", f"{own[i]:.3f}"])
    csv_tables.write(folder / CHECK, head)
    points = 100 * len(wrong) / len(truth)
    first = said.clips[int(wrong[0])]["path"]
    return Advice(
        f"listen to {counted(len(wrong), 'clip')} in {folder / CHECK}, of which another label is heard with certainty "
        f"(the first: {first}, {said.labels[truth[wrong[0]]]} or {said.labels[given[wrong[0]]]}?): a wrong label, or "
        "something to learn",
        points,
    )


def of_curve(curve: Any) -> Advice | None:
    """What more clips of all labels would bring; None where that cannot be told."""
    outlook = curve.outlooks[curve.better]
    if isinstance(outlook, str) or _below(outlook, curve):
        return None
    *_, said = curve.sentences()
    gain = 100 * max(0.0, min(x.gain for x in outlook.expected.values()))
    return Advice(f"more clips of every label: {said[0].lower()}{said[1:].rstrip('.')}", gain)


def _below(outlook: Any, curve: Any) -> bool:
    """Whether a law expects less of more clips than was measured with all there are: it does not hold here."""
    most = max(x.accuracy for x in outlook.expected.values())
    return bool(most <= curve.points[-1].accuracy(curve.better))


def of_encoders(tried: Sequence[str], data: str, out: Path, settings: Sequence[str] = ()) -> Advice | None:
    """Encoders that were not tried."""
    left = [f"{name} ({what})" for what, name in OTHERS if name not in tried]
    if not left:
        return None
    names = ",".join(dict.fromkeys([*tried, "NAME"]))
    call = Call("auto", [data], {"encoders": names, "out": f"{out}-2"}, settings)
    return Advice(
        f"another encoder: {', '.join(left)} were not tried: `{call}`, without a network after `hf download NAME`"
    )


def ranked(given: Sequence[Advice | None]) -> list[str]:
    """The sentences, what may put most right first, what nobody can count last."""
    there = [a for a in given if a is not None]
    return [a.said for a in sorted(there, key=lambda a: -a.points)]
