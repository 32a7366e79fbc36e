"""Runs in steps of so many seconds, from decoded clips: the same numbers however they go on, and what is said."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import makers
import numpy as np
import pytest
import soundfile
from checks import best_of
from safetensors.torch import load_file

import audioft
from audioft.assembly.fitting import throughput
from audioft.audio import io as audio_io
from audioft.configuration.config import load, spell
from audioft.data.audio_cache import default_folder
from audioft.data.batching import StepPlan

SETTINGS = makers.QUICK | {
    "data.max_seconds": 0.8,
    "data.valid": 0.2,
    "encoder.dropout": 0.2,
    "augment": [{"name": "gain", "p": 0.7}, {"name": "speed", "p": 0.7}],
    "mixup": {"p": 0.5},
    "train.epochs": 3,
    "train.batch_seconds": 1.0,
    "train.sampler": "balanced",
    "train.accumulate": 2,
    "train.precision": "fp32",
    "train.log_every": 1,
    "train.save_steps": 1,
    "train.keep": 100,
}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Two labels of nine clips of 0.1 to 1.2 s, 44.1 kHz stereo."""
    folder = tmp_path_factory.mktemp("mixed")
    rng = np.random.default_rng(0)
    for label, hz in (("high", 2400), ("low", 300)):
        (folder / label).mkdir()
        for i in range(9):
            time = np.arange(round((0.1 + 1.1 * rng.uniform() ** 3) * 44100)) / 44100
            wave = 0.3 * np.sin(2 * np.pi * hz * time) + rng.normal(0, 0.02, len(time))
            soundfile.write(folder / label / f"{i}.flac", np.stack([wave, 0.8 * wave], 1), 44100)
    return folder


def train(data, encoder, out, **options):
    stream = io.StringIO()
    settings = SETTINGS | options.pop("overrides", {})
    given = {"resume": True} if options.pop("resume", False) else {"overrides": settings, "encoder": str(encoder)}
    run = audioft.finetune(
        None if "resume" in given else data, out=out, console=audioft.Console(stream=stream), **given
    )
    return run, stream.getvalue()


def left_behind(run):
    """Weights, rows and predictions that a run ends with."""
    checkpoints = run.folder / "checkpoints"
    last = max(checkpoints.glob("step-*"))
    files = sorted(f for place in (last, best_of(run.folder), run.model) for f in place.rglob("*.safetensors"))
    rows = [{k: v for k, v in r.items() if k not in ("seconds", "waiting")} for r in run.history]
    return [f.read_bytes() for f in files], rows, (run.folder / "predictions.csv").read_bytes()


def stopped(run, folder: Path, step: int) -> Path:
    """The same run as if it had been killed after a step."""
    shutil.copytree(run.folder, folder)
    shutil.rmtree(folder / "model")
    for later in (folder / "checkpoints").glob("step-*"):
        if int(later.name.removeprefix("step-")) > step:
            shutil.rmtree(later)
    return folder


