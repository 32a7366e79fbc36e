"""A run that is told to stop ends its step, writes a checkpoint, and goes on to the same end."""

from __future__ import annotations

import os
import signal
import time

import checks
import pytest
from small_training import make_trainer

from audioft.errors import Interrupted
from audioft.training import stopping
from audioft.training.schedules import Constant
from audioft.training.stopping import Stopping

SIGNALS = [signal.SIGINT, signal.SIGTERM]


def make(folder, **options):
    figures = {"loss": 1.0, "accuracy": 0.5}
    return make_trainer(
        folder,
        epochs=3,
        schedule=Constant(1, 0.0),
        **({"validate": lambda: dict(figures), "metric": "accuracy"} | options),
    )


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    trainer = make(tmp_path_factory.mktemp("unbroken"))
    trainer.fit()
    return trainer


def same(trainer, unbroken):
    clocks = {"seconds", "waited", "worked"}
    plain = [{k: v for k, v in vars(t.state).items() if k not in clocks} for t in (trainer, unbroken)]
    return checks.hashes(trainer.model) == checks.hashes(unbroken.model) and plain[0] == plain[1]


@pytest.mark.parametrize(("number", "at"), [*zip(SIGNALS * 3, [0, 0, 1, 2, 5, 8], strict=True)])
def test_in_a_step(number, at, tmp_path, unbroken):
    handlers = [signal.getsignal(n) for n in SIGNALS]
    trainer = make(tmp_path / "run")
    begin = trainer.begin_step
    trainer.begin_step = lambda step: (begin(step), step == at and os.kill(os.getpid(), number))
    with pytest.raises(Interrupted) as e:
        trainer.fit()
    assert e.value.exit_code == 128 + number
    assert [signal.getsignal(n) for n in SIGNALS] == handlers
    resumed = make(tmp_path / "run")
    assert resumed.resume() == []
    assert resumed.state.step == at + 1, "the step was ended and saved"
    resumed.fit()
    assert same(resumed, unbroken)


def test_in_a_validation_it_is_left_at_once_and_begun_again(tmp_path, unbroken):
    counted = []

    def validate():
        counted.append("begun")
        if len(counted) == 2:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        return {"loss": 1.0, "accuracy": 0.5}

    begun = time.monotonic()
    trainer = make(tmp_path / "run", validate=validate)
    with pytest.raises(Interrupted):
        trainer.fit()
    assert time.monotonic() - begun < 30
    resumed = make(tmp_path / "run")
    resumed.resume()
    assert (resumed.state.step, resumed.state.epoch, resumed.state.step_in_epoch) == (6, 1, 3)
    resumed.fit()
    assert same(resumed, unbroken)


def test_the_second_signal_does_not_wait(tmp_path):
    trainer = make(tmp_path / "run")

    def impatient(step):
        if step == 4:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)

    trainer.begin_step = impatient
    begun = time.monotonic()
    with pytest.raises(Interrupted):
        trainer.fit()
    assert time.monotonic() - begun < 30
    resumed = make(tmp_path / "run")
    resumed.resume()
    assert resumed.state.step == 3, "the last checkpoint stays"


def test_a_step_that_does_not_end_is_left_after_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr(stopping, "GRACE", 0.2)
    trainer = make(tmp_path / "run")
    trainer.begin_step = lambda step: step == 1 and (os.kill(os.getpid(), signal.SIGTERM), time.sleep(60))
    begun = time.monotonic()
    with pytest.raises(Interrupted) as e:
        trainer.fit()
    assert e.value.exit_code == 143
    assert time.monotonic() - begun < 30


def test_one_noted_before_raises_where_nothing_would_be_lost():
    stop = Stopping()
    stop.asked = signal.SIGINT
    with pytest.raises(Interrupted), stop.at_once():
        pytest.fail("it went on")
