"""The settings: a search in the time that is left, on clips of which none is tested, and the model it ends with."""

from __future__ import annotations

import dataclasses
import math
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import audioft
from audioft.assembly import recipe
from audioft.assembly.folds import FEW, USUAL
from audioft.assembly.run_folder import Run
from audioft.configuration import config as configs
from audioft.core import storage
from audioft.core.progress import spell_seconds
from audioft.evaluation.intervals import bootstrap
from audioft.evaluation.text import number
from audioft.tasks.auto import advice, joining, tables
from audioft.tasks.auto.kept import Best, Done
from audioft.tasks.auto.work import PROBE, SEARCH, Work

if TYPE_CHECKING:
    from collections.abc import Mapping

SOME = "some.csv"
TRIALS = 100
PASS = 0.3  # of the time that is free, that hearing all clips once may take
LATER = 0.15  # of it, left for the models that may be joined
SHORT = 300.0  # seconds that are free, below which the encoder stays frozen
TRAINED = 2  # trials that train the encoder, for which there must be time, or it stays frozen too
EPOCHS, BACK = 6, 3  # of such a trial, before it gets no better; and the cost of a step, in passes
SPACE = "space.yaml"
FROZEN = """\
freeze: all
model.layers: {choice: [LAYERS]}
model.pooling: {choice: [auto, stats, mean]}
model.head: {choice: [own, mlp]}
train.head_lr: {log: [1.0e-5, 1.0e-2]}
train.epochs: {int: [4, 24]}
train.weight_decay: {log: [1.0e-3, 0.3]}
"""
LAYERS = 3  # that told labels apart best in the probe, each of which is a pass more
GROWN = 1.5  # times as many clips as before must fit, for a search to begin anew
TOLD = (
    *("freeze", "model.layers", "model.pooling", "model.head"),
    *("train.epochs", "train.lr", "train.head_lr", "train.weight_decay"),
)
SHOWN = 5  # trials that were not taken


def search(work: Work) -> Done:
    """The step."""
    table, told = _table(work)
    out, encoder = work.folder / SEARCH, str(work.kept.found("encoder")["encoder"])
    if _outgrown(work, out, table):
        _forget(work)
        told.append("the search begins anew: there is time for more than it was begun with")
    minutes = round(max(0.1, (1 - LATER) * work.free / 60), 1)
    settings, resume = [*work.settings, *work.sides], (out / "study.json").is_file()
    own: dict[str, Any] = {
        "encoder": encoder,
        "trials": _trials(work, out),
        "minutes": minutes,
        **_space(work, out, told),
    }
    own["refit"] = str(work.kept.found("data")["refit"])
    if not resume and table == work.at(tables.CLIPS) and (work.folder / PROBE / "classifier").is_dir():
        own["from_probe"] = work.folder / PROBE  # its layer and pooling are one of the first trials
    shown = own | {name: place for name, place in _study_of(work).items() if resume}
    call = work.call("search", table, settings=settings, out=out, **shown)
    found = audioft.search(table, out=out, overrides=settings, resume=resume, console=work.brief, **own)
    best, known = _judged(work, found, encoder)
    lost = _lost(found)
    if found.run is not None and (why := work.offer(best, found.run.model)):
        lost.insert(0, why)
    said = [sentence.partition(" (--take best")[0] for sentence in found.sentences()]
    settled = [] if found.run is None else [f"the model: {_settled(found.run)}"]
    return Done("The settings", [*told, found.about, *said, *settled], lost, [call], found=known)


def _trials(work: Work, study: Path) -> int:
    """How many trials there are to be, those of before included; more, where a search had ended."""
    table = study / "trials.csv"
    return TRIALS + (tables.rows(table) if work.repeated and table.is_file() else 0)


def _study_of(work: Work) -> dict[str, Path]:
    """What a search that goes on was begun with."""
    places = {"space": work.folder / SPACE, "from_probe": work.folder / PROBE}
    return {name: place for name, place in places.items() if place.exists()}


def _settled(run: Run) -> str:
    """The settings of a run that matter, those that were left to audioft included."""
    config, chosen = run.config, recipe.kept(run.folder)
    known = {k: chosen.get(k, recipe.value(config, k)) for k in TOLD}
    if known["train.epochs"] in (0, "auto"):
        known = {k: v for k, v in known.items() if not k.startswith("train.")}
        return f"{_shown(known)}; its head is solved for, without a step"
    return f"{_shown(known)}, augment={configs.shortly(list(config.augment))}"


