"""Speakers, or individuals of any kind, told apart; functions of plain arguments."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from audioft.errors import DataError, UsageError
from audioft.progress import Console

if TYPE_CHECKING:
    from audioft.inference.predictor import Predictor
    from audioft.inference.speakers import EnrolledNow, Identification, Verdict
    from audioft.run import Run

PathLike = str | os.PathLike[str]


def enroll(
    model: PathLike | Run | Predictor,
    name: str,
    inputs: PathLike | Iterable[PathLike],
    *,
    add: bool = False,
    replace_old: bool = False,
    cohort: PathLike | None = None,
    speakers: PathLike | None = None,
    console: Console | None = None,
) -> EnrolledNow:
    """Tell a model of a speaker, so that `identify` finds the speaker again.

    Args:
        model: a run, a run folder, a model folder, or a `Predictor` made before.
        name: of the speaker.
        inputs: recordings of nobody else: files, folders and globs.
        add: add these recordings to those that the speaker is enrolled from.
        replace_old: take these in their place.
        cohort: a folder of recordings of other people; their embeddings are stored, and scores normalised by them.
        speakers: the file of the enrolled; `speakers.json` in the model folder if not given.
        console: where messages go; nowhere if not given.

    Raises:
        DataError: none of the recordings can be heard.
        ModelError: the file is of another model.
        UsageError: the name is taken and neither `add` nor `replace_old` is asked for.

    Example:
        >>> done = enroll(trained, "Ada", "samples/recordings/ada_letter.ogg", speakers=tmp / "speakers.json")
        >>> done.recordings, done.failures
        (1, [])
    """
    from audioft import verifying
    from audioft.data.targets import clean
    from audioft.inference.speakers import Enrolled, EnrolledNow

    console = console or Console(quiet=True)
    name = clean(name)
    use = verifying.Use.of(model, speakers)
    use.enrolment.refuse(name, add or replace_old)  # before anything is heard
    clips, failures = verifying.recordings(inputs)
    heard = verifying.hear(use.predictor.embed, clips, console)
    failures += list(heard.failures.values())
    if not len(heard.kept):
        raise DataError([str(f) for f in failures] or f"speaker {name!r}: no recordings were given")
    enrolment = use.enrolment.enrol(name, Enrolled.of(heard.vectors, heard.seconds), add=add, replace_old=replace_old)
    if cohort is not None:
        enrolment = replace(enrolment, cohort=use.cohort(cohort, clips, console))
    verifying.made_folder(use.path)
    enrolment.save(use.path)
    own = enrolment.speakers[name]
    return EnrolledNow(name, own.recordings, own.seconds, use.path, failures)


def identify(
    model: PathLike | Run | Predictor,
    inputs: PathLike | Iterable[PathLike],
    *,
    threshold: float | None = None,
    cohort: PathLike | None = None,
    speakers: PathLike | None = None,
    out: PathLike | None = None,
    console: Console | None = None,
) -> list[Identification]:
    """Say which enrolled speaker is heard in each recording, or that it is none of them.

    Args:
        model: as for `enroll`.
        inputs: files, folders and globs.
        threshold: the score from which on the nearest speaker is believed to be the one; the model's own if not given.
        cohort: a folder of recordings of other people, to normalise scores by; the one that was stored by `enroll` if
            not given. Recordings of it that are among the inputs are left out of it.
        speakers: the file of the enrolled; `speakers.json` in the model folder if not given.
        out: a `.csv` file for the table `path,speaker,score,nearest,error`.
        console: where messages go; nowhere if not given.

    Returns:
        One an input, in their order; inputs that lead to no file come last. A recording that cannot be heard to its
        end has its `error` set and no speaker.

    Raises:
        UsageError: nobody is enrolled, or there is no threshold for such scores.
        ModelError: the file is of another model.

    Example:
        >>> own = tmp / "speakers.json"
        >>> _ = enroll(trained, "Ada", "samples/recordings/ada_letter.ogg", replace_old=True, speakers=own)
        >>> [x.speaker for x in identify(trained, "samples/recordings/ada_letter.ogg", threshold=0.99, speakers=own)]
        ['Ada']
    """
    from audioft import verifying
    from audioft.inference.speakers import Identification, table_of, threshold_of
    from audioft.storage import write_text

    console = console or Console(quiet=True)
    target = None if out is None else verifying.table_path(out)
    use = verifying.Use.of(model, speakers)
    limit = threshold_of(use.predictor.card, threshold, cohort is not None or use.enrolment.cohort is not None)
    clips, missing = verifying.recordings(inputs)
    scorer = use.scorer(cohort, clips, console)
    heard = verifying.hear(use.predictor.embed, clips, console)
    answers = use.enrolment.identify(heard.vectors, scorer, limit)
    by_place = dict(zip(heard.kept.tolist(), answers, strict=True))
    found = [
        Identification(clip.name, *by_place[i])
        if i in by_place
        else Identification(clip.name, None, float("nan"), error=heard.failures[i])
        for i, clip in enumerate(clips)
    ] + [Identification(e.path, None, float("nan"), error=e) for e in missing]
    if target is not None:
        write_text(target, table_of(found))
    return found


def verify(
    model: PathLike | Run | Predictor,
    first: PathLike,
    second: PathLike,
    *,
    threshold: float | None = None,
    cohort: PathLike | None = None,
    speakers: PathLike | None = None,
    console: Console | None = None,
) -> Verdict:
    """Say whether two recordings are of one speaker.

    Args:
        model: as for `enroll`.
        first, second: the recordings.
        threshold, cohort, speakers, console: as for `identify`; of the file of the enrolled, only its cohort is used.

    Raises:
        AudioError: one of them cannot be heard to its end.
        UsageError: there is no threshold for such scores.

    Example:
        >>> ada = "samples/recordings/ada_letter.ogg"
        >>> print(verify(trained, ada, ada, threshold=0.9))
        same 1.0000 (threshold 0.9000)
    """
    from audioft import verifying
    from audioft.inference.speakers import Verdict, threshold_of

    console = console or Console(quiet=True)
    use = verifying.Use.of(model, speakers)
    limit = threshold_of(use.predictor.card, threshold, cohort is not None or use.enrolment.cohort is not None)
    clips = [verifying.recording(path) for path in (first, second)]
    scorer = use.scorer(cohort, clips, console)
    heard = verifying.hear(use.predictor.embed, clips, console)
    for failure in heard.failures.values():
        raise failure
    return Verdict(float(scorer.matrix(heard.vectors[:1], heard.vectors[1:])[0, 0]), limit)
