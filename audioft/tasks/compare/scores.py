"""What models say of clips: as it is kept, or by hearing them; and brought to the same labels."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audioft.assembly import side_scores
from audioft.assembly.side_scores import Descriptions, Scoring
from audioft.core import storage
from audioft.core.progress import Console
from audioft.core.runtime import address
from audioft.data import targets as labelling
from audioft.data.clip import Clip
from audioft.errors import DataError
from audioft.evaluation.predictions import Predictions
from audioft.inference.predictor import Predictor
from audioft.models.weight_files import weights_hash
from audioft.tasks.compare.shared_clips import SharedClips

FOLDER = "scores"
VERSION = 1
AGAIN = 3  # clips of a run's predictions that are heard again, to see that they are the model's
ALIKE = 1e-4  # by which scores differ that are the same but for rounding


@dataclass(frozen=True, eq=False)
class ModelScores:
    """What a model says of clips.

    Attributes:
        scores: `(N, C)`, nan of clips that could not be scored.
        reused: of how many clips it had been kept.
    """

    scores: np.ndarray
    reused: int


def of(predictor: Predictor, given: Path, clips: SharedClips, out: Path | None, console: Console) -> ModelScores:
    """A model's scores of clips.

    Args:
        predictor, given: the model, and its folder or that of its run, whose predictions are taken where they are of
            the same recordings.
        clips: which.
        out: the folder of results, in which scores are kept; None for nowhere.
        console: where progress goes.
    """
    where = address_of(predictor, clips)
    kept = None if out is None else out / FOLDER / f"{where}.npz"
    shape = (len(clips.clips), len(predictor.labels))
    if kept is not None and (scores := _read(kept, where, shape)) is not None:
        return ModelScores(scores, len(scores))
    scores = of_run(predictor, given, clips)
    found = np.isfinite(scores).all(1)
    some = np.flatnonzero(found)[:: max(1, int(found.sum()) // AGAIN)][:AGAIN]
    if len(some) and not np.allclose(_heard(predictor, clips, some, console), scores[some], atol=ALIKE):
        found[:] = False
    left = np.flatnonzero(~found)
    if len(left):
        scores[left] = _heard(predictor, clips, left, console)
    if kept is not None:
        _write(kept, where, scores)
    return ModelScores(scores, int(found.sum()))


def address_of(predictor: Predictor, clips: SharedClips) -> str:
    """What scores depend on: the model with all that its folder says of it, the clips and their recordings."""
    described = {str(p.relative_to(predictor.folder)): storage.digest(p) for p in predictor.folder.rglob("*.json")}
    weights = weights_hash(predictor.model.state_dict(), asdict(predictor.card))
    own = [(digest, c.start, c.end) for c, digest in zip(clips.clips, clips.digests, strict=True)]
    how = predictor.window, predictor.precision
    return f"{address(VERSION, sorted(described.items()), weights, own, *how):016x}"


def of_run(predictor: Predictor, given: Path, clips: SharedClips) -> np.ndarray:
    """`(N, C)` of the clips whose recordings the model's run was tested on, from its predictions; nan of the others."""
    scores = np.full((len(clips.clips), len(predictor.labels)), np.nan)
    table, manifest = given / "predictions.csv", given / "manifest.csv"
    own = given / "model" == predictor.folder and (predictor.folder / storage.HASHES).is_file()
    if not (own and predictor.precision == "fp32" and table.is_file() and manifest.is_file()):
        return scores
    names = [f"score:{label}" for label in predictor.labels]
    try:
        digests = {_place(row): row["sha256"] for row in _rows(manifest)}
        kept = {
            (digests.get(_place(row), ""), *_place(row)[1:]): [float(row[name]) for name in names]
            for row in _rows(table)
        }
    except (OSError, KeyError, ValueError, TypeError, csv.Error):
        return scores
    for i, (clip, digest) in enumerate(zip(clips.clips, clips.digests, strict=True)):
        if digest and (found := kept.get((digest, clip.start, clip.end))) is not None:
            scores[i] = found
    return scores


def _rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def _place(row: dict[str, str]) -> tuple[str, float, float | None]:
    return row["path"], float(row["start"] or 0), float(row["end"]) if row["end"] else None


def _heard(predictor: Predictor, clips: SharedClips, rows: np.ndarray, console: Console) -> np.ndarray:
    chosen = [clips.clips[i] for i in rows.tolist()]
    wanted, known = labelling.targets(chosen, predictor.labels, clips.multilabel)
    card = predictor.card
    how = Scoring(card.multilabel, predictor.window, None, predictor.batch_seconds, predictor.precision, None, console)
    scores = np.full((len(chosen), len(predictor.labels)), np.nan)
    try:
        found = side_scores.score_clips(predictor.scoring, chosen, wanted, known, predictor.labels, how)
    except DataError as e:  # none of these could be: what is left out is told of all together
        console.say(f"note: {e}")
        return scores
    failed = {id(clip) for clip, _ in found.failures}
    scores[[id(c) not in failed for c in chosen]] = found.predictions.scores
    return scores


def _read(path: Path, where: str, shape: tuple[int, int]) -> np.ndarray | None:
    try:
        with np.load(path, allow_pickle=False) as kept:
            scores = kept["scores"] if str(kept["address"]) == where else None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return None if scores is None or scores.shape != shape else scores


def _write(path: Path, where: str, scores: np.ndarray) -> None:
    content = io.BytesIO()
    np.savez_compressed(content, scores=scores, address=np.array(where))
    path.parent.mkdir(parents=True, exist_ok=True)
    storage.write_bytes(path, content.getvalue())


def predictions(
    clips: Sequence[Clip], scores: np.ndarray, own: Sequence[str], labels: tuple[str, ...], several: bool, data: bool
) -> Predictions:
    """Scores beside what is true, over labels of which a model may not know all.

    Args:
        clips: N clips.
        scores: `(N, C)`, in the order of `own`, the model's labels.
        own: labels that the model does not know have the score 0.
        labels: all of them.
        several: whether the models may give a clip several labels.
        data: whether the data may.
    """
    whole = np.zeros((len(clips), len(labels)))
    whole[:, [labels.index(label) for label in own]] = scores
    wanted, known = labelling.targets(clips, labels, data)
    return Predictions(labels, several, whole, wanted, known, Descriptions(clips))


def limits(own: Sequence[str], thresholds: Sequence[float] | None, labels: tuple[str, ...]) -> Any:
    """The decision thresholds over all labels; one that a model does not know is never given."""
    if thresholds is None and tuple(own) == labels:
        return None
    known = dict(zip(own, thresholds or [0.5] * len(own), strict=True))
    return [known.get(label, 2.0) for label in labels]
