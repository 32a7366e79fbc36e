"""Every schedule at its start, peak and end."""

import pytest

from audioft.training.schedules import schedules


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 7, 100])
@pytest.mark.parametrize("name", schedules.names())
def test_every_factor_is_a_share_and_the_rise_is_straight(name, steps, warmup):
    given = {"warmup": warmup} | ({"hold": 0.0} if name == "tri_stage" else {})
    schedule = schedules.build({"name": name, **given}, steps=steps)
    factors = [schedule(s) for s in range(steps + 5)]
    assert all(0 <= f <= 1 for f in factors)
    rise = round(warmup * steps)
    assert factors[:rise] == pytest.approx([(s + 1) / (rise + 1) for s in range(rise)])
    assert factors[rise] == pytest.approx(1)
    assert all(f > 0 for f in factors[:steps])  # no step is wasted
    after = factors[rise:]
    assert after == sorted(after, reverse=True)


@pytest.mark.parametrize(("name", "half", "end"), [("constant", 1, 1), ("linear", 0.5, 0), ("cosine", 0.5, 0)])
def test_half_way_and_end(name, half, end):
    schedule = schedules.build({"name": name, "warmup": 0.2}, steps=100)
    assert schedule(60) == pytest.approx(half)
    assert schedule(100) == pytest.approx(end)
    assert schedule(1000) == pytest.approx(end)


def test_cosine_is_not_linear():
    schedule = schedules.build({"name": "cosine", "warmup": 0.0}, steps=100)
    assert schedule(25) == pytest.approx(0.5 + 0.5 * 2**-0.5)


def test_tri_stage():
    schedule = schedules.build({"name": "tri_stage", "warmup": 0.1, "hold": 0.4, "final": 0.05}, steps=100)
    assert schedule(0) == pytest.approx(1 / 11)
    assert [schedule(s) for s in (10, 30, 50)] == [1, 1, 1]
    assert schedule(51) < 1
    assert schedule(75) == pytest.approx(0.05**0.5)
    assert schedule(100) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"name": "linear", "warmup": 1.5}, "warmup: 1.5"),
        ({"name": "tri_stage", "warmup": 0.7, "hold": 0.7}, "more than 1"),
        ({"name": "tri_stage", "final": 0}, "final: 0"),
        ({"name": "linear", "steps": 3}, "steps"),
    ],
)
def test_wrong_settings_are_said(spec, said):
    (problem,) = schedules.check(spec, "train.schedule")
    assert said in problem
