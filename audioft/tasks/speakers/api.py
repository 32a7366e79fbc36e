"""Speakers, or individuals of any kind, told apart: `audioft.enroll`, `identify`, `verify` and what goes with them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.errors import DataError, UsageError
from audioft.tasks.speakers.trials_api import trials, verify_trials

if TYPE_CHECKING:
    from audioft.assembly.run_folder import Run
    from audioft.inference.predictor import Predictor
    from audioft.speakers.enrolled import Enrolled, EnrolledNow
    from audioft.speakers.enrolment import Identification, Verdict

__all__ = ["enroll", "identify", "list_speakers", "remove_speaker", "trials", "verify", "verify_trials"]


def enroll(
    model: PathLike | Run | Predictor,
    name: str,
    inputs: PathLike | Iterable[PathLike],
    *,
    add: bool = False,
    replace_old: bool = False,
    anyway: bool = False,
    cohort: PathLike | None = None,
    speakers: PathLike | None = None,
    console: Console | None = None,
) -> EnrolledNow:
    """Tell a model of a speaker, so that `identify` finds the speaker again.

    Args:
        model: a run, a run folder, a model folder, or a `Predictor` made before.
        name: of the speaker.
        inputs: recordings of nobody else: files, folders and globs.
        add: add these recordings to those that the speaker is enrolled from; what is among them already counts once.
        replace_old: take these in their place.
        anyway: enrol with a model that has not learnt to tell individuals apart, too: as one whose labels are kinds of
            sounds.
        cohort: a folder of recordings of other people; their embeddings are stored, and scores normalised by them.
            Recordings that speakers are enrolled from are left out of it.
        speakers: the file of the enrolled; `speakers.json` in the model folder if not given.
        console: where messages go; nowhere if not given.

    Raises:
        DataError: none of the recordings can be heard, or fewer than two are left of the cohort.
        ModelError: the file is of another model.
        UsageError: the model has not learnt to tell individuals apart; no recordings are given, or none that are new;
            somebody else is enrolled from one of them; or the name is taken and neither `add` nor `replace_old` is
            asked for.

    Example:
        >>> own = tmp / "enrolled.json"
        >>> done = enroll(trained, "Ada", "samples/recordings/ada_letter.ogg", anyway=True, speakers=own)
        >>> done.recordings, done.failures
        (1, [])
    """
    from audioft.core.places import refuse_place
    from audioft.data.targets import clean
    from audioft.speakers import trial_scores
    from audioft.speakers.enrolled import Enrolled, EnrolledNow
    from audioft.speakers.enrolment_data import Use

    name = clean(name)
    clips, failures = trial_scores.recordings(inputs)
    use = Use.of(model, speakers, console)
    use.enrolment.refuse(name, add or replace_old)  # before anything is heard
    use.refuse_other_labels(anyway)
    refuse_place(use.path)
    fresh = use.fresh(name, clips, add)
    if not fresh and not failures:
        raise UsageError(f"speaker {name!r} is enrolled from all of these recordings already; give others")
    others = None if cohort is None else use.cohort(cohort, clips, enrolled=fresh)
    heard = use.hear(list(fresh.values()))
    failures += list(heard.failures.values())
    if not len(heard.kept):
        raise DataError([str(f) for f in failures])
    digests = [list(fresh)[i] for i in heard.kept]
    found = Enrolled.of(heard.vectors, heard.seconds, digests)
    enrolment = use.enrolment.enrol(name, found, add=add, replace_old=replace_old)
    if others is not None:
        enrolment = replace(enrolment, cohort=others[0], cohort_digests=others[1])
        use.console.say(f"scores are normalised by {len(others[0])} recordings of other people from now on")
    use.save(enrolment)
    own = enrolment.speakers[name]
    return EnrolledNow(name, own.recordings, own.seconds, use.path, failures)


def list_speakers(
    model: PathLike | Run | Predictor, *, speakers: PathLike | None = None, console: Console | None = None
) -> dict[str, Enrolled]:
    """Who is enrolled, by name in order of the alphabet.

    Args:
        model, speakers: as for `enroll`.
        console: told of a stored cohort.

    Raises:
        ModelError: the file is of another model.

    Example:
        >>> own = tmp / "listed.json"
        >>> _ = enroll(trained, "Ada", "samples/recordings/ada_letter.ogg", anyway=True, speakers=own)
        >>> {name: speaker.recordings for name, speaker in list_speakers(trained, speakers=own).items()}
        {'Ada': 1}
    """
    from audioft.speakers.enrolment_data import Use

    use = Use.of(model, speakers, console)
    known = use.enrolment
    if known.cohort is not None:
        use.console.say(f"scores are normalised by {len(known.cohort)} stored recordings of other people")
    return dict(sorted(known.speakers.items()))


def remove_speaker(model: PathLike | Run | Predictor, name: str, *, speakers: PathLike | None = None) -> Path:
    """Let a model forget an enrolled speaker.

    Args:
        model, name, speakers: as for `enroll`.

    Returns:
        The file that the speaker was in.

    Raises:
        UsageError: nobody of this name is enrolled.
        ModelError: the file is of another model.

    Example:
        >>> own = tmp / "removed.json"
        >>> _ = enroll(trained, "Ada", "samples/recordings/ada_letter.ogg", anyway=True, speakers=own)
        >>> _ = remove_speaker(trained, "Ada", speakers=own)
        >>> list_speakers(trained, speakers=own)
        {}
    """
    from audioft.data.targets import clean
    from audioft.speakers.enrolment_data import Use

    use = Use.of(model, speakers)
    use.enrolment.without(clean(name)).save(use.path)
    return use.path


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
        threshold: the score from which on the nearest speaker is believed to be the one. If not given it is the
            model's own for about so many speakers, enrolled from about so many recordings, as are.
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
        >>> ada = "samples/recordings/ada_letter.ogg"
        >>> _ = enroll(trained, "Ada", ada, replace_old=True, anyway=True, speakers=own)
        >>> [x.speaker for x in identify(trained, ada, threshold=0.99, speakers=own)]
        ['Ada']
    """
    from audioft.core.storage import write_result
    from audioft.data.inputs import digest
    from audioft.speakers import trial_scores
    from audioft.speakers.enrolment import UNKNOWN, Identification, table_of
    from audioft.speakers.enrolment_data import Use

    target = None if out is None else trial_scores.table_path(out)
    clips, missing = trial_scores.recordings(inputs)
    use = Use.of(model, speakers, console)
    use.enrolment.refuse_nobody(use.path)
    limit = use.limit(threshold, cohort)
    scorer = use.scorer(cohort, clips)
    owners = use.enrolment.owners()
    own = sum(digest(c.path) in owners for c in clips) if owners else 0
    if own:
        is_one = f"{own} of these recordings is one" if own == 1 else f"{own} of these recordings are ones"
        use.note(f"{is_one} that speakers are enrolled from; scores there say nothing of how well new ones are told")
    heard = use.hear(clips)
    answers = use.enrolment.identify(heard.vectors, scorer, limit)
    by_place = dict(zip(heard.kept.tolist(), answers, strict=True))
    found = [
        Identification(clip.name, *by_place[i])
        if i in by_place
        else Identification(clip.name, None, float("nan"), error=heard.failures[i])
        for i, clip in enumerate(clips)
    ] + [Identification(e.path, None, float("nan"), error=e) for e in missing]
    if target is not None:
        write_result(target, table_of(found))
    sure = sum(x.speaker not in (None, UNKNOWN) for x in found)
    use.console.say(f"{sure} of {len(found)} recordings are of enrolled speakers, at the threshold {limit:.4f}")
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
    from audioft.data.inputs import digest
    from audioft.speakers import trial_scores
    from audioft.speakers.enrolment import Verdict
    from audioft.speakers.enrolment_data import Use

    use = Use.of(model, speakers, console)
    limit = use.threshold(threshold, cohort)
    clips = [trial_scores.recording(path) for path in (first, second)]
    if digest(clips[0].path) == digest(clips[1].path):
        use.note("both are the same recording")
    scorer = use.scorer(cohort, clips)
    heard = use.hear(clips)
    for failure in heard.failures.values():
        raise failure
    return Verdict(float(scorer.matrix(heard.vectors[:1], heard.vectors[1:])[0, 0]), limit)
