"""What is tested has no say: other sounds and labels on the test side change the last step alone."""

from __future__ import annotations

import csv
import json

import makers
import numpy as np
import pytest


def table(folder, tested: bool):
    """Tones of three heights with some wrong labels, so that models differ; `tested` gives the test side as it was."""
    rng, rows = np.random.default_rng(0), [["file_name", "label", "split", "place"]]
    for i in range(36):
        label = ("high", "low", "mid")[i % 3]
        side = "test" if i >= 27 else ""
        given = ("high", "low", "mid")[int(rng.integers(3))] if i % 5 == 0 else label
        if side and not tested:
            label, given = "mid", ("low", "mid", "high")[i % 3]
        makers.tone(folder / f"{i:02d}.wav", makers.PITCHES[label], seed=i + 100 * (bool(side) and not tested))
        rows.append([f"{i:02d}.wav", given, side or "train", f"room {i % 4}"])
    with open(folder / "table.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / "table.csv"


def choices(found) -> dict:
    """All that is on the disk of choices, without times and the names of folders."""
    held = json.loads((found.folder / "auto.json").read_text().replace(str(found.folder), "DIR"))
    settled = {k: v for k, v in held["steps"]["settings"]["found"]["joint"].items() if k != "seconds"}
    with open(found.folder / "search" / "trials.csv", newline="") as file:
        trials = [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]
    said = {name: (step["said"], step["lost"]) for name, step in held["steps"].items() if name != "measured"}
    said["settings"] = (
        [line for line in said["settings"][0] if "trials (" not in line and "are left" not in line],
        said["settings"][1],
    )
    return {
        "best": held["best"],
        "joint": settled,
        "trials": trials,
        "said": said,
        "model": (found.model / "model.safetensors").read_bytes(),
        "yaml": (found.folder / "search" / "best.yaml").read_text().replace(str(found.folder), "DIR"),
    }


@pytest.fixture
def both(auto, tmp_path):
    first = auto(table(tmp_path / "data", True), tmp_path / "a", overrides={"data.valid": None})
    table(tmp_path / "data", False)
    return first, auto(tmp_path / "data" / "table.csv", tmp_path / "b", overrides={"data.valid": None})


def test_no_choice_looks_at_the_test_side(both):
    first, second = both
    assert not first.failed
    for name, own in choices(first).items():
        assert own == choices(second)[name], name
    figures = [f.steps["measured"].found["value"] for f in both]
    assert figures[0] > figures[1], "the last step, and it alone, hears them"
    for found in both:
        assert found.steps["measured"].found["clips"] == 9
        with open(found.folder / "learn.csv", newline="") as file:
            assert {row["path"] for row in csv.DictReader(file)} == {f"{i:02d}.wav" for i in range(27)}
