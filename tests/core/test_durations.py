"""Durations as people write them, and what is none."""

from __future__ import annotations

import pytest

from audioft.configuration import config as configs
from audioft.core import durations
from audioft.errors import ConfigError


@pytest.mark.parametrize(
    "wrong",
    ["", "soon", "5 min", "5x", "m", "1h 30m", "30m1h", "-5m", "0", "0s", "1e3", "nan", "inf", "1:75", True, None],
)
def test_what_is_no_duration_is_refused_with_those_that_are(wrong):
    with pytest.raises(ValueError, match="expected a duration as 90s, 5m, 2h, 1h30m or 1:30:00"):
        durations.seconds_of(wrong)


@pytest.mark.parametrize("seconds", [1, 59, 60, 61, 3600, 3661, 86400])
def test_what_is_spelled_is_read_again(seconds):
    assert durations.seconds_of(durations.spelled(seconds)) == seconds


@pytest.mark.parametrize(
    "given", ["train.budget=1:30:00", "train.budget=90m", "train.budget=5400", "train.budget=1.5h"]
)
def test_a_setting_is_the_same_however_it_is_spelled(given):
    found = configs.load(overrides=[given])
    assert found.train.budget == "1h30m"
    assert configs.load(overrides={"train.budget": found.train.budget}) == found


def test_another_spelling_is_one_line():
    with pytest.raises(ConfigError) as told:
        configs.load(overrides=["train.budget=5 minutes"])
    assert str(told.value).count("\n") == 0
    assert "train.budget: expected a duration as 90s, 5m" in str(told.value)
