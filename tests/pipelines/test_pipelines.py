"""The programs under pipelines/ run as they stand, on recordings small enough for a test."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import makers
import pytest

ROOT = Path(__file__).parents[2]
PIPELINES = {p.name for p in (ROOT / "pipelines").glob("*.py")}


def run(name: str, *arguments: object, timeout: int = 300) -> subprocess.CompletedProcess:
    call = [sys.executable, ROOT / "pipelines" / name, *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [str(c) for c in call], capture_output=True, text=True, timeout=timeout, cwd=ROOT, env=environment
    )


def test_every_pipeline_is_tried_here():
    tried = {"finetune_folder.py", "train_batch.py", "evaluate_run.py", "predict_recordings.py"}
    tried |= {"domain_adaptation.py", "sound_events.py", "open_set_speakers.py", "rain_in_noise.py"}
    assert tried | {"demo.py"} == PIPELINES | {"demo.py"}  # the demo is tests/docs/test_stories.py's


@pytest.mark.slow
def test_finetune_folder(tmp_path, two_tones):
    done = run("finetune_folder.py", two_tones, tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout
    assert f"model: {tmp_path / 'run' / 'model'}" in done.stdout
    assert (tmp_path / "run" / "model" / "audioft.json").is_file()


@pytest.mark.slow
def test_train_batch_goes_on_past_a_failure(tmp_path, two_tones):
    lone = makers.tones(tmp_path / "lone", labels=("low",))
    done = run("train_batch.py", tmp_path / "runs", lone, two_tones)
    assert done.returncode == 1, done.stderr
    first, second = done.stdout.splitlines()
    assert first.split()[:2] == [str(lone), "failed"]
    assert "one label 'low'" in first
    assert float(second.split()[1]) >= 0
    assert (tmp_path / "runs" / "tones" / "model").is_dir()
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_evaluate_run(trained, tmp_path):
    data = makers.tones(tmp_path / "data", each=2, seed=50)
    makers.tone(data / "high" / "surely low.wav", makers.PITCHES["low"], seed=99)
    done = run("evaluate_run.py", trained.folder, data)
    assert done.returncode == 0, done.stderr
    assert "all: 5 clips" in done.stdout
    assert "high/surely low.wav: high taken for low (0." in done.stdout


@pytest.mark.slow
def test_predict_recordings(trained, two_tones, tmp_path):
    done = run("predict_recordings.py", trained.folder, two_tones)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 12
    done = run("predict_recordings.py", trained.folder, two_tones / "low", tmp_path / "gone.wav")
    assert done.returncode == 1
    assert "gone.wav: no such file or folder" in done.stderr
    assert len(done.stdout.splitlines()) == 6


@pytest.mark.slow
def test_domain_adaptation(small_encoder, tmp_path):
    data = tmp_path / "data"
    for name, column, sides in (
        ("esc10", "fold", "1234512345"),
        ("picovoice-wakeword", "split", ["train"] * 17 + ["test"] * 3),
    ):
        rows = [f"file_name,label,{column}"]
        for label in ("high", "low"):
            for i, side in enumerate(sides):
                file = makers.tone(data / name / label / f"{i:02d}.wav", makers.PITCHES[label], seed=i)
                rows.append(f"{file.relative_to(data / name)},{label},{side}")
        (data / name / "metadata.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    more = ("--encoder", small_encoder, "--steps", 2, "--epochs", 1)
    done = run("domain_adaptation.py", data, tmp_path / "out", *more)
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert head.split() == ["domain", "encoder", "linear", "probe", "(95", "%)", "fine-tuned", "(95", "%)"]
    assert [line[:27].split() for line in lines] == [
        ["noisy", "sounds", "before"],
        ["noisy", "sounds", "adapted"],
        ["telephone", "words", "before"],
        ["telephone", "words", "adapted"],
    ]
    assert all(line.count(" to ") == 2 for line in lines)
    with open(tmp_path / "out" / "picovoice-wakeword" / "recordings" / "labelled.csv", encoding="utf-8") as file:
        sides = [row["split"] for row in csv.DictReader(file) if row["label"] == "high"]
    assert [sides.count(s) for s in ("train", "valid", "test")] == [10, 5, 3]


@pytest.mark.slow
def test_sound_events(small_encoder, tmp_path):
    clips = ["file_name,label,fold"]
    for i in range(10):
        for label in ("high", "low"):
            file = makers.tone(tmp_path / "clips" / label / f"{i}.wav", makers.PITCHES[label], 1.2, seed=i)
            clips.append(f"{file.relative_to(tmp_path / 'clips')},{label},{i % 5 + 1}")
    (tmp_path / "clips" / "metadata.csv").write_text("\n".join([*clips, ""]))
    mixed = subprocess.run(
        [
            *(sys.executable, ROOT / "samples" / "make_mixes.py", tmp_path / "clips", tmp_path / "mixes"),
            *("--train", "fold=1,2,3", "--valid", "fold=4", "--test", "fold=5", "--seconds", "15", "--few"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert mixed.returncode == 0, mixed.stderr
    mixes = (tmp_path / "mixes" / "metadata.csv").read_text().splitlines()
    assert mixes[0] == "file_name,start,end,label,split"
    done = run(
        *("sound_events.py", tmp_path / "mixes", tmp_path / "clips", tmp_path / "out"),
        *("--epochs", 1, "--encoder", small_encoder),
    )
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert head.startswith("learnt from ")
    assert [line[:40].strip() for line in lines] == [
        "whole clips",
        "events cut out, and what lies between",
        "frames",
    ]
    assert all(line.count(" to ") == 2 for line in lines)


def speech(folder: Path, speakers: dict[str, float], recordings: int, seconds: float) -> None:
    """Tones for voices, in a table as the speech corpora have them; two recordings a chapter."""
    rows = ["file_name,label,speaker,chapter,utterance,seconds"]
    for who, hz in speakers.items():
        for i in range(recordings):
            makers.tone(folder / who / f"{i}.wav", hz, seconds, seed=i)
            rows.append(f"{who}/{i}.wav,x,{who},{who}-{i // 2},{i},{seconds}")
    (folder / "metadata.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")


@pytest.mark.slow
def test_open_set_speakers(small_encoder, tmp_path):
    data, voices = tmp_path / "data", tmp_path / "voices"
    many = {f"{100 + i}": 200.0 + 60 * i for i in range(10)} | {"19": 1000.0}
    speech(data / "librispeech-251spk", many, recordings=1, seconds=9.0)
    speech(data / "librispeech-10spk", {"7": 300.0, "8": 900.0}, recordings=4, seconds=5.5)
    speech(data / "librispeech-3spk", {"19": 500.0, "26": 1500.0}, recordings=4, seconds=2.9)
    made = subprocess.run(
        [sys.executable, ROOT / "samples" / "make_voices.py", data, voices],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert made.returncode == 0, made.stderr
    tables = {}
    for name in ("known", "held", "ten", "three"):
        with open(voices / name / "metadata.csv", encoding="utf-8") as file:
            tables[name] = list(csv.DictReader(file))
    labels = {name: {r["label"] for r in rows} for name, rows in tables.items()}
    assert labels["held"] == {"100", "105"}
    assert labels["known"] == set(many) - {"19", "100", "105"}  # whoever is tested on is not learnt
    assert all(sum(r["split"] == "valid" for r in tables["known"] if r["label"] == x) == 1 for x in labels["known"])
    with open(voices / "three.csv", encoding="utf-8") as file:
        pairs = list(csv.DictReader(file))
    assert {(r["target"], r["same_session"]) for r in pairs} == {("1", "0"), ("0", "0")}
    assert sum(r["target"] == "1" for r in pairs) == 8  # of each speaker, two pieces of a chapter with two of the other
    done = run("open_set_speakers.py", voices, tmp_path / "out", "--epochs", 1, "--encoder", small_encoder, timeout=900)
    assert done.returncode == 0, done.stderr
    *lines, centred, margin = done.stdout.splitlines()
    systems = ["log-mel statistics", "encoder as it is", "encoder, centred", "margin head"]
    systems.append("margin head, cohort")
    assert [(x[:6].strip(), x[6:26].strip()) for x in lines] == [
        (n, s) for n in ("held", "ten", "three") for s in systems
    ]
    assert all(line.count(" to ") == 3 for line in lines)
    later = len(tables["ten"]) // 4  # half of the pieces of one of two speakers
    assert all(f" of {later} named rightly" in x and f"of {later} of others" in x for x in (centred, margin))


@pytest.mark.slow
def test_rain_in_noise(tmp_path):
    done = run("rain_in_noise.py", tmp_path / "noise")
    assert done.returncode == 0, done.stderr
    without, with_negatives = done.stdout.splitlines()
    assert "background" not in without
    assert "rain" in without
    assert with_negatives.partition("of noise: ")[2].startswith("background 3")
