"""A model and the speakers it knows: which recordings tell it of a speaker, and which are of other people."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.data.clip import Clip
from audioft.data.inputs import digest, unlabelled
from audioft.errors import UsageError
from audioft.evaluation.recording_embeddings import Embeddings
from audioft.inference.predictor import Predictor
from audioft.models.weight_files import fingerprint
from audioft.speakers import individuals
from audioft.speakers.enrolment import FILE, Enrolment
from audioft.speakers.pair_scores import Scorer
from audioft.speakers.thresholds import choice_among, threshold_of
from audioft.speakers.trial_scores import hear

#: Recordings of a cohort under which the deviations that scores are counted in are told to be unsteady.
STEADY = 50


@dataclasses.dataclass(frozen=True)
class Use:
    """A model and the speakers it knows.

    Attributes:
        predictor: the model.
        path: the file of the enrolled, which need not be there yet.
        enrolment: what it holds.
        console: told what was left out, and how far it is.
    """

    predictor: Predictor
    path: Path
    enrolment: Enrolment
    console: Console

    @classmethod
    def of(cls, model: PathLike | Predictor, speakers: PathLike | None, console: Console | None = None) -> Use:
        """Load the model, and the speakers from the file beside it or from `speakers`.

        Raises:
            ModelError: the speakers were enrolled with another model.
            DataError: their file is damaged.
        """
        predictor = model if isinstance(model, Predictor) else Predictor(model)
        path = predictor.folder / FILE if speakers is None else Path(speakers)
        enrolment = Enrolment.load(path, fingerprint(predictor.model))
        return cls(predictor, path, enrolment, console or Console(quiet=True))

    def note(self, text: str) -> None:
        """Say what a user should know and need not mend."""
        self.console.say(f"note: {text}")

    def hear(self, clips: Sequence[Clip]) -> Embeddings:
        """Embeddings of clips, with a bar."""
        return hear(self.predictor.embed, clips, self.console)

    def scorer(self, cohort: PathLike | None, compared: Sequence[Clip]) -> Scorer:
        """What makes scores, with the recordings in the folder `cohort`, or the stored cohort if there is one."""
        return Scorer(self.enrolment.cohort if cohort is None else self.cohort(cohort, compared)[0])

    def threshold(self, given: float | None, cohort: PathLike | None) -> float:
        """The score from which on two recordings are of one speaker: `given`, or the model's own.

        Raises:
            UsageError: there is none for scores with such a `cohort` or none.
        """
        card = self.predictor.card
        found = threshold_of(card, given, cohort is not None or self.enrolment.cohort is not None)
        if given is None:
            for text in filter(None, (individuals.doubt(card), individuals.few(card))):
                self.note(text)
        return found

    def refuse_other_labels(self, anyway: bool) -> None:
        """Raise, or say, that the model may not tell individuals apart; see `individuals`."""
        card, model = self.predictor.card, self.predictor.model
        if not anyway:
            individuals.refuse(card, model.spec["head"], hasattr(model.head, "embed"))
        if (text := individuals.doubt(card)) is not None:
            self.note(text)

    def limit(self, given: float | None, cohort: PathLike | None) -> float:
        """The score from which on the nearest of the enrolled is believed to be the one: `given`, or the model's own.

        Raises:
            UsageError: there is none for such scores.
        """
        limit = self.threshold(given, cohort)
        if given is not None:
            return limit
        chosen = choice_among(self.predictor.card, self.enrolment.speakers)
        count = len(self.enrolment.speakers)
        if chosen is None and count > 1:
            self.note(
                f"the model's threshold {limit:.4f} is that of two recordings; with {count} speakers enrolled "
                "strangers pass it more often. `audioft verify MODEL --trials LIST --store`, with a few recordings "
                "each of several speakers, chooses one for identifying too"
            )
        if chosen is None:
            return limit
        if count > 2 * chosen.speakers:
            self.note(
                f"{count} speakers are enrolled; the threshold {chosen.threshold:.4f} was chosen with "
                f"{chosen.speakers}, and strangers pass it more often the more are enrolled"
            )
        return chosen.threshold

    def cohort(
        self, folder: PathLike, compared: Sequence[Clip], enrolled: Iterable[str] = ()
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """Embeddings `(K, E)` of the recordings in a folder, and the digests of these recordings.

        Left out are those that are themselves `compared`, and those that a speaker is enrolled from, or is about to
        be: their digests are `enrolled`.

        Raises:
            UsageError: there are no recordings.
            DataError: fewer than two of them are left.
        """
        clips, failures = unlabelled([os.fspath(folder)])
        if not clips:
            raise UsageError(f"--cohort {failures[0].path}: {failures[0].reason}")
        own = {os.path.realpath(c.path) for c in compared}
        others = [c for c in clips if os.path.realpath(c.path) not in own]
        if len(others) < len(clips):
            self.note(f"{len(clips) - len(others)} recordings of the cohort are themselves compared: left out")
        known = {*self.enrolment.owners(), *enrolled}
        digests = {c.key: digest(c.path) for c in others}
        strangers = [c for c in others if digests[c.key] not in known]
        if len(strangers) < len(others):
            left = len(others) - len(strangers)
            self.note(f"{left} recording(s) of the cohort are of enrolled speakers, not of others: left out")
        heard = self.hear(strangers)
        for failure in [*failures, *heard.failures.values()]:
            self.note(f"left out of the cohort: {failure}")
        Scorer(heard.vectors)
        if len(heard.vectors) < STEADY:
            self.note(f"a cohort of {len(heard.vectors)} recordings makes unsteady scores; better 200, of many people")
        return heard.vectors, tuple(digests[strangers[i].key] for i in heard.kept)

    def fresh(self, name: str, clips: Sequence[Clip], add: bool) -> dict[str, Clip]:
        """Recordings to enrol a speaker from, each once, by a key that is its digest where it can be read.

        Args:
            name: of the speaker.
            clips: what was given.
            add: those that the speaker is enrolled from already are left out.

        Raises:
            UsageError: somebody else is enrolled from one of them.
        """
        given = [(digest(c.path), c) for c in clips]
        self.enrolment.refuse_of_others(name, [(c.name, d) for d, c in given])
        old = self.enrolment.speakers.get(name) if add else None
        if old is not None and len(old.digests) < old.recordings:
            self.note(
                f"an earlier audioft enrolled {name!r} and did not keep from which recordings: those of them "
                "that are given again count twice"
            )
        found: dict[str, Clip] = {}
        again = []
        for key, clip in given:
            if key and (key in found or (old is not None and key in old.digests)):
                again.append(clip.name)
            else:
                found[key or clip.key] = clip
        if again and found:
            more = f", and {len(again) - 3} more" if len(again) > 3 else ""
            self.note(f"counted once, though given again: {', '.join(again[:3])}{more}")
        return found

    def save(self, enrolment: Enrolment) -> None:
        """Write who is enrolled now, with a cohort of other people; told where that takes recordings out of it.

        Raises:
            DataError: fewer than two recordings are left of the cohort.
        """
        found = enrolment.without_enrolled()
        if enrolment.cohort is not None and found.cohort is not None and len(found.cohort) < len(enrolment.cohort):
            left = len(enrolment.cohort) - len(found.cohort)
            self.note(f"{left} recording(s) of the stored cohort are of an enrolled speaker now: taken out of it")
            Scorer(found.cohort)
        found.save(self.path)
