"""The config of events on the sample recordings ends with a model that finds them; the voices: docs/test_stories.py."""

from __future__ import annotations

from pathlib import Path

import pytest

import audioft

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


def test_what_happens_when_is_found_in_the_long_recordings(tmp_path):
    run = audioft.finetune(
        ROOT / "samples" / "outdoors",
        config=ROOT / "configs" / "events.yaml",
        out=tmp_path / "run",
        overrides={"train.epochs": 8},
        console=audioft.Console(quiet=True),
    )
    report = audioft.evaluate(run, ROOT / "samples" / "long" / "events.csv", console=audioft.Console(quiet=True))
    assert report.clips == 2
    assert report.metrics["segment_f1"].value > 0.65  # 0.89 after the config's 20 epochs
    assert report.metrics["event_f1"].value > 0.3
