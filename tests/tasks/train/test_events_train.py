"""Labels with times from end to end: train on them, measure in time, find them again."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import makers
import numpy as np
import pytest
import soundfile
from checks import best_of

import audioft
from audioft.core.progress import Console
from audioft.errors import ConfigError, DataError

RATE = makers.RATE
QUIET = Console(quiet=True)
FRAMES = makers.QUICK | {
    "events.use": "frames",
    "data.max_seconds": 2.0,
    "train.precision": "fp32",
    "train.device": "cpu",
}


def scape(path: Path, seed: int, seconds: float = 6.0) -> list[tuple[float, float, str]]:
    """Noise in which tones of two pitches sound now and then; what, from when to when."""
    rng = np.random.default_rng(seed)
    wave = rng.normal(0, 0.02, round(seconds * RATE))
    events = []
    at = float(rng.uniform(0.2, 0.8))
    while at < seconds - 0.9:
        label, length = str(rng.choice(["high", "low"])), float(rng.uniform(0.4, 0.9))
        time = np.arange(round(length * RATE)) / RATE
        start = round(at * RATE)
        wave[start : start + len(time)] += 0.3 * np.sin(2 * np.pi * makers.PITCHES[label] * time)
        events.append((round(at, 3), round(at + length, 3), label))
        at += length + float(rng.uniform(0.3, 0.8))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave, RATE)
    return events


@pytest.fixture(scope="module")
def scapes(tmp_path_factory) -> Path:
    """A table of events in twelve recordings on three sides; not to be changed."""
    folder = tmp_path_factory.mktemp("scapes") / "scapes"
    rows = ["file_name,start,end,label,split"]
    for i in range(12):
        side = ("train", "train", "valid", "test")[i % 4]
        rows += [f"{i:02d}.wav,{a},{b},{label},{side}" for a, b, label in scape(folder / f"{i:02d}.wav", i)]
    (folder / "metadata.csv").write_text("\n".join([*rows, ""]))
    return folder


@pytest.fixture(scope="module")
def heard(scapes, small_encoder, tmp_path_factory):
    """A run that has learnt frames well; not to be changed."""
    settings = FRAMES | {"train.epochs": 40, "train.head_lr": 0.02, "train.lr": 2e-3, "freeze": "none"}
    out = tmp_path_factory.mktemp("runs") / "frames"
    return audioft.finetune(scapes, encoder=str(small_encoder), out=out, overrides=settings, console=QUIET)


@pytest.mark.parametrize("augment", [[], ["gain"]], ids=str)
def test_frames_begin_with_the_probe(scapes, small_encoder, tmp_path, augment):
    settings = FRAMES | {"model.start": "probe", "train.head_lr": 1e-6, "train.lr": 1e-6, "augment": augment}
    run = audioft.finetune(scapes, encoder=str(small_encoder), out=tmp_path / "run", overrides=settings, console=QUIET)
    first = run.history[0]
    assert (first["kind"], first["epoch"]) == ("valid", 0)
    assert first["map"] > 0.33  # three epochs from a head at random reach 0.25
    assert run.report.metrics["segment_f1"].value > 0.5


@pytest.mark.slow
def test_frames_are_learnt_and_found_again(heard, scapes):
    report = heard.report
    assert (report.kind, report.main, report.side, report.clips) == ("events", "segment_f1", "test", 3)
    assert report.metrics["segment_f1"].value > 0.9
    assert report.metrics["event_f1"].value > 0.7
    assert report.metrics["map"].value > 0.9
    assert "F1 of events, micro" in str(report)
    history = [r for r in heard.history if r["kind"] == "valid"]
    assert history[-1]["map"] > history[0]["map"]
    timeline = audioft.Predictor(heard).timeline(scapes / "03.wav")
    with open(scapes / "metadata.csv", encoding="utf-8") as file:
        true = [r for r in csv.DictReader(file) if r["file_name"] == "03.wav"]
    found = timeline.segments()
    assert [e.label for e in found] == [r["label"] for r in true]
    for e, r in zip(found, true, strict=True):
        assert e.start == pytest.approx(float(r["start"]), abs=0.1)
        assert e.end == pytest.approx(float(r["end"]), abs=0.1)


@pytest.mark.slow
def test_a_model_of_frames_is_complete(heard):
    about = json.loads((heard.model / "audioft.json").read_text())
    assert about["pooling"] == "none"
    assert about["window"] == 2.0
    assert len(about["thresholds"]) == 2
    assert set(about["segments"]) == {"min_seconds", "close_gaps"}
    assert json.loads((heard.model / "config.json").read_text())["model_type"] == "audioft"
    with open(heard.folder / "predictions.csv", encoding="utf-8") as file:
        kinds = {r["kind"] for r in csv.DictReader(file)}
    assert kinds == {"true", "found"}


@pytest.mark.slow
def test_evaluating_again_gives_the_same_figures(heard, scapes, audioft_command, tmp_path):
    again = audioft.evaluate(heard, scapes, console=QUIET)
    assert again.figures == pytest.approx(heard.report.figures)
    code, out, err = audioft_command("evaluate", heard.folder, scapes, "--side", "train", "--out", tmp_path / "e")
    assert code == 0, err
    assert "train: 6 recordings" in out
    assert "6 of 6 recordings were trained on by this run" in out
    assert {p.name for p in (tmp_path / "e").iterdir()} >= {"report.json", "report.html", "predictions.csv"}


@pytest.mark.slow
def test_a_killed_run_of_frames_ends_the_same(scapes, small_encoder, tmp_path):
    settings = FRAMES | {
        "train.epochs": 2,
        "train.save_steps": 1,
        "train.keep": 50,
        "augment": [{"name": "gain", "p": 0.5}],
        "mixup": {"p": 0.5},
    }
    whole = audioft.finetune(
        scapes,
        encoder=str(small_encoder),
        out=tmp_path / "whole",
        overrides=settings,
        console=QUIET,
    )
    import shutil

    shutil.copytree(tmp_path / "whole", tmp_path / "again")
    steps = sorted((tmp_path / "again" / "checkpoints").glob("step-*"))
    for late in steps[len(steps) // 2 :]:
        shutil.rmtree(late)
    shutil.rmtree(tmp_path / "again" / "model")
    again = audioft.finetune(out=tmp_path / "again", resume=True, console=QUIET)
    name = "model.safetensors"
    assert (whole.model / name).read_bytes() == (again.model / name).read_bytes()


def test_clips_around_events_with_what_lies_between(scapes, small_encoder, tmp_path, audioft_command):
    settings = makers.QUICK | {
        "events.use": "clips",
        "events.background": "class",
        "events.context": 0.05,
        "train.epochs": 12,
        "train.head_lr": 0.02,
        "freeze": "all",
    }
    run = audioft.finetune(scapes, encoder=str(small_encoder), out=tmp_path / "r", overrides=settings, console=QUIET)
    assert audioft.Predictor(run).labels == ("background", "high", "low")
    assert run.report.figures["accuracy"] > 0.8
    report = audioft.evaluate(run, scapes, events=True, window=0.4, hop=0.1, console=QUIET)
    assert report.labels == ("high", "low")
    assert report.metrics["segment_f1"].value > 0.6
    code, out, err = audioft_command("predict", run.folder, scapes / "03.wav", "--what", "segments", "--window", "0.4")
    assert code == 0, err
    assert "background" not in out


def test_label_files_beside_recordings_are_trained_on(small_encoder, tmp_path):
    for i in range(8):
        events = scape(tmp_path / "rec" / f"{i}.wav", i)
        lines = "".join(f"{a}\t{b}\t{label}\n" for a, b, label in events)
        (tmp_path / "rec" / f"{i}.txt").write_text(lines)
    run = audioft.finetune(
        tmp_path / "rec", encoder=str(small_encoder), out=tmp_path / "r", overrides=makers.QUICK, console=QUIET
    )
    assert run.report.kind == "clips"
    # and measured in time, as label files say
    report = audioft.evaluate(run, tmp_path / "rec", console=QUIET)
    assert report.kind == "events"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"augment": [{"name": "speed", "p": 1}]}, "'speed' changes when things happen"),
        ({"events.context": 1.0}, "events.context, events.background: for clips"),
        ({"train.metric": "accuracy"}, "take map, loss or last"),
    ],
)
def test_what_does_not_go_with_frames(scapes, tmp_path, settings, said):
    with pytest.raises(ConfigError, match=said):
        audioft.finetune(scapes, out=tmp_path / "r", overrides=FRAMES | settings, console=QUIET)
    assert not (tmp_path / "r").exists()


@pytest.mark.slow
def test_labels_that_the_model_does_not_know(heard, tmp_path):
    makers.tone(tmp_path / "a.wav", seconds=2.0)
    (tmp_path / "a.txt").write_text("0\t1\tmid\n")
    with pytest.raises(DataError, match="'mid'"):
        audioft.evaluate(heard, tmp_path, console=QUIET)


def test_silence_between_events_is_nothing_bad(small_encoder, tmp_path):
    rows = ["file_name,start,end,label,split"]
    for i in range(6):
        wave = np.zeros(6 * RATE)
        for label, start in (("high", 1.0), ("low", 5.0)):
            at = np.arange(round(start * RATE), round((start + 0.5) * RATE))
            wave[at] = 0.3 * np.sin(2 * np.pi * makers.PITCHES[label] * (at + i) / RATE)
            rows.append(f"{i}.wav,{start},{start + 0.5},{label},{('train', 'train', 'valid')[i % 3]}")
        soundfile.write(tmp_path / f"{i}.wav", wave, RATE)
    (tmp_path / "metadata.csv").write_text("\n".join([*rows, ""]))
    run = audioft.finetune(tmp_path, encoder=str(small_encoder), out=tmp_path / "r", overrides=FRAMES, console=QUIET)
    assert (run.folder / "bad_files.csv").read_text().count("\n") == 1


@pytest.mark.slow
def test_windows_of_recordings_that_are_kept_decoded_are_the_same(scapes, small_encoder, tmp_path):
    """The recordings are of 16 bits at the encoder's rate, so nothing is rounded."""
    found = []
    for kept in (False, True):
        settings = FRAMES | {"train.epochs": 1, "cache.audio": kept}
        run = audioft.finetune(
            scapes,
            encoder=str(small_encoder),
            out=tmp_path / str(kept),
            overrides=settings,
            console=QUIET,
        )
        found.append((best_of(run.folder) / "model.safetensors").read_bytes())
    assert found[0] == found[1]
