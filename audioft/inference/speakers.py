"""Speakers that a model was told of after its training: enrolled from recordings, then found again in others.

What is said of speakers holds of any individuals, a bird or an engine, that a model's embeddings tell apart.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from audioft.errors import AudioError, DataError, ModelError, UsageError
from audioft.evaluation import identification
from audioft.evaluation.identification import OpenSet
from audioft.evaluation.pair_scores import Scorer, unit
from audioft.models.folder import ModelCard
from audioft.storage import read_json, write_text

FORMAT_VERSION = 1
FILE = "speakers.json"
#: What a recording of nobody that is enrolled is said to be of.
UNKNOWN = "unknown"
KINDS = {False: "plain cosines", True: "cosines normalised by a cohort"}


@dataclass(frozen=True)
class Enrolled:
    """One speaker.

    Attributes:
        embedding: `(E,)`, the mean over the speaker's recordings of their embeddings of length 1.
        recordings: how many.
        seconds: of sound in them.
    """

    embedding: np.ndarray
    recordings: int
    seconds: float

    @classmethod
    def of(cls, vectors: np.ndarray, seconds: np.ndarray) -> Enrolled:
        """From the embeddings `(K, E)` of K recordings and their lengths."""
        return cls(unit(vectors).mean(0), len(vectors), float(seconds.sum()))

    def with_more(self, other: Enrolled) -> Enrolled:
        """As if both had been enrolled from all recordings at once."""
        count = self.recordings + other.recordings
        total = self.recordings * self.embedding + other.recordings * other.embedding
        return Enrolled(total / count, count, self.seconds + other.seconds)


@dataclass(frozen=True)
class Enrolment:
    """All enrolled speakers of a model.

    Attributes:
        model: the `fingerprint` of the model whose embeddings these are.
        speakers: by name.
        cohort: `(K, E)`, embeddings of other people that scores are normalised by; None if there are none.
    """

    model: str
    speakers: Mapping[str, Enrolled] = field(default_factory=dict)
    cohort: np.ndarray | None = None

    def enrol(self, name: str, found: Enrolled, *, add: bool = False, replace_old: bool = False) -> Enrolment:
        """With one speaker more, or with more of one.

        Raises:
            UsageError: the name is empty, means nobody, or is taken and neither `add` nor `replace_old` is asked for.
        """
        self.refuse(name, add or replace_old)
        old = self.speakers.get(name)
        return replace(self, speakers={**self.speakers, name: old.with_more(found) if old and add else found})

    def refuse(self, name: str, again: bool) -> None:
        """Raise what `enrol` would, where a speaker who is there may be enrolled `again` or not."""
        if not name or name == UNKNOWN:
            raise UsageError(f"speaker {name!r}: expected a name other than {UNKNOWN!r}, which stands for nobody")
        if name in self.speakers and not again:
            raise UsageError(
                f"speaker {name!r} is enrolled already, from {self.speakers[name].recordings} recording(s); --add adds "
                "these recordings to them, --replace takes these instead"
            )

    def save(self, path: Path) -> None:
        """Write the file, a line a speaker, whole or not at all."""
        who = [
            f"    {_text(name)}: {_text({'recordings': s.recordings, 'seconds': round(s.seconds, 2)})[:-1]}, "
            f'"embedding": {_numbers(s.embedding)}}}'
            for name, s in sorted(self.speakers.items())
        ]
        cohort = "null"
        if self.cohort is not None:
            cohort = "[\n    " + ",\n    ".join(map(_numbers, self.cohort)) + "\n  ]"
        write_text(
            path,
            f'{{\n  "format_version": {FORMAT_VERSION},\n  "model": {_text(self.model)},\n  "speakers": {{\n'
            + ",\n".join(who)
            + f'\n  }},\n  "cohort": {cohort}\n}}\n',
        )

    @classmethod
    def load(cls, path: Path, model: str) -> Enrolment:
        """Read the file for the model with this fingerprint; without a file nobody is enrolled.

        Raises:
            ModelError: the speakers were enrolled with another model.
            DataError: the file is damaged.
        """
        if not path.exists():
            return cls(model)
        about = read_json(path, DataError)
        try:
            if about["format_version"] != FORMAT_VERSION:
                raise DataError(
                    f"{path}: format_version {about['format_version']!r}, this audioft reads {FORMAT_VERSION}; enrol "
                    "the speakers again"
                )
            speakers = {
                name: Enrolled(_vector(s["embedding"]), int(s["recordings"]), float(s["seconds"]))
                for name, s in about["speakers"].items()
            }
            cohort = None if about["cohort"] is None else np.stack([_vector(v) for v in about["cohort"]])
            own = about["model"]
            sizes = {len(s.embedding) for s in speakers.values()} | (set() if cohort is None else {cohort.shape[1]})
            if len(sizes) > 1:
                raise ValueError(f"embeddings of {len(sizes)} sizes")
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise DataError(f"{path} is damaged ({e!r}); remove it and enrol the speakers again") from e
        if own != model:
            raise ModelError(
                f"{path}: its speakers were enrolled with another model (fingerprint {str(own)[:12]}, this one has "
                f"{model[:12]}), whose embeddings cannot be compared; enrol them again with this model, or name this "
                "model's own file with --speakers"
            )
        return cls(model, speakers, cohort)

    def identify(self, vectors: np.ndarray, scorer: Scorer, threshold: float) -> list[tuple[str, float, str]]:
        """Who speaks in each of N recordings: a name or `UNKNOWN`, the score, and who comes nearest in any case.

        Args:
            vectors: `(N, E)`.
            scorer: what makes scores of embeddings.
            threshold: the score from which on the nearest speaker is believed to be the one. The more speakers are
                enrolled, the more often one of them comes so near by chance.

        Raises:
            UsageError: nobody is enrolled.
        """
        if not self.speakers:
            raise UsageError("nobody is enrolled; `audioft enroll MODEL NAME RECORDINGS` enrols a speaker")
        if not len(vectors):
            return []
        names = list(self.speakers)
        scores = scorer.matrix(vectors, np.stack([s.embedding for s in self.speakers.values()]))
        best = scores.argmax(1)
        found = zip((names[i] for i in best), scores[np.arange(len(best)), best].tolist(), strict=True)
        return [(name if score >= threshold else UNKNOWN, score, name) for name, score in found]


@dataclass(frozen=True)
class EnrolledNow:
    """What became of enrolling a speaker.

    Attributes:
        name: of the speaker.
        recordings: how many the speaker is enrolled from by now.
        seconds: of sound in them.
        path: the file of all enrolled speakers.
        failures: recordings that could not be heard, left out.
    """

    name: str
    recordings: int
    seconds: float
    path: Path
    failures: list[AudioError]


@dataclass(frozen=True)
class Identification:
    """Who is heard in a recording.

    Attributes:
        path: the recording as it was given.
        speaker: a name, or `UNKNOWN`; None if the recording could not be heard to its end.
        score: of the speaker who comes nearest; NaN if there is none.
        nearest: this speaker, also where the score does not reach the threshold.
        error: why there is no answer.

    >>> Identification("a.wav", "unknown", 0.31, nearest="Ada").speaker
    'unknown'
    """

    path: str
    speaker: str | None
    score: float
    nearest: str | None = None
    error: AudioError | None = None


def table_of(found: Sequence[Identification]) -> str:
    """Identifications as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["path", "speaker", "score", "nearest", "error"])
    for x in found:
        if x.error is not None:
            writer.writerow([x.path, "", "", "", x.error.reason])
        else:
            writer.writerow([x.path, x.speaker, f"{x.score:.6f}", x.nearest, ""])
    return out.getvalue()


