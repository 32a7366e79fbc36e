"""What an earlier audioft has written, `formats/`, put to another place; how it is compared with what is said now."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

FORMATS = Path(__file__).parent / "formats"
EXPECTED = json.loads((FORMATS / "expected.json").read_text(encoding="utf-8"))
MADE_IN = "/tmp/audioft-formats"
CLOSE = 1e-5  # scores and losses of the same weights
NEAR = 1e-3  # of weights that were trained here and there: another processor rounds otherwise
TIMES = ("seconds", "waiting")


def placed(tmp_path: Path, monkeypatch: Any) -> Path:
    """All of it, in a folder of its own that is also the working folder.

    The config of a run names its data from the root of the disk: whoever moves both changes that line, and goes on,
    since the clips are told by their contents and not by where they are. So are encoders; this one is named from the
    working folder.
    """
    place = shutil.copytree(FORMATS, tmp_path / "moved")
    for config in (*place.glob("run_*/config.yaml"), *place.glob("caches/*.yaml")):
        moved(config, place)
    monkeypatch.chdir(place)
    monkeypatch.setenv("FORMATS", str(place))  # the pretraining's recordings lie in $FORMATS/sounds/tones
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return place


def moved(file: Path, place: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert MADE_IN in text
    file.write_text(text.replace(MADE_IN, str(place)), encoding="utf-8")


def rows(file: Path) -> list[dict[str, str]]:
    with open(file, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def untimed(metrics):
    return [{k: v for k, v in row.items() if k not in TIMES} for row in metrics]


def check_metrics(found, expected, tolerance):
    """The same rows up to a tolerance, which says nothing of the times, nor of figures that came later."""
    assert [(r["kind"], r["step"]) for r in found] == [(r["kind"], r["step"]) for r in expected]
    for a, b in zip(untimed(found), untimed(expected), strict=True):
        assert {k: v for k, v in a.items() if k in b} == pytest.approx(b, abs=tolerance)


def files(folder: Path, pattern: str) -> dict[str, str]:
    found = sorted(p for p in folder.rglob(pattern) if p.is_file())
    assert found
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}
