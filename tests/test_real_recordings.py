"""Real recordings, where there are any: the folder named by AUDIOFT_DATA, or `../shared/data` beside the clone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import audioft
from audioft.data import check, splits
from audioft.data.manifest import load

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("AUDIOFT_DATA", ROOT.parent / "shared" / "data"))


def folder(name: str) -> Path:
    if not (DATA / name / "metadata.csv").is_file():
        pytest.skip(f"no real recordings: {name} is not in {DATA} (set AUDIOFT_DATA)")
    return DATA / name


@pytest.mark.parametrize(
    ("name", "how", "sizes"),
    [
        ("esc10", {"valid": "fold=4", "test": "fold=5"}, (240, 80, 80)),
        ("librispeech-10spk", {"valid": 0.15, "test": 0.15}, (70, 10, 20)),
    ],
)
def test_every_recording_is_read_and_no_side_leaks(name, how, sizes):
    manifest = load(folder(name))
    checked = check.check(manifest.clips)
    assert [c.problem for c in checked if c.problem] == []
    split = splits.split(manifest, **how)
    splits.check_leaks(manifest, split, [c.digest for c in checked])
    assert (len(split.train), len(split.valid), len(split.test)) == sizes


@pytest.mark.slow
def test_two_epochs_on_environmental_sounds_are_well_above_chance(tmp_path):
    run = audioft.finetune(
        folder("esc10"),
        out=tmp_path / "run",
        config=ROOT / "configs" / "quick_cpu.yaml",
        overrides={
            "data.valid": "fold=4",
            "data.test": "fold=5",
            "freeze": "all",
            "train.epochs": 2,
            "data.workers": 0,
        },
        console=audioft.Console(quiet=True),
    )
    assert run.report.metrics["accuracy"].low > 0.15  # chance is 0.1
