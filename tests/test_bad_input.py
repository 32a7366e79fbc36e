"""What bad input gets: one clear message, the right exit code, nothing lost."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import makers
import numpy as np
import pytest
import soundfile

ROWS = "".join(f"{x}/{x}_{i:02d}.wav,{x}\n" for x in ("high", "low") for i in range(6))


@pytest.fixture
def tones(tmp_path) -> Path:
    return makers.tones(tmp_path / "tones")


# --- folders and tables


def test_no_such_path(train, tmp_path, two_tones):
    train(tmp_path / "gone", code=2, said=(str(tmp_path / "gone"), "no such file or folder", "expected a folder"))


def test_a_recording_instead_of_a_folder(train, two_tones):
    train(two_tones / "low" / "low_00.wav", code=2, said=("low_00.wav", "expected a table ending in .csv"))


def test_an_empty_folder(train, tmp_path):
    (tmp_path / "empty").mkdir()
    train(tmp_path / "empty", code=1, said=(str(tmp_path / "empty"), "no recordings found", ".wav"))


def test_a_single_class(train, tmp_path):
    data = makers.tones(tmp_path / "one", labels=("low",))
    train(data, code=1, said=(str(data), "all 6 clips have the one label 'low'", "add a folder"))


def test_a_class_with_one_clip(train, tones):
    makers.tone(tones / "mid" / "only.wav")
    train(tones, code=1, said=("class 'mid' has 1 clip, too few for train, valid, test", "data.valid=null"))


def test_a_flat_folder(train, tmp_path):
    makers.tone(tmp_path / "flat" / "a.wav")
    train(tmp_path / "flat", code=1, said=("lie in no class folder", "CLASS/file.wav", "metadata.csv"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"file_name,label\n{ROWS}low/gone.wav,low\n", ("metadata.csv line 14", "no such file: low/gone.wav")),
        (f"file_name,colour\n{ROWS}", ("metadata.csv: no label column", "expected label", "file_name, colour")),
        (f"name,label\n{ROWS}", ("metadata.csv: no column names the recordings", "file_name")),
        (f"file_name,label\n{ROWS}low/low_00.wav,\n", ("metadata.csv line 14", "its label is empty")),
        (f"file_name,label\n{ROWS}low/low_00.wav\n", ("metadata.csv line 14: 1 cells, but the header has 2",)),
        (
            f"file_name,label\n{ROWS}low/low_00.wav,low\n",
            ("metadata.csv line 14: low/low_00.wav", "already in", "metadata.csv line 8"),
        ),
        (
            f"file_name,label\n{ROWS}../outside.wav,low\n",
            ("metadata.csv line 14: ../outside.wav leads out of", "data.allow_outside=true"),
        ),
        (
            f"file_name,label,start\n{ROWS}low/gone.wav,low\n".replace(",high\n", ",high,\n").replace(
                ",low\n", ",low,x\n"
            ),
            (
                "7 problems in the data:\n  - 6 times, ",
                "metadata.csv lines 8, 9, 10 and 3 more: start 'x' is not a number",
                "metadata.csv line 14: no such file: low/gone.wav",
            ),
        ),
        ("", ("metadata.csv: the table has no rows",)),
    ],
    ids=["missing", "label-column", "file-column", "no-label", "cells", "duplicate", "outside", "several", "empty"],
)
def test_a_table(train, tones, tmp_path, text, said):
    makers.tone(tmp_path / "outside.wav")
    (tones / "metadata.csv").write_text(text)
    before = makers.files(tones)
    train(tones, code=1, said=said)
    assert makers.files(tones) == before


# --- recordings


def write_text(path: Path) -> None:
    path.write_text("this is no recording\n")


def write_truncated(path: Path) -> None:
    whole = makers.tone(path.with_suffix(".flac"), 300, 2.0)
    data = whole.read_bytes()
    whole.unlink()
    path.write_bytes(data[: len(data) // 2])


def write_nan(path: Path) -> None:
    wave = np.zeros(makers.RATE, np.float32)
    wave[100] = np.nan
    soundfile.write(path, wave, makers.RATE, subtype="FLOAT")


BAD = {
    "text": (write_text, "not audio that soundfile can read", "open"),
    "truncated": (write_truncated, "truncated or damaged", "decode"),
    "zero bytes": (lambda path: path.write_bytes(b""), "the file is empty (0 bytes)", "open"),
    "nan": (write_nan, "samples that are not finite", "check"),
    "10 ms": (lambda path: makers.tone(path, 300, 0.01), "only 10.0 ms long, expected at least 25 ms", "check"),
}


@pytest.fixture(params=BAD, ids=[k.replace(" ", "_") for k in BAD])
def bad(request, tones):
    make, reason, stage = BAD[request.param]
    path = tones / "low" / "bad.wav"
    make(path)
    return path, reason, stage


def test_a_bad_recording_stops_training_before_it_begins(train, tones, tmp_path, bad):
    _, reason, stage = bad
    before = makers.files(tones)
    train(tones, code=1, said=("low/bad.wav: ", reason, "1 of 13 clips", "data.max_bad=0.05", "bad_files.csv"))
    listed = (tmp_path / "out" / "bad_files.csv").read_text().splitlines()
    assert len(listed) == 2
    assert listed[1].startswith(f"low/bad.wav,,,{stage},")
    assert reason in listed[1]
    assert makers.files(tones) == before


def test_a_bad_recording_is_a_failure_and_a_row_only_of_what_came_before_the_damage(
    audioft_command, trained, tones, tmp_path, bad
):
    path, reason, stage = bad
    heard = stage == "decode"  # half a second
    code, out, err = audioft_command("predict", trained.folder, tones / "low", "--out", tmp_path / "p.csv")
    assert (code, out) == (1, "")
    assert f"audioft: {path}: " in err
    assert reason in err
    assert "1 of 7 inputs could not be labelled to their end, all listed in" in err
    rows = (tmp_path / "p.csv").read_text().splitlines()
    assert len(rows) == 7 + heard
    assert sum("bad.wav" in r for r in rows) == heard
    failures = (tmp_path / "p.failures.csv").read_text().splitlines()
    assert failures[0] == "path,reason"
    assert reason in failures[1]


def test_a_bad_recording_is_left_out_of_an_evaluation_that_says_so(audioft_command, trained, tones, tmp_path, bad):
    _, reason, _ = bad
    code, out, err = audioft_command("evaluate", trained.folder, tones, "--out", tmp_path / "e")
    assert code == 0
    assert "all: 12 clips" in out
    assert "1 of 13 recordings could not be used" in out
    assert reason in err
    assert reason in (tmp_path / "e" / "bad_files.csv").read_text()


def test_eight_channels_are_mixed_down(audioft_command, trained, tmp_path, small_encoder, tones):
    many = makers.tone(tmp_path / "many.wav", 300, seed=3, channels=8)
    one = makers.tone(tmp_path / "one.wav", 300, seed=3)
    code, out, _ = audioft_command("predict", trained.folder, many, one)
    assert code == 0
    scores = [line.split(",")[1:] for line in out.splitlines()[1:]]
    assert scores[0][0] == scores[1][0]
    assert float(scores[0][1]) == pytest.approx(float(scores[1][1]), abs=1e-4)
    shutil.move(many, tones / "low" / "many.wav")
    code, _, err = audioft_command(
        *("train", tones, "--encoder", small_encoder, *makers.QUICK_ARGUMENTS, "--out", tmp_path / "r")
    )
    assert code == 0, err
    assert (tmp_path / "r" / "bad_files.csv").read_text() == "path,start,end,stage,reason\n"


def test_under_the_limit_a_bad_recording_is_counted_and_left_out(audioft_command, small_encoder, tones, tmp_path):
    write_text(tones / "low" / "bad.wav")
    code, _, err = audioft_command(
        *("train", tones, "--encoder", small_encoder, *makers.QUICK_ARGUMENTS, "--out", tmp_path / "r"),
        "data.max_bad=0.1",
    )
    assert code == 0, err
    assert "1 of 13 recordings cannot be used, see" in err
    assert "bad.wav" not in (tmp_path / "r" / "manifest.csv").read_text()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("more", [(), ("--what", "segments", "--format", "audacity")])
def test_pipes_and_loops_of_links_are_named_at_once(audioft_command, trained, tones, tmp_path, more):
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    places = (tones / "low", tmp_path / "pipe.wav", tmp_path / "loop.wav")
    began = time.monotonic()
    out = tmp_path / ("labels" if more else "labels.csv")
    code, _, err = audioft_command("predict", trained.folder, *places, *more, "--out", out)
    assert time.monotonic() - began < 20
    assert code == 1
    assert "pipe.wav: this is a pipe or a device, not a file" in err
    assert "loop.wav: " in err
    assert "Traceback" not in err
    assert "2 of " in err
