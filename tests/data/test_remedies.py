"""What says to leave a label or a recording out names the setting that does it."""

from __future__ import annotations

import makers
import numpy as np
import pytest

from audioft.data import check, manifest, splits, targets, twins
from audioft.data.check import Checked
from audioft.data.clip import Clip
from audioft.errors import DataError
from audioft.evaluation.probe import folds


def clip(name, label):
    return Clip(makers.Path("/d") / name, name, labels=(label,), group=name)


def test_a_class_that_is_too_small(tmp_path):
    makers.tones(tmp_path, each=4)
    makers.tone(tmp_path / "owl" / "a.wav")
    with pytest.raises(DataError, match=r"class 'owl' .*leave the class out \(data\.drop\)"):
        splits.split(manifest.load(tmp_path))


def test_a_label_that_a_model_does_not_know():
    with pytest.raises(DataError, match=r"leave it out with data\.drop=\[owl\], rename it with data\.rename"):
        targets.targets([clip("a.wav", "owl")], ("dog",), False)


def test_a_label_with_one_clip():
    with pytest.raises(ValueError, match=r"leave it out with data\.drop=\[owl\]"):
        folds(np.array(["dog", "dog", "owl"]), np.array(["a", "b", "c"]), 0)


def test_too_many_bad_recordings():
    bad = [Checked(1.0, "", ("check", "it is silent"))]
    with pytest.raises(DataError, match=r"run/bad_files\.csv\. Mend them, exclude them \(data\.exclude\)"):
        check.enforce([clip("a.wav", "x")], bad, 0.05, "run/bad_files.csv")


def test_the_same_bytes_under_two_labels():
    found = twins.found([clip("a.wav", "x"), clip("b.wav", "y")], ["1", "1"])
    assert "leave out those that are wrong (data.exclude)" in found.notes[0]