def _space(work: Work, study: Path, told: list[str]) -> dict[str, Any]:
    """What is searched; in little time only settings below which the encoder stays as it is, which take seconds."""
    if (study / "study.json").is_file() or work.free >= _needed(work):
        return {}
    takes, left = spell_seconds(_needed(work)), spell_seconds(max(0.0, work.free))
    told.append(f"only settings of a frozen encoder are searched: others, too, take about {takes}, and {left} are left")
    place = work.folder / SPACE
    storage.write_text(place, FROZEN.replace("LAYERS", ", ".join(["auto", *map(str, _layers(work))])))
    return {"space": place}


def _layers(work: Work) -> list[int]:
    """Layers that are worth a try: as many as there is time for, the best of the probe first."""
    found = work.kept.found("encoder").get("layers", [])
    afford = int(PASS * work.free / max(1e-9, _whole(work)))
    return list(found)[: max(1, min(LAYERS, afford))]


def _needed(work: Work) -> float:
    """Seconds that must be free to search among settings that train the encoder."""
    folds = USUAL if work.kept.found("data")["learnt"] < FEW else 1
    return max(SHORT, TRAINED * max(1, folds - 1) * EPOCHS * BACK * _whole(work))


def _whole(work: Work) -> float:
    """Seconds that hearing all clips once takes, those that are not tested; 0 where nobody knows."""
    about, pace = work.kept.found("data"), work.kept.found("encoder").get("seconds_per_minute")
    return 0.0 if pace is None else float(about["seconds"]) / 60 * float(pace)


def _outgrown(work: Work, study: Path, table: str) -> bool:
    """Whether a study is of less than there is time for now, or of a table elsewhere: of a folder that was moved."""
    if not (study / "study.json").is_file():
        return False
    if work.free >= _needed(work) and (work.folder / SPACE).is_file():
        return True
    return str(configs.load(study / "config.yaml").data.source) != os.path.abspath(table)


def _forget(work: Work) -> None:
    """Take a study away, so that another one begins; the best model stays."""
    for name in (SEARCH, joining.MEMBERS):
        shutil.rmtree(work.folder / name, ignore_errors=True)
    (work.folder / SPACE).unlink(missing_ok=True)


def _table(work: Work) -> tuple[str, list[str]]:
    """All clips, or as many as can be heard in the time there is; of a search that goes on those it began with."""
    about, whole = work.kept.found("data"), _whole(work)
    some = work.folder / SOME
    if whole <= PASS * work.free:
        some.unlink(missing_ok=True)
        return work.at(tables.CLIPS), []
    share = max(0.02, PASS * work.free / whole)
    if (work.folder / SEARCH / "study.json").is_file():
        if not some.is_file():
            return work.at(tables.CLIPS), []
        if share < GROWN * (tables.rows(some) - about["tested"]) / about["learnt"]:
            return work.at(SOME), [f"learnt from the clips in {some}, which could be heard in the time there was"]
        _forget(work)
    count = tables.write_some(work.data(), work.folder, SOME, share * float(about["seconds"]), work.config.seed)
    return work.at(SOME), [
        f"of {about['learnt']} clips {count} are learnt from: to hear all of them takes {spell_seconds(whole)}, and "
        f"{spell_seconds(max(0.0, work.free))} are left; give more --minutes"
    ]


def _judged(work: Work, found: Any, encoder: str) -> tuple[Best, dict[str, Any]]:
    """The model of the search with its figure, and what later steps go by."""
    figure, chosen = work.figure, found.chosen
    if chosen is None or chosen.number not in found.said:
        return Best(f"probe of {encoder}, on all clips", figure, math.nan, math.nan, math.nan, ""), {}
    own = found.said[chosen.number]
    low, high = bootstrap(own, [figure], seed=work.config.seed)[figure]
    how = "by the recipe" if chosen.number == 0 else f"with the settings of trial {chosen.number}"
    value = chosen.about["figures"].get(figure, math.nan)
    best = Best(f"{encoder} {how}", figure, value, low, high, f"on {len(own)} clips that it did not learn from")
    labels = [*advice.of_labels(own), advice.doubted(own, work.folder)]
    known = {"advice": [dataclasses.asdict(a) for a in labels if a is not None]}
    return best, known | {"joint": joining.planned(work, found)}


def _lost(found: Any) -> list[str]:
    """The best trials that were not taken."""
    figure, sign = found.objectives.figure, -1.0 if found.objectives.higher else 1.0
    done = sorted((e for e in found.trials if e.state == "complete"), key=lambda e: sign * e.values[0])
    told = [
        f"trial {e.number}: {figure} {number(e.values[0])} with {_shown(e.settings)}"
        for e in done
        if found.chosen is None or e.number != found.chosen.number
    ]
    more = [f"{len(told) - SHOWN} more, in {found.folder / 'search.html'}"] if len(told) > SHOWN else []
    return [*told[:SHOWN], *more]


def _shown(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{k}={configs.shortly(v)}" for k, v in settings.items()) or "what the search began with"
