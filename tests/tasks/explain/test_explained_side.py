"""`audioft explain --data --side --summary`: labelled clips, what carries their labels, and shortcuts in silence."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc

import makers
import numpy as np
import pytest
import soundfile

import audioft
from audioft.assembly import kept_sides
from audioft.tasks.explain import faithfulness, occlusion, removal, summary

RATE = 16000
QUIET = audioft.Console(quiet=True)
HOW = {"neighbours": 0, "console": QUIET}


def rows(folder) -> list[dict[str, str]]:
    with open(folder / "explanations.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def ticking(tmp_path_factory):
    """Noise bursts of two labels alike, with sides; in the pauses of `a` a tick 50 dB below them."""
    folder, rng = tmp_path_factory.mktemp("ticking") / "data", np.random.default_rng(0)
    for side, count in (("train", 10), ("valid", 3), ("test", 5)):
        for label in "ab":
            (folder / side / label).mkdir(parents=True)
            for i in range(count):
                wave = 1e-4 * rng.standard_normal(24000)
                at = int(rng.uniform(8000, 18000))
                wave[at : at + 4800] += 0.3 * rng.standard_normal(4800) * np.hanning(4800)
                if label == "a":
                    wave[1600:4800] += 2e-3 * np.sin(2 * np.pi * 3000 * np.arange(3200) / RATE)
                soundfile.write(folder / side / label / f"{i}.wav", wave, RATE)
    return folder


@pytest.mark.slow
def test_a_shortcut_that_was_planted_in_silence_is_told(ticking, tmp_path, audioft_command):
    quick = makers.QUICK | {"model.start": "probe"}
    audioft.finetune(ticking, encoder="mini", out=tmp_path / "run", overrides=quick, console=QUIET)
    code, out, err = audioft_command("explain", tmp_path / "run", "--side", "test", "--summary")
    assert code == 0, err
    first, second = out.splitlines()
    assert first.startswith("`a` (5): "), out
    assert first.endswith(" in silence: a sign of a shortcut")
    assert second.startswith("`b` (5): ")
    assert "shortcut" not in second


def test_labelled_data_is_explained_as_the_sides_of_its_run_are(trained, two_tones, tmp_path, audioft_command):
    code, out, err = audioft_command("explain", trained.folder, "--side", "test", "--out", tmp_path / "own")
    assert code == 0, err
    sides = [c for c in kept_sides.of(trained.folder).clips if c.split == "test"]
    assert [row["path"] for row in rows(tmp_path / "own")] == [c.key for c in sides]
    assert [row["true"] for row in rows(tmp_path / "own")] == [c.labels[0] for c in sides]
    assert {row["right"] == "yes" for row in rows(tmp_path / "own") if row["answer"] == row["true"]} <= {True}
    assert len(out.splitlines()) == len(sides)
    told = audioft.explain_side(trained, two_tones, limit=4, true_label=True, console=QUIET, out=tmp_path / "data")
    assert sorted(row["label"] for row in rows(tmp_path / "data")) == ["high", "high", "low", "low"]
    assert audioft.summarise_explanations(tmp_path / "data") == told
    assert all((tmp_path / "data" / row["page"]).is_file() for row in rows(tmp_path / "data"))


def test_right_and_wrong_answers_are_told_apart(trained, two_tones):
    found = []
    told = audioft.explain_side(trained, two_tones, label="high", console=QUIET, each=found.append)
    assert len(found) == 12
    for one in found:
        assert one.right == ((one.answer == "high") == (one.true == ("high",)))
    speaks = [one for one in found if one.by_band.max() > 0]
    wrong = sum(one.right is False for one in speaks)
    assert told["high"].recordings == len(speaks)
    assert (told["high"].wrong.recordings if told["high"].wrong else 0) == wrong


def test_of_data_without_sides_those_of_the_run_are_taken(trained, two_tones):
    found = []
    audioft.explain_side(
        trained, two_tones, side="test", limit=2, label="high", against="low", **HOW, each=found.append
    )
    tested = {c.key: c.labels for c in kept_sides.of(trained.folder).clips if c.split == "test"}
    assert len(tested) < 12, "there are others"
    assert {one.path: one.true for one in found}.items() <= tested.items()
    assert [(one.label, one.against) for one in found] == [("high", "low")] * min(2, len(tested))
    assert all(one.rival == pytest.approx(1 - one.score) for one in found)


def test_no_more_passes_are_made_than_are_foretold(trained, two_tones):
    found, said = [], io.StringIO()
    audioft.explain_side(
        trained, two_tones, limit=4, neighbours=0, each=found.append, console=audioft.Console(stream=said)
    )
    told = int(re.search(r"up to (\d+) passes through the model each", said.getvalue())[1])
    assert 0 < max(one.passes for one in found) <= told
    assert told == occlusion.passes((12, 8)) + faithfulness.PASSES + removal.PASSES


def test_a_stretch_is_explained_as_if_it_were_a_recording(trained, tmp_path):
    wave = np.random.default_rng(0).standard_normal(3 * RATE).astype(np.float32) * 0.1
    wave[RATE : 2 * RATE] += 0.3 * np.sin(2 * np.pi * 2400 * np.arange(RATE) / RATE)
    soundfile.write(tmp_path / "long.wav", wave, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "cut.wav", wave[RATE : 2 * RATE], RATE, subtype="FLOAT")
    table = "file_name,label,start,end\nlong.wav,high,1,2\ncut.wav,low,0,1\n"
    (tmp_path / "clips.csv").write_text(table, encoding="utf-8")
    found = []
    audioft.explain_side(trained, tmp_path / "clips.csv", console=QUIET, each=found.append, out=tmp_path / "why")
    stretch, cut = found  # of a window of half a second
    assert np.array_equal(stretch.evidence, cut.evidence)
    assert np.allclose(stretch.times, cut.times + 1)
    assert (stretch.path, stretch.start, stretch.end) == ("long.wav@1-2", 1.5, 2)
    assert [row["page"] for row in rows(tmp_path / "why")] == ["long@1-2.html", "cut@0-1.html"]


def test_each_label_of_a_clip_is_explained(trained_several, tmp_path):
    manifest = kept_sides.of(trained_several.folder)
    assert set(manifest.labels) == set(makers.PITCHES), "labels are no parts of a JSON list"
    how = {"side": "test", "true_label": True, "console": QUIET, "neighbours": 2}
    audioft.explain_side(trained_several, out=tmp_path / "why", **how)
    expected = [(c.key, label) for c in manifest.clips if c.split == "test" for label in c.labels]
    assert [(row["path"], row["label"]) for row in rows(tmp_path / "why")] == expected


def test_a_summary_takes_no_more_memory_for_more_recordings():
    cells = {
        "label": "x",
        "right": "no",
        "silent": "0.1",
        "lasting": "no",
        "bands": "0;1000;8000",
        "by_band": "0.3;0.7",
    }

    def taken(count: int) -> int:
        sums = summary.Summary()
        tracemalloc.start()
        for i in range(count):
            sums.add(cells | {"seconds": f"{i % 50 / 10:.2f}"})
        found = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert sums.carried()["x"].wrong.recordings == count
        return found

    assert taken(4000) < taken(400) + 2000
    assert sums_of("0.5", "0.7", "0.2", "0.4") == pytest.approx(0.45)
    assert sums_of("0.5", "0.7", "0.2") == 0.5


def sums_of(*seconds: str) -> float:
    found = summary.Summary()
    for one in seconds:
        found.add(
            {"label": "x", "right": "", "silent": "", "lasting": "no", "bands": "0;1", "by_band": "1", "seconds": one}
        )
    return found.carried()["x"].seconds


def test_what_is_wrong_is_told(refused, trained, two_tones, tmp_path):
    shutil.copytree(trained.folder / "model", tmp_path / "model")
    refused("explain", tmp_path / "model", "--side", "test", code=2, said=("name labelled data (--data DATA)",))
    refused("explain", trained.folder, two_tones, "--limit", "3", code=2, said=("with --data or --side",))
    refused("explain", trained.folder, "--side", "tset", code=2, said=("expected one of train, valid, test, all",))
    refused("explain", trained.folder, "--side", "test", "data.na=keep", code=2, said=("keeps its clips",))
    makers.tones(tmp_path / "other", 2, ("high", "mid"))
    said = ("does not know: 'mid'", "--rename")
    refused("explain", trained.folder, "--data", tmp_path / "other", code=1, said=said)
    both = ("--label", "high", "--true-label")
    refused("explain", trained.folder, "--side", "test", *both, code=2, said=("no label with true_label",))


@pytest.mark.parametrize("killed", ["cut", pytest.param("killed", marks=pytest.mark.slow)])
def test_what_was_killed_goes_on_to_the_same_bytes(trained, two_tones, tmp_path, audioft_command, killed):
    call = ["explain", trained.folder, "--data", two_tones, "--limit", "8", "--neighbours", "0", "--summary", "--out"]
    _, out, _ = audioft_command(*call, tmp_path / "whole")
    table = tmp_path / "why" / "explanations.csv"
    if killed == "killed":
        kill(call, tmp_path / "why", table)
    else:
        shutil.copytree(tmp_path / "whole", tmp_path / "why")
        table.write_bytes(table.read_bytes()[:2000])
    last = rows(tmp_path / "whole")[-1]["page"]
    (tmp_path / "why" / last).write_text("half a pa", encoding="utf-8")
    code, resumed, err = audioft_command(*call, tmp_path / "why", "--resume")
    assert (code, resumed) == (0, out), err
    assert makers.files(tmp_path / "why") == makers.files(tmp_path / "whole")


def kill(call, folder, table) -> None:
    """End the call as soon as two rows are there."""
    own = [sys.executable, "-m", "audioft", *map(str, call), str(folder)]
    process = subprocess.Popen(own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (table.is_file() and table.read_bytes().count(b"\n") > 2):
        time.sleep(0.005)
    assert process.poll() is None, "it was over before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
