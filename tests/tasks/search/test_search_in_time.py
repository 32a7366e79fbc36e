"""A search that has little time."""

from __future__ import annotations

import time

from audioft.tasks.search import study, trial


def test_a_way_to_freeze_that_takes_too_long_is_left_before_it_takes_all_the_time(search, tmp_path, monkeypatch):
    plain = trial._fold

    def fold(config, data, around, *more):
        if config.freeze == "none":
            time.sleep(max(0.0, around.deadline - time.monotonic()) + 0.1)
            raise trial.TimeIsUp
        return plain(config, data, around, *more)

    monkeypatch.setattr(trial, "_fold", fold)
    monkeypatch.setattr(study, "SPARE", 0.5)
    space = {"freeze": {"choice": ["all", "none"]}, "train.lr": {"log": [1e-4, 1e-2]}}
    found = search(tmp_path / "study", minutes=0.3, space=space, trials=6)
    left = [e for e in found.trials if e.settings.get("freeze") == "none"]
    assert [e.state for e in left] == ["pruned"]
    assert left[0].about["seconds"] < 0.35 * 18
    assert sum(e.state == "complete" for e in found.trials) == 5