@dataclass(frozen=True)
class Verdict:
    """Whether two recordings are of one speaker.

    >>> print(Verdict(0.71, threshold=0.5))
    same 0.7100 (threshold 0.5000)
    """

    score: float
    threshold: float

    @property
    def same(self) -> bool:
        return self.score >= self.threshold

    def __str__(self) -> str:
        return f"{'same' if self.same else 'different'} {self.score:.4f} (threshold {self.threshold:.4f})"


def threshold_of(card: ModelCard, given: float | None, normalised: bool) -> float:
    """The threshold that was given, or the model's own, if it was chosen for scores of this kind.

    It is that of two recordings; `choice_among` gives the one for the nearest of several enrolled.

    Raises:
        UsageError: there is none.
    """
    if given is not None:
        return given
    if card.verification is None:
        raise UsageError(
            "the model has no threshold to tell speakers apart by; give one with --threshold, or let it be chosen on "
            "trials with `audioft verify MODEL --trials LIST --store`"
        )
    own = bool(card.verification.get("normalised"))
    if own != normalised:
        remedy = (
            "give a cohort with --cohort"
            if own
            else "choose one with `audioft verify MODEL --trials LIST --cohort DIR --store`"
        )
        raise UsageError(
            f"the model's threshold is for {KINDS[own]}, these scores are {KINDS[normalised]}; {remedy}, or give a "
            "threshold with --threshold"
        )
    return float(card.verification["threshold"])


def choice_among(card: ModelCard, enrolled: Mapping[str, Enrolled]) -> OpenSet | None:
    """The threshold for the nearest of so many speakers, enrolled from so many recordings; None if none was chosen."""
    found = identification.from_rows((card.verification or {}).get("identification", []))
    if not found or not enrolled:
        return None
    return identification.nearest(found, len(enrolled), float(np.median([s.recordings for s in enrolled.values()])))


def _vector(value: Any) -> np.ndarray:
    vector = np.array(value, np.float64)
    if vector.ndim != 1 or not len(vector) or not np.isfinite(vector).all():
        raise ValueError("an embedding that is no list of numbers")
    return vector


def _numbers(vector: np.ndarray) -> str:
    return "[" + ", ".join(f"{x:.7g}" for x in vector) + "]"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
