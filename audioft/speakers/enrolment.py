"""Speakers that a model was told of after its training: enrolled from recordings, then found again in others.

What is said of speakers holds of any individuals, a bird or an engine, that a model's embeddings tell apart.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from audioft.core import csv_tables
from audioft.core.registry import suggest
from audioft.core.storage import read_json, write_result
from audioft.errors import AudioError, DataError, ModelError, UsageError, listed
from audioft.speakers.enrolled import Enrolled
from audioft.speakers.pair_scores import Scorer

FORMAT_VERSION = 2
#: What is read; version 1 did not remember the recordings.
READ = (1, 2)
FILE = "speakers.json"
#: What a recording of nobody that is enrolled is said to be of.
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Enrolment:
    """All enrolled speakers of a model.

    Attributes:
        model: the `fingerprint` of the model whose embeddings these are.
        speakers: by name.
        cohort: `(K, E)`, embeddings of other people that scores are normalised by; None if there are none.
        cohort_digests: of their K recordings, see `Enrolled.digests`; none where they were not remembered.
    """

    model: str
    speakers: Mapping[str, Enrolled] = field(default_factory=dict)
    cohort: np.ndarray | None = None
    cohort_digests: tuple[str, ...] = ()

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

    def refuse_nobody(self, path: Path | None = None) -> None:
        """Raise where nobody is enrolled in the file at `path`."""
        if not self.speakers:
            where = "" if path is None else f" in {path}"
            raise UsageError(f"nobody is enrolled{where}; `audioft enroll MODEL NAME RECORDINGS` enrols a speaker")

    def owners(self) -> dict[str, str]:
        """Who is enrolled from a recording, by its digest."""
        return {digest: name for name, s in self.speakers.items() for digest in s.digests}

    def refuse_of_others(self, name: str, given: Sequence[tuple[str, str]]) -> None:
        """Raise where recordings, `(name of the file, digest)`, are what somebody else than `name` is enrolled from."""
        owners = self.owners()
        taken = [(file, owners[digest]) for file, digest in given if owners.get(digest, name) != name]
        if taken:
            told = [f"{file} is a recording that {other!r} is enrolled from" for file, other in taken]
            it = "it" if len(taken) == 1 else "them"
            others = [f"`audioft enroll MODEL {shlex.quote(n)} --remove`" for n in sorted({o for _, o in taken})]
            raise UsageError(
                f"{listed('the recordings', told)}\na recording is of one speaker: leave {it} out, or first remove "
                f"whoever is enrolled from {it} with {' and '.join(others)}"
            )

    def without(self, name: str) -> Enrolment:
        """With one speaker fewer.

        Raises:
            UsageError: nobody of this name is enrolled.
        """
        if name not in self.speakers:
            known = suggest(name, self.speakers) if self.speakers else "; nobody is"
            raise UsageError(f"speaker {name!r} is not enrolled{known}")
        return replace(self, speakers={n: s for n, s in self.speakers.items() if n != name})

    def without_enrolled(self) -> Enrolment:
        """With a cohort of other people only: without recordings that somebody has been enrolled from since."""
        owners = self.owners()
        if self.cohort is None or not any(d in owners for d in self.cohort_digests):
            return self
        kept = [i for i, d in enumerate(self.cohort_digests) if d not in owners]
        digests = tuple(self.cohort_digests[i] for i in kept)
        return replace(self, cohort=self.cohort[kept], cohort_digests=digests)

    def save(self, path: Path) -> None:
        """Write the file, a line a speaker, whole or not at all; its folder is made if it is not there."""
        who = []
        for name, s in sorted(self.speakers.items()):
            about = {"recordings": s.recordings, "seconds": round(s.seconds, 2), "digests": s.digests}
            who.append(f'    {_text(name)}: {_text(about)[:-1]}, "embedding": {_numbers(s.embedding)}}}')
        cohort = "null"
        if self.cohort is not None:
            cohort = "[\n    " + ",\n    ".join(map(_numbers, self.cohort)) + "\n  ]"
        write_result(
            path,
            f'{{\n  "format_version": {FORMAT_VERSION},\n  "model": {_text(self.model)},\n  "speakers": {{\n'
            + ",\n".join(who)
            + f'\n  }},\n  "cohort": {cohort},\n  "cohort_digests": {_text(self.cohort_digests)}\n}}\n',
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
            version = about["format_version"]
            if version not in READ:
                raise DataError(
                    f"{path}: format_version {version!r}, this audioft reads {' and '.join(map(str, READ))}; use the "
                    "audioft that wrote it, or remove the file and enrol the speakers again"
                )
            speakers = {
                name: Enrolled(_vector(s["embedding"]), int(s["recordings"]), float(s["seconds"]), _digests(s, version))
                for name, s in about["speakers"].items()
            }
            cohort = None if about["cohort"] is None else np.stack([_vector(v) for v in about["cohort"]])
            own, of_cohort = about["model"], _digests(about, version, "cohort_digests")
            sizes = {len(s.embedding) for s in speakers.values()} | (set() if cohort is None else {cohort.shape[1]})
            if len(sizes) > 1:
                raise ValueError(f"embeddings of {len(sizes)} sizes")
            if of_cohort and (cohort is None or len(of_cohort) != len(cohort)):
                raise ValueError("a cohort of other recordings than it names")
        except (KeyError, TypeError, ValueError, AttributeError) as e:
            raise DataError(f"{path} is damaged ({e!r}); remove it and enrol the speakers again") from e
        if own != model:
            raise ModelError(
                f"{path}: its speakers were enrolled with another model (fingerprint {str(own)[:12]}, this one has "
                f"{model[:12]}), whose embeddings cannot be compared; enrol them again with this model, or name this "
                "model's own file with --speakers"
            )
        return cls(model, speakers, cohort, of_cohort)

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
        self.refuse_nobody()
        if not len(vectors):
            return []
        names = list(self.speakers)
        scores = scorer.matrix(vectors, np.stack([s.embedding for s in self.speakers.values()]))
        best = scores.argmax(1)
        found = zip((names[i] for i in best), scores[np.arange(len(best)), best].tolist(), strict=True)
        return [(name if score >= threshold else UNKNOWN, score, name) for name, score in found]


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
    rows: list[list[Any]] = [["path", "speaker", "score", "nearest", "error"]]
    for x in found:
        if x.error is not None:
            rows.append([x.path, "", "", "", x.error.reason])
        else:
            rows.append([x.path, x.speaker, f"{x.score:.6f}", x.nearest, ""])
    return csv_tables.text(rows)


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


def _vector(value: Any) -> np.ndarray:
    vector = np.array(value, np.float64)
    if vector.ndim != 1 or not len(vector) or not np.isfinite(vector).all():
        raise ValueError("an embedding that is no list of numbers")
    return vector


def _digests(about: Mapping[str, Any], version: int, key: str = "digests") -> tuple[str, ...]:
    found = [] if version == 1 else about[key]
    if not isinstance(found, list) or not all(isinstance(d, str) for d in found):
        raise ValueError(f"{key} that are no list of texts")
    return tuple(found)


def _numbers(vector: np.ndarray) -> str:
    return "[" + ", ".join(f"{x:.7g}" for x in vector) + "]"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
