"""Speakers, or individuals of any kind, told apart; functions of plain arguments."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from audioft.errors import DataError, UsageError
from audioft.progress import Console

if TYPE_CHECKING:
    from audioft.inference.predictor import Predictor
    from audioft.inference.speakers import EnrolledNow, Identification, Verdict
    from audioft.run import Run
    from audioft.verifying import Verified

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
        >>> _ = enroll(trained, "Ada", "samples/recordings/ada_letter.ogg", replace_old=True, speakers=own)
        >>> [x.speaker for x in identify(trained, "samples/recordings/ada_letter.ogg", threshold=0.99, speakers=own)]
        ['Ada']
    """
    from audioft import verifying
    from audioft.inference.speakers import Identification, table_of
    from audioft.storage import write_text

    console = console or Console(quiet=True)
    target = None if out is None else verifying.table_path(out)
    use = verifying.Use.of(model, speakers)
    limit = use.limit(threshold, cohort is not None or use.enrolment.cohort is not None, console)
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


def verify_trials(
    model: PathLike | Run | Predictor,
    trials: PathLike,
    *,
    root: PathLike | None = None,
    cohort: PathLike | None = None,
    speakers: PathLike | None = None,
    out: PathLike | None = None,
    store: bool = False,
    p_target: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
    console: Console | None = None,
) -> Verified:
    """Measure how well a model tells speakers apart, on a list of trials.

    Args:
        model: as for `enroll`; or `log-mel` for statistics of spectra, which a model should do better than.
        trials: the list, see `audioft.data.trials.read`; `make_trials` makes one.
        root: the folder that its names are relative to; its own by default.
        cohort, speakers: as for `verify`.
        out: a `.csv` file for the scores.
        store: write the threshold into the model folder, for `identify` and `verify` to use.
        p_target: choose it for this share of pairs of one speaker; at the equal error rate if not given.
        resamples: draws of the speakers for the intervals.
        seed: of the draws.
        console: where messages go; nowhere if not given.

    Returns:
        The figures (`print` shows them), the scores, and what could not be heard.

    Raises:
        DataError: what is wrong with the list, or none of its trials can be scored.

    Example:
        >>> _ = make_trials("samples/keywords", tmp / "list.csv", same=20, different=20)
        >>> print(verify_trials(trained, tmp / "list.csv", resamples=0).found.trials)
        40
    """
    from audioft import verifying
    from audioft.data import trials as lists
    from audioft.evaluation import pair_floor
    from audioft.evaluation.pair_scores import Scorer
    from audioft.evaluation.verification import PRIORS
    from audioft.models.folder import store_verification
    from audioft.storage import write_text

    console = console or Console(quiet=True)
    if p_target is not None and not 0 < p_target < 1:
        raise UsageError(f"p_target {p_target}: expected a share above 0 and below 1")
    target = None if out is None else verifying.table_path(out)
    pairs = lists.read(os.fspath(trials), None if root is None else os.fspath(root))
    if model == pair_floor.NAME:
        if cohort is not None or speakers is not None or store:
            raise UsageError(f"{model} is no model folder: it goes with no cohort, no speakers and no stored threshold")
        embed, scorer = pair_floor.embed, Scorer()
    else:
        use = verifying.Use.of(model, speakers)
        embed, scorer = use.predictor.embed, use.scorer(cohort, [c for t in pairs for c in (t.enrol, t.test)], console)
    priors = sorted({*PRIORS, *([] if p_target is None else [p_target])})
    found = verifying.run(embed, pairs, scorer, console, priors=priors, resamples=resamples, seed=seed)
    if target is not None:
        write_text(target, found.table())
    if store:
        store_verification(use.predictor.folder, found.for_card(p_target, Path(trials).name))
    return found


def make_trials(
    source: PathLike,
    out: PathLike,
    *,
    label: str | None = None,
    session: str | None = None,
    side: str | None = None,
    same: int | None = None,
    different: int | None = None,
    seed: int = 0,
) -> tuple[int, int]:
    """Make a list of trials of labelled recordings.

    Args:
        source: a folder or a table, as for training.
        out: the list: a `.csv`, or else lines as VoxCeleb has them.
        label: the column with the speaker; the label's if not given.
        session: a column that says when or where a clip was recorded.
        side: `train`, `valid` or `test`: only clips of this side.
        same, different: how many pairs of one speaker and of two to draw; all if not given.
        seed: of what is drawn.

    Returns:
        How many trials there are, and how many of them of one speaker.

    Raises:
        DataError: what is wrong with the source, or it makes no such pairs.

    Example:
        >>> make_trials("samples/keywords", tmp / "trials.csv", same=20, different=30)
        (50, 20)
    """
    from audioft import verifying
    from audioft.data import manifest as manifests
    from audioft.data import trials as lists
    from audioft.storage import write_text

    target = Path(out)
    manifest = manifests.load(os.fspath(source), label=label)
    if manifest.multilabel:
        raise DataError(f"{source}: a trial needs one speaker a clip; these clips carry several labels")
    clips = [c for c in manifest.clips if side is None or c.split == side]
    if not clips:
        raise DataError(f"{source}: no clip is on the side {side!r}")
    made = lists.make(clips, session=session, same=same, different=different, seed=seed)
    verifying.made_folder(target)
    write_text(target, lists.text_of(made, target))
    return len(made), sum(t.target for t in made)
