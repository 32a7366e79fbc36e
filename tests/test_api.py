"""What audioft does from Python: runs that can be made again, models that can be used again."""

from __future__ import annotations

import json
from pathlib import Path

import makers
import numpy as np
import pytest
from safetensors.numpy import load_file

import audioft
from audioft.errors import AudioError, DataError

QUIET = audioft.Console(quiet=True)


def test_the_public_names_are_there_and_few():
    assert {"finetune", "evaluate", "predict", "settings", "Run", "enroll", "trials", "doctor"} <= set(audioft.__all__)
    assert len(audioft.__all__) <= 45
    assert dir(audioft) == sorted(audioft.__all__)
    for name in audioft.__all__:
        assert getattr(audioft, name) is not None
        assert name in dir(audioft)
    with pytest.raises(AttributeError, match="no attribute 'fine_tune'"):
        audioft.fine_tune  # noqa: B018


def test_the_config_of_a_run_gives_the_same_run_again(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the config names its data so that it works from any folder
    again = audioft.finetune(config=trained.folder / "config.yaml", out="again", console=QUIET)
    for name in ("model/model.safetensors", "model/config.json", "predictions.csv", "manifest.csv"):
        assert (again.folder / name).read_bytes() == (trained.folder / name).read_bytes(), name
    assert again.config == trained.config
    assert again.report == trained.report


def test_another_seed_and_another_number_of_workers(trained, tmp_path):
    def weights(name: str, **overrides) -> bytes:
        run = audioft.finetune(config=trained.config, out=tmp_path / name, overrides=overrides, console=QUIET)
        return (run.model / "model.safetensors").read_bytes()

    before = (trained.model / "model.safetensors").read_bytes()
    assert weights("workers", **{"data.workers": 1}) == before
    assert weights("seed", seed=1) != before


def test_a_run_tells_its_story(trained, two_tones):
    run = audioft.Run(trained.folder)
    assert run == trained
    assert run.config.data.source == str(two_tones)
    assert Path(run) == run.folder
    assert run.model == run.folder / "model"
    assert run.report.side == "test"
    assert run.report.main == "accuracy"
    assert [row["epoch"] for row in run.history if row["kind"] == "valid"] == [1]
    card = json.loads((run.model / "audioft.json").read_text())
    assert card["labels"] == ["high", "low"]
    assert card["trained_on"]["clips"] == {"train": 8, "valid": 2, "test": 2}
    assert card["measured"]["test"]["accuracy"] == run.report.figures["accuracy"]


def test_only_free_parts_learn(small_encoder, trained):
    before, after = load_file(small_encoder / "model.safetensors"), load_file(trained.model / "model.safetensors")
    changed = {k for k in before if not np.array_equal(before[k], after[f"wav2vec2.{k}"])}
    assert changed
    assert not any(k.startswith("feature_extractor.") for k in changed)
    assert any("layers.1." in k for k in changed)


def test_predict_takes_a_run_a_folder_and_a_loaded_model(trained, two_tones):
    recordings = [two_tones / "low" / "low_00.wav", str(two_tones / "high" / "high_00.wav")]
    predictor = audioft.load_model(trained)
    ways = [trained, trained.folder, str(trained.model), predictor, predictor]
    answers = [[(p.path, p.label, p.score) for p in audioft.predict(w, recordings)] for w in ways]
    assert all(a == answers[0] for a in answers)
    assert [a[0] for a in answers[0]] == [str(r) for r in recordings]
    assert predictor.labels == ("high", "low")
    (one,) = audioft.predict(predictor, recordings[0])
    assert sum(one.scores.values()) == pytest.approx(1)
    assert one.top(2) == sorted(one.scores.items(), key=lambda x: -x[1])
    assert one.labels == (one.label,)
    assert one.seconds == pytest.approx(0.5)


def test_a_prediction_that_failed_says_why(trained, two_tones, tmp_path):
    (tmp_path / "bad.wav").write_text("no")
    found = list(audioft.predict(trained, [tmp_path / "bad.wav", two_tones / "low" / "low_00.wav", tmp_path / "gone"]))
    assert [p.label is None for p in found] == [True, False, True]
    for p in (found[0], found[2]):
        assert isinstance(p.error, AudioError)
        assert np.isnan(p.score)
        assert p.error.stage == "open"
    with pytest.raises(DataError, match="no inputs were given"):
        list(audioft.predict(trained, []))


def test_labels_that_are_partly_unknown_end_to_end(trained_several, chords, tmp_path):
    card = json.loads((trained_several.model / "audioft.json").read_text())
    assert card["labels"] == ["high", "low", "mid"]
    assert card["multilabel"] is True
    assert len(card["thresholds"]) == 3
    assert all(0 < t < 1 for t in card["thresholds"])
    report = trained_several.report
    assert report.multilabel
    assert report.main == "map"
    assert report.thresholds == pytest.approx(dict(zip(card["labels"], card["thresholds"], strict=True)))
    again = audioft.evaluate(trained_several, chords, side="test", out=tmp_path / "e", console=QUIET)
    assert again.figures["map"] == pytest.approx(report.figures["map"], nan_ok=True)
    assert again.figures["f1_macro"] == pytest.approx(report.figures["f1_macro"], nan_ok=True)
    whole = audioft.evaluate(trained_several, chords, side="all", console=QUIET)
    assert [c["known"] for c in whole.classes] != [16, 16, 16]  # what is unknown counts nowhere
    predictions = (tmp_path / "e" / "predictions.csv").read_text()
    assert "place" in predictions.splitlines()[0]  # the user's own columns
    rows = list(audioft.predict(trained_several, chords))
    assert all(p.error is None and p.score == max(p.scores.values()) for p in rows)


def test_transformers_refuses_a_head_it_does_not_know(trained_several):
    from transformers import AutoModelForAudioClassification

    with pytest.raises((ValueError, KeyError)):
        AutoModelForAudioClassification.from_pretrained(trained_several.model, local_files_only=True)


def test_bad_recordings_are_counted_listed_and_left_out(small_encoder, tmp_path):
    data = makers.tones(tmp_path / "tones")
    (data / "low" / "bad.wav").write_text("no")
    (data / "low" / "empty.wav").write_bytes(b"")
    run = makers.train(data, small_encoder, tmp_path / "run", data__max_bad=0.2)
    listed = (run.folder / "bad_files.csv").read_text().splitlines()
    assert listed[0] == "path,start,end,stage,reason"
    assert [line.split(",")[0] for line in listed[1:]] == ["low/bad.wav", "low/empty.wav"]
    assert run.report.clips == 2
    assert "bad recordings" in (run.folder / "report.html").read_text()


def test_too_many_bad_recordings_stop_the_run_before_training(small_encoder, tmp_path):
    data = makers.tones(tmp_path / "tones")
    (data / "low" / "bad.wav").write_text("no")
    with pytest.raises(DataError, match=r"1 of 13 clips \(7.7%\) cannot be used, more than data.max_bad=0.05"):
        makers.train(data, small_encoder, tmp_path / "run")
    assert sorted(makers.files(tmp_path / "run")) == ["bad_files.csv"]


def test_a_run_without_other_sides_has_a_model_and_no_figures(small_encoder, tmp_path, two_tones):
    run = makers.train(two_tones, small_encoder, tmp_path / "run", data__valid=None, data__test=None)
    assert (run.model / "audioft.json").is_file()
    assert "Not measured" in (run.model / "README.md").read_text()
    with pytest.raises(audioft.AudioftError):
        run.report  # noqa: B018


def test_the_run_folder_is_named_after_data_and_encoder(two_tones, small_encoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [makers.train(two_tones, small_encoder, None).folder for _ in range(2)]  # type: ignore[arg-type]
    assert names == [Path("runs/tones-tiny"), Path("runs/tones-tiny-2")]
