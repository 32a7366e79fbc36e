"""What an export loses is measured, and int8 is written only where it agrees."""

from __future__ import annotations

import numpy as np
import pytest

from audioft.data.clip import Clip
from audioft.inference.predictor import Predictor
from audioft.tasks.export.agreement import Agreement

pytest.importorskip("onnxruntime", reason="needs the extra onnx")
pytest.importorskip("onnxscript", reason="needs the extra onnx")


def agreed(**figures):
    usual = {"clips": 400, "labels": 1.0, "largest": 0.01, "metric": "accuracy", "score": 0.9, "other": 0.9}
    return Agreement(**usual | {"change": 0.0, "low": -0.005, "high": 0.005} | figures)


def test_int8_has_to_agree():
    assert agreed().wrong is None
    assert "98.0 % of the labels" in str(agreed(labels=0.98).wrong)
    assert "1.1 points lower" in str(agreed(low=-0.011).wrong)
    assert "fewer than 200" in str(agreed(clips=80, low=-0.03).wrong)
    assert "nan" in str(agreed(low=float("nan")).wrong)


def test_of_few_clips_int8_is_not_written(trained, two_tones, audioft_command, tmp_path):
    out = tmp_path / "out"
    code, said, err = audioft_command("export", trained.folder, "--data", two_tones, "--side", "all", "--out", out)
    assert (code, said.strip()) == (0, str(out)), err
    assert "model_quantized.onnx is not written" in err
    assert "fewer than 200" in err
    assert not (out / "model_quantized.onnx").exists()
    measured = Predictor(out).labeller.about.measured
    assert measured["agreement"]["clips"] == measured["score"]["clips"] == 12
    assert measured["score"]["low"] <= measured["score"]["value"] <= measured["score"]["high"]


def test_the_validation_side_of_a_run_is_taken(trained, audioft_command, tmp_path):
    from audioft.assembly import kept_sides

    own = [c for c in kept_sides.of(trained.folder).clips if c.split == "valid"]
    code, _, err = audioft_command("export", trained.folder, "--out", tmp_path / "out", "--int8", "no")
    assert code == 0, err
    assert Predictor(tmp_path / "out").labeller.about.measured["agreement"]["clips"] == len(own) > 0


@pytest.mark.slow
def test_several_labels_are_measured_by_their_own_score(trained_several, chords, tmp_path, audioft_command):
    out = tmp_path / "out"
    code, _, err = audioft_command("export", trained_several.folder, "--data", chords, "--side", "all", "--out", out)
    assert code == 0, err
    assert Predictor(out).labeller.about.measured["score"]["metric"] == "map"


def test_int8_answers_alike(exported, paths):
    one, other = (Predictor(exported / name) for name in ("model.onnx", "model_quantized.onnx"))
    both = [np.stack([s.scores for s in p.scores(_clips(paths))]) for p in (one, other)]
    assert 0 < np.abs(both[0] - both[1]).max() < 0.1


def _clips(paths):

    return [Clip(p, p.name) for p in paths]
