"""Two processes learn what one learns."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import small_pretraining as small
from safetensors.torch import load_file

import audioft
from audioft.core.progress import Console

SETTINGS = {
    "data.max_seconds": 0.5,
    "data.workers": 0,
    "encoder.dropout": 0.0,
    "encoder.layerdrop": 0.0,
    "freeze": {0: "all", 1: "feature_extractor"},
    "mixup": {"p": 0.5},
    "train.epochs": 2,
    "train.batch_size": 4,  # a last step of a single clip: one process has none
    "train.accumulate": 2,
    "train.precision": "fp32",
    "train.device": "cpu",
    "train.log_every": 1,
    "train.save_steps": 2,
    "train.tensorboard": False,
    "evaluate.resamples": 20,
}


def strings(settings):
    return [f"{k}={str(v).replace(chr(39), '')}" for k, v in settings.items()]


@pytest.mark.slow
def test_two_processes_end_where_one_does(encoder_folder, tones, tmp_path):
    encoder = encoder_folder("wav2vec2")
    one = audioft.finetune(
        tones, encoder=str(encoder), out=tmp_path / "one", overrides=SETTINGS, console=Console(quiet=True)
    )
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "audioft"]
    done = subprocess.run(
        [*launch, "train", str(tones), "--encoder", str(encoder), "--out", str(tmp_path / "two"), *strings(SETTINGS)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    two = audioft.Run(tmp_path / "two")
    assert len(done.stdout.splitlines()) == 1  # one process speaks
    for place in ("checkpoints/step-00000010", "model"):
        ours = load_file(one.folder / place / "model.safetensors")
        theirs = load_file(two.folder / place / "model.safetensors")
        assert ours.keys() == theirs.keys()
        assert max((ours[k] - theirs[k]).abs().max().item() for k in ours) < 1e-5
    start = load_file(encoder / "model.safetensors")
    end = load_file(one.folder / "checkpoints/step-00000010" / "model.safetensors")
    assert (
        max((start[k] - end[f"encoder.model.{k}"]).abs().max().item() for k in start if f"encoder.model.{k}" in end)
        > 1e-4
    )
    assert len(one.history) == len(two.history) == 13
    for a, b in zip(one.history, two.history, strict=True):
        assert a.keys() == b.keys()
        for key in a.keys() - {"seconds", "waiting"}:
            assert a[key] == pytest.approx(b[key], abs=1e-4), key
    assert one.report.figures == pytest.approx(two.report.figures, abs=1e-3, nan_ok=True)


@pytest.mark.slow
def test_two_processes_pretrain_what_one_does(tones, tmp_path):
    """Of one round: the targets of a second one are clusters of states, which rounding may tip over.

    Without the likeness of crops, which is among those that a process holds, and of convolutions that begin at random:
    a filterbank's balance makes gradients of large terms that cancel, so that rounding alone decides their first steps.
    """
    own = {"encoder.dropout": 0.0, "encoder.layerdrop": 0.0, "objective.rounds": small.BRIEF["objective.rounds"][:1]}
    own |= {"encoder.architecture": small.BRIEF["encoder.architecture"] | {"filterbank": False}}
    own |= {"objective.like_sound": 0, "objective.like_recording": 0, "objective.crops": 1, "train.accumulate": 2}
    one = small.pretrain(tones, tmp_path / "one", overrides=own)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "audioft"]
    done = subprocess.run(
        [*launch, "pretrain", str(tones), "--out", str(tmp_path / "two"), *small.strings(small.BRIEF | own)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    two = tmp_path / "two"
    assert done.stdout == f"{two}\n"  # one process speaks
    assert "2 process(es)" in (two / "README.md").read_text()
    targets = "pretraining/round-1/targets.safetensors"
    assert (one / targets).read_bytes() == (two / targets).read_bytes()
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (one, two))
    assert ours.keys() == theirs.keys()
    assert max((ours[k] - theirs[k]).abs().max().item() for k in ours) < 1e-4  # of a rate of 1.5e-3
    for a, b in zip(small.rows(one, "round-1"), small.rows(two, "round-1"), strict=True):
        assert a.keys() == b.keys()
        for key in a.keys() - {"masked_accuracy", "waiting"}:
            assert a[key] == pytest.approx(b[key], abs=1e-3), key


@pytest.mark.slow
def test_processes_that_were_announced_but_not_started(tones, tmp_path):
    env = {k: v for k, v in os.environ.items() if k not in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")}
    done = subprocess.run(
        [sys.executable, "-m", "audioft", "train", str(tones), "--out", str(tmp_path / "r"), "train.device=cpu"],
        env=env | {"WORLD_SIZE": "2"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    assert "WORLD_SIZE" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "r").exists()


def started_twice(*arguments):
    """Python with these arguments as two processes that find each other, as a launcher would start them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = []
    for rank in range(2):
        env = os.environ | {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
        env |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        started.append(subprocess.Popen([sys.executable, *map(str, arguments)], env=env))
    return started


#: Threads that speak with the other process are still at work where the program is left.
LEFT_EARLY = """
import sys, torch
from audioft.core.runtime import Processes

Processes("cpu").wait()
for _ in range(30):
    torch.distributed.all_reduce(torch.ones(1_000_000), async_op=True)
{end}
"""


@pytest.mark.slow
@pytest.mark.parametrize(("end", "code"), [("", 0), ("sys.exit(3)", 3), ("raise ValueError", 1)])
def test_a_process_parts_from_the_others_however_it_ends(end, code):
    started = started_twice("-c", LEFT_EARLY.format(end=end))
    try:
        assert [p.wait(120) for p in started] == [code, code]
    finally:
        for p in started:
            p.kill()
            p.wait()


@pytest.mark.slow
def test_a_signal_to_one_of_two_ends_the_step_of_both(encoder_folder, tones, tmp_path):
    out, encoder = tmp_path / "two", encoder_folder("wav2vec2")
    call = ("-m", "audioft", "train", tones, "--encoder", encoder, "--out", out)
    started = started_twice(*call, *strings(SETTINGS | {"train.epochs": 500}))
    try:
        end = time.monotonic() + 120
        while not (out / "metrics.jsonl").exists() or (out / "metrics.jsonl").read_text().count("\n") < 3:
            assert time.monotonic() < end
            time.sleep(0.05)
        started[1].send_signal(signal.SIGTERM)
        assert [p.wait(60) for p in started] == [143, 143]
    finally:
        for p in started:
            p.kill()
            p.wait()
    rows = audioft.Run(out).history
    last = max((out / "checkpoints").glob("step-*"))
    assert last.name == f"step-{max(r['step'] for r in rows):08d}"