@pytest.mark.slow
def test_a_run_that_goes_on_ends_in_the_same_bits(mixed, small_encoder, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    own = {"cache.audio": True, "data.workers": 2}
    whole, said = train(mixed, small_encoder, tmp_path / "whole", overrides=own)
    files = sorted(default_folder().rglob("*.pcm"))
    assert len(files) == int(re.search(r"train (\d+)", said)[1])
    valid = [r["step"] for r in whole.history if r["kind"] == "valid"]
    assert len({b - a for a, b in zip([0, *valid], valid, strict=False)}) > 1, "epochs differ in their steps"
    folder = stopped(whole, tmp_path / "stopped", valid[0] + 2)
    state = json.loads((max((folder / "checkpoints").glob("step-*")) / "state.json").read_text())
    assert (state["epoch"], state["step_in_epoch"]) == (1, 2)
    for i, file in enumerate(files):  # as somebody may have cleared the cache, or a disk may have failed
        file.unlink() if i % 2 else file.write_bytes(file.read_bytes()[:-7])
    resumed, _ = train(mixed, small_encoder, folder, resume=True)
    assert left_behind(resumed) == left_behind(whole)
    # nothing is decoded a second time in training
    decoded = []
    stream = audio_io.stream
    monkeypatch.setattr(audio_io, "stream", lambda *a, **k: (decoded.append(str(a[0])), stream(*a, **k))[1])
    again, said = train(mixed, small_encoder, tmp_path / "again", overrides=own | {"data.workers": 0})
    assert left_behind(again) == left_behind(whole)
    assert "0 are decoded now" in said
    sides = dict(line.split(",")[:2] for line in (again.folder / "manifest.csv").read_text().splitlines()[1:])
    assert len(sides) == 18
    assert len(decoded) < 18 - len(files) + 4 * (18 - len(files))


def test_a_run_says_its_steps_its_padding_and_its_waiting(mixed, small_encoder, tmp_path, audioft_command):
    options = ["train", mixed, "--encoder", small_encoder, "--out", tmp_path / "run"]
    options += [f"{k}={v}" for k, v in makers.QUICK.items() if k != "train.tensorboard"]
    options += ["train.tensorboard=false", "data.max_seconds=0.8", "train.epochs=2", "train.log_every=1"]
    _, by_number, _ = audioft_command(*options, "--dry-run")
    padding, remedy = re.search(r"padding: ([\d.]+)% .*; train\.batch_seconds=(\d+) puts", by_number).groups()
    assert float(padding) > 20
    options.append(f"train.batch_seconds={remedy}")
    _, planned, _ = audioft_command(*options, "--dry-run")
    code, _, said = audioft_command(*options)
    assert code == 0
    told = re.search(r"steps: .*", planned)[0]
    assert told in said
    rows = audioft.Run(tmp_path / "run").history
    steps = [r["step"] for r in rows if r["kind"] == "valid"]
    few, many = min(steps[0], steps[1] - steps[0]), max(steps[0], steps[1] - steps[0])
    assert told == f"steps: 2 epochs of {few}" + ("" if few == many else f" to {many}, {steps[1]} in all")
    assert "puts clips of like length" not in planned
    assert all(0 <= r["waiting"] <= 1 for r in rows if r["kind"] == "train")
    share = re.search(r"the model waited for data ([\d.]+)% of the training time", said)[1]
    assert 0 < float(share) <= 100
    assert "waited" in said
    assert f"{share}%" in (tmp_path / "run" / "report.html").read_text()


def test_the_padding_is_what_the_steps_hold():
    plan = StepPlan(4, 2, seed=0, seconds=[1.0, 1.0, 1.0, 5.0])
    assert plan.padding(0) == pytest.approx(1 - 8 / 12)
    assert throughput.told(plan, 3, 1, 1)[1].endswith("train.batch_seconds=4 puts clips of like length together")
    even = StepPlan(4, 2, seed=0, seconds=[1.0] * 4)
    assert throughput.told(even, 3, 1, 1) == ["steps: 3 epochs of 2"]


def test_what_helps_against_waiting(monkeypatch):
    monkeypatch.setattr(throughput.os, "cpu_count", lambda: 4)
    assert throughput.waiting_told(0.04, load()) == "4.0% of the training time"
    assert throughput.waiting_told(0.5, load()).endswith("; try data.workers=4 or cache.audio=true")
    kept = load(overrides={"cache.audio": True, "data.workers": 0})
    assert throughput.waiting_told(0.5, kept).endswith("; try data.workers=2")


@pytest.mark.slow
def test_two_processes_learn_what_one_does(mixed, small_encoder, tmp_path):
    own = {"encoder.dropout": 0.0, "encoder.layerdrop": 0.0, "train.device": "cpu", "train.epochs": 2}
    own |= {"cache.audio": True, "augment": [], "mixup": None}
    one, _ = train(mixed, small_encoder, tmp_path / "one", overrides=own)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "audioft"]
    settings = [f"{k}={spell(v)}" for k, v in (SETTINGS | own).items()]
    done = subprocess.run(
        [*launch, "train", str(mixed), "--encoder", str(small_encoder), "--out", str(tmp_path / "two"), *settings],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    last = [max((tmp_path / name / "checkpoints").glob("step-*")) for name in ("one", "two")]
    assert last[0].name == last[1].name
    ours, theirs = (load_file(p / "model.safetensors") for p in last)
    assert max((ours[k] - theirs[k]).abs().max().item() for k in ours) < 1e-4
    assert [r["epoch"] for r in one.history] == [r["epoch"] for r in audioft.Run(tmp_path / "two").history]
