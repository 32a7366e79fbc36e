"""One compression, from a model and data to a smaller model folder: the steps behind `audioft.compress`."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audioft.assembly import side_scores
from audioft.assembly.fitting import run_trainer
from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.core.progress import Console
from audioft.core.wording import counted
from audioft.errors import UsageError
from audioft.evaluation.intervals import Estimate, units
from audioft.evaluation.ratios import plain
from audioft.inference.predictor import Predictor
from audioft.models import folder as model_folder
from audioft.models.weight_files import weights_hash
from audioft.tasks.compress import kept, work
from audioft.tasks.compress.gate import Gate
from audioft.tasks.compress.kept import Kept
from audioft.tasks.compress.ladder import Ladder, Target
from audioft.tasks.compress.measuring import Measuring, Row
from audioft.tasks.compress.result import Compression
from audioft.tasks.compress.steps import STEPS
from audioft.tasks.compress.work import Learning, Work


@dataclass(frozen=True)
class Asked:
    """What was asked for; see `audioft.compress`."""

    model: str
    how: Sequence[str]
    target: Target
    max_loss: float
    force: bool
    side: str
    metric: str | None
    out: Path
    rounds: int
    learning: Learning
    resume: bool
    overwrite: bool


def run(asked: Asked, original: Predictor, config: Config, folder: Path, console: Console) -> Compression:
    """Compress a model; its state is kept in a folder that this process holds."""
    begun = work.begun(original, asked.model, config, asked.side, asked.metric, folder, asked.learning, console)
    measuring = Measuring(begun, asked.rounds)
    state = kept.opened(folder, _made_of(begun, asked.rounds), resume=asked.resume, overwrite=asked.overwrite)
    unit, member = units(measuring.original())
    groups = int(member.max()) + 1
    clips = len(member)
    gate = Gate(asked.max_loss, begun.metric, clips, groups, asked.side)
    _refuse_few(gate, asked)
    ladder = Ladder(begun, measuring, state, None if asked.force else gate, asked.target)
    taken = ladder.climb([STEPS[name] for name in asked.how])
    told = counted(clips, "clip") + (f" in {counted(groups, 'group')}" if unit == "groups" else "")
    notes = [*begun.data.told_before(begun.side), *ladder.notes]
    rows = tuple(state.rows.values())
    given: dict[str, Any] = {"metric": begun.metric, "gate": gate, "forced": asked.force, "target": asked.target}
    if taken is None:
        return Compression(asked.model, None, rows, None, **given, clips=told, notes=notes)
    test = _tested(begun, measuring, state, taken)
    found = Compression(asked.model, asked.out, rows, taken, **given, clips=told, test=test, notes=notes)
    _write(found, begun, state)
    shutil.rmtree(folder / kept.MODELS, ignore_errors=True)
    for place in (folder / kept.STEPS, folder / kept.FILE):
        shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink(missing_ok=True)
    return found


def _made_of(begun: Work, rounds: int) -> str:
    """A hash over what all that is kept depends on: the model, the clips, the settings of training, and the score."""
    settings = {k: v for k, v in configs.differing(begun.parts.config).items() if not k.startswith("start.")}
    about: dict[str, Any] = {"data": run_trainer.told_apart(begun.data), "settings": settings, "metric": begun.metric}
    about |= {"rounds": rounds, "side": begun.side, "learning": [begun.learning.student, *begun.learning.unlabelled]}
    return weights_hash(begun.original.model.state_dict(), about)


def _refuse_few(gate: Gate, asked: Asked) -> None:
    """Say before anything is done that too few clips are there to show anything.

    Raises:
        UsageError: a model that answers all of them as the original does would not pass.
    """
    if asked.force or gate.least <= gate.max_loss:
        return
    needed = gate.needed(Estimate(0.0, -gate.least, gate.least))
    grouped = f" in {counted(gate.groups, 'group')}" if gate.groups < gate.clips else ""
    raise UsageError(
        f"{counted(gate.clips, 'clip')} of the {gate.side} side{grouped} cannot show that a loss is at most "
        f"{gate.max_loss:g}: of a model that answers all of them alike it could still be {gate.least:.3f}. Give about "
        f"{needed:,}, --max-loss {_upwards(gate.least)}, or --force to write without proof"
    )


def _upwards(value: float) -> str:
    """A little more than a value, in few digits."""
    return f"{value * 1.25:.1g}" if float(f"{value * 1.25:.1g}") > value else f"{value * 1.5:.1g}"


def _tested(begun: Work, measuring: Measuring, state: Kept, taken: Row) -> dict[str, Estimate]:
    """The one look at the test side: the original's score, that of what is written, and the change."""
    if begun.side == "test" or not len(begun.data.side("test")):
        return {}
    predictor = measuring.of(state.place(taken.name))
    before, _ = measuring.scores(measuring.original("test"), "test")
    after, change = measuring.scores(measuring.said_by(predictor, "test"), "test")
    return {"before": before, "after": after, "change": change}


def _write(found: Compression, begun: Work, state: Kept) -> None:
    """The model folder, with what was measured."""
    taken, place = found.taken, found.folder
    assert taken is not None
    assert place is not None
    model, _ = model_folder.load(state.place(taken.name))
    scores = {begun.side: {found.metric: taken.score.value}}
    if found.test:
        scores["test"] = {found.metric: found.test["after"].value}
    card = dataclasses.replace(begun.card, measured=plain(scores), compression=found.json())
    readme = side_scores.model_readme(card, None, {"compressed from": Path(begun.name).name}, f"```\n{found}\n```")
    model_folder.save(model, card, place, readme, heard=begun.data.heard())
