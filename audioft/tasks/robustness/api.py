"""`audioft.robustness`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core.places import PathLike
from audioft.core.progress import Console

if TYPE_CHECKING:
    from audioft.assembly.run_folder import Run
    from audioft.tasks.robustness.card import RobustnessCard

__all__ = ["robustness"]

FILES = ("robustness.json", "robustness.csv", "robustness.html")


def robustness(
    model: PathLike | Run,
    data: PathLike,
    *,
    out: PathLike | None = None,
    kinds: Sequence[str] | None = None,
    severities: Sequence[int] | None = None,
    limit: int = 160,
    reference: PathLike | None = None,
    noise: str | None = None,
    impulses: str | None = None,
    attack: bool = False,
    attack_clips: int = 40,
    side: str | None = None,
    label: str | None = None,
    group: str | None = None,
    rename: Mapping[str, str] | None = None,
    device: str = "auto",
    precision: str = "fp32",
    batch_seconds: float | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    resamples: int = 1000,
    seed: int = 0,
    players: bool = True,
    overwrite: bool = False,
    console: Console | None = None,
) -> RobustnessCard:
    """Measure what a model can stand: labelled clips under disturbances of five published strengths each.

    Args:
        model: a run, a run folder or a model folder that labels clips.
        data: folder or table with labels that the model knows.
        out: where to write `robustness.json`, `.csv` and `.html`, and rows as they are done: the same call goes on
            after the last of them. Nowhere if not given.
        kinds: of disturbances, or of their families (`noise`, `room`, `channel`, `codec`, `level`, `time`); all if not
            given.
        severities: strengths, of 1 (mildest) to 5; all if not given.
        limit: clips at most, evenly over the labels; 0 for all.
        reference: another model of the same labels, whose errors are compared (mCE).
        noise: a folder of noises that take the place of other clips of the data in `babble` and `recorded`.
        impulses: a folder of impulse responses that take the place of synthetic rooms in `reverb`.
        attack: look for the smallest change that makes the model err, too: only for a model of one's own.
        attack_clips: clips that are attacked, at most.
        side, label, group, rename, overrides: which clips, and how they are read, as for `audioft.evaluate`.
        device, precision, batch_seconds: see `Predictor`.
        resamples: bootstrap resamples for the intervals, at least 1.
        seed: of the disturbances and the bootstrap.
        players: whether a clip can be heard under each strength in `robustness.html`. Whoever has the page can.
        overwrite: replace the results in `out`, if there are any.
        console: where messages go.

    Returns:
        The card; `print` shows it as a table, `card.advise()` what to train with.

    Raises:
        UsageError: the call itself is wrong, or the model labels frames.
        DataError: the data has labels the model does not know, or no recording can be read.

    Example:
        >>> how = {"kinds": ["white"], "severities": [1, 5], "console": Console(quiet=True)}
        >>> card = robustness(trained, "samples/keywords", **how)
        >>> [row.row.told for row in card.rows]
        ['30 dB SNR', '0 dB SNR']
    """
    import dataclasses

    from audioft.assembly import reading
    from audioft.core import places, runtime
    from audioft.errors import UsageError
    from audioft.inference.predictor import Predictor
    from audioft.tasks.robustness import card_run, examples, page, suite

    runtime.refuse_several("robustness")
    if resamples < 1 or limit < 0 or attack_clips < 1:
        raise UsageError(
            f"resamples is {resamples}, limit {limit} and attack_clips {attack_clips}; expected at least 1, 0 and 1"
        )
    wanted, strengths = suite.asked(kinds), suite.severities(severities)
    why = "robustness measures a model as it is"
    reading.of(overrides, why, label=label, group=group, rename=rename)
    place, console = None if out is None else Path(out), console or Console()
    if place is not None and (place / "config.yaml").is_file():
        raise UsageError(f"{place} holds a run; give another --out")
    with places.results(place, FILES, overwrite=overwrite):
        own: dict[str, Any] = {"device": device, "precision": precision, "batch_seconds": batch_seconds}
        predictor = Predictor(model, **own)
        other = None if reference is None else Predictor(reference, **own)
        named = {"label": label, "group": group, "rename": rename}
        how = reading.as_learnt(predictor.card.reading, overrides, why, console, **named)
        sounds = (noise, impulses)
        run = card_run.CardRun(
            predictor, Path(model), place, wanted, strengths, limit, *sounds, resamples, seed, console, other
        )
        card, under_test = run.on(Path(data), how, side)
        if attack:
            card = dataclasses.replace(card, attack=card_run.attacked(under_test, attack_clips))
        if place is not None:
            card.save(place)
            rows = [r.row for r in card.rows]
            heard = examples.players(under_test.disturber, under_test.clips[0], rows) if players else {}
            page.write(place / "robustness.html", card, heard)
        return card
