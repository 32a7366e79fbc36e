"""A run that ends with the probe it began with has it fitted to the validation side too, where a test side measures."""

from __future__ import annotations

import csv
import json

import makers
import numpy as np
import pytest
import soundfile

import audioft
from audioft.models import folder

FROZEN = {k: v for k, v in makers.QUICK.items() if k not in ("model.start", "train.epochs")}


def run(data, encoder, out, **asked):
    settings = FROZEN | {k.replace("__", "."): v for k, v in asked.items()}
    return audioft.finetune(
        data, encoder=str(encoder), out=out, overrides=settings, console=audioft.Console(quiet=True)
    )


@pytest.fixture(scope="module")
def split_tones(tmp_path_factory):
    """Two labels whose clips of the validation side sound unlike those of the train side."""
    data, rng = tmp_path_factory.mktemp("split"), np.random.default_rng(0)
    rows = ["file_name,label,split"]
    for label, hz, more in (("high", 2000, 2600), ("low", 300, 4000)):
        for side, count, own in (("train", 6, hz), ("valid", 3, more), ("test", 3, more)):
            for i in range(count):
                time = np.arange(8000) / makers.RATE
                wave = 0.2 * np.sin(2 * np.pi * own * time) + rng.normal(0, 0.02, len(time))
                soundfile.write(data / f"{label}{side}{i}.wav", wave, makers.RATE)
                rows.append(f"{label}{side}{i}.wav,{label},{side}")
    (data / "table.csv").write_text("\n".join(rows))
    return data / "table.csv"


def test_nothing_is_trained_and_both_sides_are_fitted_to(split_tones, small_encoder, tmp_path, audioft_command):
    out = tmp_path / "run"
    more = [f"{k}={str(v).lower()}" for k, v in FROZEN.items()]
    code, _, said = audioft_command("train", split_tones, "--encoder", small_encoder, "--out", out, *more)
    assert code == 0, said
    assert "steps: none, the head is fitted to what the frozen encoder says" in said
    assert "fitted once more, to 18 clips, the validation's too" in said
    found = audioft.Run(out)
    (row,) = found.history
    assert (row["kind"], row["epoch"], row["step"]) == ("valid", 0, 0)
    assert row["accuracy"] < 1, "the side was not learnt from when it was validated"
    assert found.report.metrics["accuracy"].value == 1, "and it was when the test side was heard"
    sides = {r["sha256"]: r["split"] for r in csv.DictReader((out / "manifest.csv").open())}
    assert set(sides.values()) == {"train", "valid", "test"}
    code, printed, said = audioft_command("evaluate", found.model, split_tones, "--side", "valid", "--out", out / "x")
    assert code == 0, said
    assert "trained on" in said + printed


def test_without_a_test_side_the_figures_are_of_clips_that_were_not_learnt(split_tones, small_encoder, tmp_path):
    rows = split_tones.read_text().splitlines()
    table = split_tones.with_name("no-test.csv")
    table.write_text("\n".join(row for row in rows if not row.endswith("test")))
    found = run(table, small_encoder, tmp_path / "run", data__test=None)
    assert found.report.side == "valid"
    assert found.report.metrics["accuracy"].value == found.history[0]["accuracy"] < 1


def test_without_a_validation_side_the_probe_is_the_model(two_tones, small_encoder, tmp_path):
    found = run(two_tones, small_encoder, tmp_path / "run", data__valid=None)
    assert found.report.metrics["accuracy"].value == 1
    assert found.history == []


def test_thresholds_are_of_what_was_said_before(chords, small_encoder, tmp_path):
    found = run(chords, small_encoder, tmp_path / "run")
    about = json.loads((found.model / "audioft.json").read_text())
    assert len(about["thresholds"]) == len(about["labels"])
    one = run(chords, small_encoder, tmp_path / "two")
    assert json.loads((one.model / "audioft.json").read_text())["thresholds"] == about["thresholds"]


def test_layers_that_trained_to_no_use_end_so_too(split_tones, small_encoder, tmp_path):
    ruin = {"train__lr": 10.0, "train__clip_norm": 0, "train__epochs": 1, "train__metric": "loss"}
    found = run(split_tones, small_encoder, tmp_path / "run", freeze="none", **ruin)
    assert json.loads((found.model / "audioft.json").read_text())["trained_on"]["best_epoch"] == 0
    assert found.report.metrics["accuracy"].value == 1
    same = run(split_tones, small_encoder, tmp_path / "same", model__layers="last")
    ours, theirs = (folder.load(one.model)[0].state_dict() for one in (found, same))
    encoders = [k for k in ours if k.startswith("encoder.")]
    assert all(ours[k].equal(theirs[k]) for k in encoders), "the encoder is the one that the probe was fitted to"


def test_a_killed_run_ends_in_the_same_model(split_tones, small_encoder, tmp_path, monkeypatch):
    from audioft.assembly.fitting import probe_again

    whole = run(split_tones, small_encoder, tmp_path / "whole")
    fit = probe_again.fit
    monkeypatch.setattr(probe_again, "fit", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run(split_tones, small_encoder, tmp_path / "run")
    monkeypatch.setattr(probe_again, "fit", fit)
    found = audioft.finetune(out=tmp_path / "run", resume=True, console=audioft.Console(quiet=True))
    ours, theirs = ((one.model / "model.safetensors").read_bytes() for one in (whole, found))
    assert ours == theirs
