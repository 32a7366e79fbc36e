"""Which steps are taken, in which order, and what is written: with steps and figures that are made up."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny

from audioft.core.progress import Console
from audioft.errors import AudioftError, UsageError
from audioft.evaluation.intervals import Estimate
from audioft.models.card import ModelCard
from audioft.tasks.compress.gate import Gate
from audioft.tasks.compress.kept import ORIGINAL, Kept
from audioft.tasks.compress.ladder import Ladder, Target
from audioft.tasks.compress.measuring import Row
from audioft.tasks.compress.steps.base import Made

CARD = ModelCard(("a", "b", "c"), multilabel=False, window=1.0)
MODEL = tiny.make_classifier()


@dataclass
class Fake:
    """A step of a few stages."""

    name: str
    stages: int = 9
    trains: bool = True
    last: bool = False
    makes: str = "what a test wants"

    def make(self, model, stage, work, folder):
        assert folder.is_dir()
        return Made(MODEL, [f"stage {stage}"]) if stage < self.stages else None


@dataclass
class Refusing(Fake):
    def make(self, model, stage, work, folder):
        raise UsageError("not with such a model")


class Figures:
    """As `Measuring`: figures by the name of a model, as (speed, change); size is one over speed."""

    def __init__(self, figures, sizes):
        self.figures, self.sizes, self.asked = figures | {ORIGINAL: (1.0, 0.0)}, sizes, list[str]()

    def row(self, name, said, place, about=None):
        self.asked.append(name)
        speed, change = self.figures[name]
        at = Estimate(change, change - 0.005, change + 0.005)
        size = self.sizes.get(name) or round(1e6 / speed)
        return Row(name, said, size, 1.0, speed, None, Estimate(0.9 + change, 0.8, 1.0), at, 1.0, 0.0)


@pytest.fixture
def climb(tmp_path):
    def call(steps, figures, max_loss=0.02, again=None, sizes=(), **target):
        work = SimpleNamespace(
            joined=False,
            parts=SimpleNamespace(model=MODEL), original=SimpleNamespace(folder=Path("nowhere")), card=CARD,
            metric="accuracy", console=Console(quiet=True),
        )  # fmt: skip
        gate = None if max_loss is None else Gate(max_loss, "accuracy", 500, 500)
        kept = again or Kept(tmp_path, "x")
        measuring = Figures(figures, dict(sizes))
        ladder = Ladder(work, measuring, kept, gate, Target(**target))
        return ladder, ladder.climb(steps), measuring.asked

    return call


QUANTISE = Fake("quantise", stages=1, trains=False, last=True)


def test_what_takes_no_training_is_tried_first_and_may_be_enough(climb):
    _, taken, asked = climb([Fake("prune"), QUANTISE], {"quantise": (2.5, -0.001)}, speed=2.0)
    assert (taken.name, asked) == ("quantise", [ORIGINAL, "quantise"])


def test_steps_go_on_to_the_target_with_the_last_on_top(climb):
    figures = {"quantise": (2, 0), "prune": (1.2, 0), "prune + quantise": (2.5, 0), "prune 2": (1.5, 0)}
    figures["prune 2 + quantise"] = (3.1, -0.01)
    _, taken, asked = climb([Fake("prune"), QUANTISE], figures, speed=3)
    assert taken.name == "prune 2 + quantise"
    assert asked == [ORIGINAL, "quantise", "prune", "prune + quantise", "prune 2", "prune 2 + quantise"]


def test_what_does_not_pass_is_not_gone_on_from(climb):
    figures = {"quantise": (2, 0), "prune": (1.5, -0.2), "prune + quantise": (4, -0.2)}
    ladder, taken, asked = climb([Fake("prune"), QUANTISE], figures, speed=3)
    assert taken.name == "quantise"  # the best that passed
    assert not ladder.target.reached(taken, ladder.kept.rows[ORIGINAL])
    assert asked[-1] == "prune + quantise"


def test_of_several_the_one_that_gains_most_for_what_it_loses_goes_on(climb):
    figures = {"prune": (1.3, -0.014), "distil": (1.3, -0.001), "distil 2": (1.6, -0.3), "distil + prune": (1.7, 0)}
    figures |= {"distil + prune 2": (2.5, -0.3)}
    _, taken, asked = climb([Fake("prune", 2), Fake("distil", 2)], figures)
    assert asked[1:3] == ["prune", "distil"]
    assert taken.name == "distil + prune"
    assert "prune 2" not in asked


def test_nothing_that_passes_is_nothing(climb):
    _, taken, _ = climb([QUANTISE], {"quantise": (2, -0.5)})
    assert taken is None


def test_forced_everything_passes_each_step_once(climb):
    figures = {"quantise": (2, -0.5), "prune": (1.5, -0.5), "prune + quantise": (4, -0.5)}
    _, taken, asked = climb([Fake("prune"), QUANTISE], figures, max_loss=None)
    assert taken.name == "prune + quantise"
    assert len(asked) == 4


def test_a_step_that_cannot_be_done_leaves_the_others(climb):
    ladder, taken, _ = climb([Refusing("prune"), QUANTISE], {"quantise": (2, 0)})
    assert taken.name == "quantise"
    assert ladder.notes == ["prune could not be done: not with such a model"]
    with pytest.raises(AudioftError, match="nothing could be made smaller: prune could not be done"):
        climb([Refusing("prune")], {})


def test_without_times_the_smallest_is_taken(climb):
    figures = {"quantise": (math.nan, 0), "prune": (math.nan, 0), "prune + quantise": (math.nan, 0)}
    sizes = {"quantise": 400_000, "prune": 800_000, "prune + quantise": 300_000}
    _, taken, _ = climb([Fake("prune", 1), QUANTISE], figures, sizes=sizes, size=0.35)
    assert taken.name == "prune + quantise"


def test_what_was_measured_is_not_measured_again(climb, tmp_path):
    from audioft.tasks.compress import kept

    figures = {"quantise": (2, 0), "prune": (1.5, -0.2), "prune + quantise": (3, -0.2)}
    climb([Fake("prune"), QUANTISE], figures)
    state = kept.opened(tmp_path, "x", resume=True, overwrite=False)
    _, taken, asked = climb([Fake("prune"), QUANTISE], figures, again=state)
    assert (taken.name, asked) == ("quantise", [])
    with pytest.raises(UsageError, match="not those that it began with"):
        kept.opened(tmp_path, "y", resume=True, overwrite=False)
    with pytest.raises(UsageError, match="--resume"):
        kept.opened(tmp_path, "x", resume=False, overwrite=False)
    assert not kept.opened(tmp_path, "y", resume=False, overwrite=True).rows
