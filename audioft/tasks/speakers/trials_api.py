"""Lists of trials made and measured on; functions of plain arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.errors import DataError, UsageError

if TYPE_CHECKING:
    from audioft.assembly.run_folder import Run
    from audioft.inference.predictor import Predictor
    from audioft.speakers.trial_scores import Verified


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
        trials: the list, see `audioft.speakers.trial_lists.read`; `trials` makes one.
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
        >>> _ = trials("samples/keywords", tmp / "list.csv", same=20, different=20)
        >>> print(verify_trials(trained, tmp / "list.csv", resamples=0).found.trials)
        40
    """
    from audioft.core.storage import write_result
    from audioft.models.folder import store_verification
    from audioft.speakers import pair_floor, trial_lists, trial_scores
    from audioft.speakers import trials as lists
    from audioft.speakers.enrolment_data import Use
    from audioft.speakers.pair_scores import Scorer
    from audioft.speakers.verification import PRIORS

    console = console or Console(quiet=True)
    if p_target is not None and not 0 < p_target < 1:
        raise UsageError(f"p_target {p_target}: expected a share above 0 and below 1")
    target = None if out is None else trial_scores.table_path(out)
    pairs = trial_lists.read(os.fspath(trials), None if root is None else os.fspath(root))
    where = os.fspath(trials)
    lists.refuse_one_kind(pairs, where, len(pairs))
    if target is not None and target.exists() and os.path.samefile(target, trials):
        raise UsageError(f"--out {target} is the list of trials itself; give the scores a file of their own")
    if model == pair_floor.NAME:
        if cohort is not None or speakers is not None or store:
            raise UsageError(f"{model} is no model folder: it goes with no cohort, no speakers and no stored threshold")
        embed, scorer = pair_floor.embed, Scorer()
    else:
        use = Use.of(model, speakers, console)
        embed, scorer = use.predictor.embed, use.scorer(cohort, [c for t in pairs for c in t.clips])
    priors = sorted({*PRIORS, *([] if p_target is None else [p_target])})
    found = trial_scores.run(embed, pairs, scorer, console, priors=priors, resamples=resamples, seed=seed, source=where)
    if target is not None:
        write_result(target, found.table())
    if store:
        store_verification(use.predictor.folder, found.for_card(p_target, Path(trials).name))
    return found


def trials(
    data: PathLike,
    out: PathLike,
    *,
    label: str | None = None,
    session: str | None = None,
    side: str | None = None,
    same: int | None = None,
    different: int | None = None,
    seed: int = 0,
    overwrite: bool = False,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    console: Console | None = None,
) -> tuple[int, int]:
    """Make a list of trials of labelled recordings.

    Args:
        data: folder or table, as for training.
        out: the list: a `.csv`, or else (`.txt`, or no ending) lines as VoxCeleb has them.
        label: the column with the speaker; the label's if not given.
        session: a column that says when or where a clip was recorded.
        side: `train`, `valid` or `test`: only clips of this side.
        same, different: how many pairs of one speaker and of two to draw; all if not given.
        seed: of what is drawn.
        overwrite: replace the list in `out`; nothing else that is there is ever replaced.
        overrides: how the data is read, as in training: dotted keys to values, or `section.key=value` strings, of
            `data`, and of `events` where labels with times are cut to clips.
        console: where messages go; nowhere if not given.

    Returns:
        How many trials there are, and how many of them of one speaker.

    Raises:
        DataError: what is wrong with the data, or it makes no such pairs.
        UsageError: there is no such data or column, or `out` is there and may not be replaced.

    Example:
        >>> trials("samples/keywords", tmp / "trials.csv", same=20, different=30)
        (50, 20)
    """
    from audioft.assembly import reading
    from audioft.core.places import refuse_place
    from audioft.core.storage import write_result
    from audioft.speakers import trial_lists
    from audioft.speakers import trials as lists

    taken = (*reading.KEYS, *reading.CUTTING)
    how = reading.of(overrides, "trials are pairs of clips", taken=taken, label=label)
    target = Path(out)
    trial_lists.refuse(target, overwrite)
    refuse_place(target)
    manifest = how.clips(os.fspath(data), least_labels=2)
    for note in manifest.notes:
        (console or Console(quiet=True)).say(f"note: {note}")
    if manifest.multilabel:
        raise DataError(f"{data}: a trial needs one speaker a clip; these clips carry several labels")
    clips = [c for c in manifest.clips if side is None or c.split == side]
    if not clips:
        raise DataError(f"{data}: no clip is on the side {side!r}")
    made = lists.make(clips, session=session, same=same, different=different, seed=seed)
    write_result(target, trial_lists.text_of(made, target))
    return len(made), sum(t.target for t in made)
