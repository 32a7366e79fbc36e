"""A run that was killed and goes on ends in the same bits as one that never stopped."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from checks import best_of
from safetensors.torch import load_file

import audioft
from audioft.core.progress import Console
from audioft.errors import CheckpointError, UsageError

# every kind of randomness there is: order, crops, augmentation, mixing, latent masks, dropout, layer drop
SETTINGS = {
    "data.max_seconds": 0.5,
    "data.workers": 0,
    "encoder.dropout": 0.2,
    "encoder.layerdrop": 0.2,
    "freeze": {0: "all", 1: "feature_extractor"},
    "model.start": "random",
    "model.layers": "weighted",
    "model.pooling": "attentive_stats",
    "model.head": {"name": "mlp", "size": 16, "dropout": 0.3},
    "augment": [
        {"name": "noise", "p": 0.7},
        {"name": "gain", "p": 0.7},
        {"name": "speed", "p": 0.7},
        {"name": "time_mask", "p": 0.7},
    ],
    "mixup": {"p": 0.5},
    "latent": {"time": 0.3, "time_length": 2, "channels": 0.1, "channel_length": 4},
    "train.lr": 1e-4,
    "train.head_lr": 1e-3,
    "train.epochs": 3,
    "train.batch_size": 4,
    "train.accumulate": 2,
    "train.sampler": "balanced",
    "train.precision": "fp32",
    "train.device": "cpu",
    "train.log_every": 1,
    "train.save_steps": 2,
    "train.tensorboard": False,
    "evaluate.resamples": 20,
}
KILLED = """
import json, os, signal, sys
import audioft
from audioft.core.progress import Console
from audioft.training.checkpoint import Checkpoints

data, encoder, out, saves, settings = json.loads(sys.argv[1])
save = Checkpoints.save

def save_then_die(self, *args):
    global saves
    path = save(self, *args)
    saves -= 1
    if not saves:
        os.kill(os.getpid(), signal.SIGKILL)
    return path

Checkpoints.save = save_then_die
audioft.finetune(data, encoder=encoder, out=out, overrides=settings, console=Console(quiet=True))
"""


def finetune(data, encoder, out, **options):
    settings = SETTINGS | options.pop("overrides", {})
    return audioft.finetune(data, encoder=encoder, out=out, overrides=settings, console=Console(quiet=True), **options)


def last_checkpoint(run):
    return max((run.folder / "checkpoints").glob("step-*"))


def left_behind(run):
    """All numbers that a run ends with."""
    last = last_checkpoint(run)
    files = [last / "model.safetensors", last / "optimizer.safetensors"]
    files += [best_of(run.folder) / "model.safetensors", *run.model.rglob("*.safetensors")]
    rows = [{k: v for k, v in r.items() if k not in ("seconds", "waiting")} for r in run.history]
    state = json.loads((last / "state.json").read_text())
    for clock in ("seconds", "waited", "worked"):
        state.pop(clock)
    named = {str(f.relative_to(run.folder)): f.read_bytes() for f in files}
    named["predictions.csv"] = (run.folder / "predictions.csv").read_bytes()
    return named, rows, state


@pytest.fixture(scope="module")
def encoder(encoder_folder):
    return str(encoder_folder("wavlm"))


@pytest.fixture(scope="module")
def unbroken(tones, encoder, tmp_path_factory):
    return finetune(tones, encoder, tmp_path_factory.mktemp("unbroken") / "run")


@pytest.fixture(scope="module")
def killed(tones, encoder, tmp_path_factory):
    """`killed(workers, saves)`: the folder of a run killed with SIGKILL right after so many checkpoints."""
    root = tmp_path_factory.mktemp("killed")

    def run(workers: int, saves: int) -> Path:
        out = root / f"run{workers}-{saves}"
        if not out.exists():
            settings = {k: v for k, v in SETTINGS.items() if k != "freeze"} | {"data.workers": workers}
            # JSON has no integers as keys; a config takes them as text
            settings["freeze"] = {str(k): v for k, v in SETTINGS["freeze"].items()}
            arguments = json.dumps([str(tones), encoder, str(out), saves, settings])
            done = subprocess.run(
                [sys.executable, "-c", KILLED, arguments], capture_output=True, text=True, check=False
            )
            assert done.returncode == -signal.SIGKILL, done.stderr
            assert not (out / "model").exists()
        return out

    return run


@pytest.fixture
def stopped(killed, tmp_path):
    """A copy of a killed run."""
    return Path(shutil.copytree(killed(0, 4), tmp_path / "run"))


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "saves"), [(0, 4), (2, 1)])
def test_killed_and_resumed_is_as_if_never_stopped(workers, saves, tones, encoder, killed, unbroken):
    out = killed(workers, saves)
    state = json.loads((max((out / "checkpoints").glob("step-*")) / "state.json").read_text())
    assert not state["finished"]
    assert state["step_in_epoch"] > 0  # in the middle of an epoch
    resumed = audioft.finetune(out=out, resume=True, console=Console(quiet=True))
    expected, found = left_behind(unbroken), left_behind(resumed)
    assert found[0].keys() == expected[0].keys()
    assert [k for k in expected[0] if found[0][k] != expected[0][k]] == []
    assert found[1] == expected[1]
    changed = {k for k in expected[2] if found[2][k] != expected[2][k]}
    assert changed <= {"identity"}
    assert state["step"] < expected[2]["step"]


@pytest.mark.slow
def test_the_run_was_worth_comparing(unbroken, encoder):
    """All that the settings ask for did happen, or the test above would say little."""
    rows = unbroken.history
    assert sum(r["kind"] == "valid" for r in rows) == 3
    steps = [r["step"] for r in rows if r["kind"] == "train"]
    assert steps == list(range(1, 16))
    before, after = (
        load_file(Path(encoder) / "model.safetensors"),
        load_file(last_checkpoint(unbroken) / "model.safetensors"),
    )
    kept = {k.removeprefix("encoder.model.") for k in after}
    assert not any(k.startswith("feature_extractor") for k in kept)  # frozen: it is not even written
    moved = {k for k, v in before.items() if k in kept and not v.equal(after[f"encoder.model.{k}"])}
    assert "masked_spec_embed" in moved


@pytest.mark.slow
def test_a_damaged_checkpoint_costs_steps_but_no_bits(stopped, unbroken, capsys):
    newest = max((stopped / "checkpoints").glob("step-*"))
    data = bytearray((newest / "model.safetensors").read_bytes())
    data[len(data) // 2] ^= 1
    (newest / "model.safetensors").write_bytes(data)
    resumed = audioft.finetune(out=stopped, resume=True)
    said = capsys.readouterr().err
    assert str(newest / "model.safetensors") in said
    assert "going back" in said
    assert left_behind(resumed)[:2] == left_behind(unbroken)[:2]


@pytest.mark.slow
def test_other_settings_are_refused(stopped, tones, encoder):
    with pytest.raises(CheckpointError, match=r"train\.lr: was 0\.0001, is 0\.5"):
        finetune(tones, encoder, stopped, resume=True, overrides={"train.lr": 0.5})
    with pytest.raises(UsageError, match="already holds a run"):
        finetune(tones, encoder, stopped)


@pytest.mark.slow
def test_other_data_is_refused(stopped, tones, encoder, tmp_path):
    changed = Path(shutil.copytree(tones, tmp_path / "tones"))
    wave = bytearray((changed / "low" / "3.wav").read_bytes())
    wave[-100] ^= 1
    (changed / "low" / "3.wav").write_bytes(wave)
    config = (stopped / "config.yaml").read_text()
    (stopped / "config.yaml").write_text(config.replace(str(tones), str(changed)))
    before = {p: p.read_bytes() for p in stopped.rglob("*") if p.is_file()}
    with pytest.raises(CheckpointError, match=r"(?s)another run.*\n  - low/3\.wav has another sha256$"):
        audioft.finetune(out=stopped, resume=True, console=Console(quiet=True))
    (changed / "low" / "3.wav").rename(tmp_path / "3.wav")
    with pytest.raises(CheckpointError, match=r"(?s)another run.*\n  - low/3\.wav is gone"):
        audioft.finetune(out=stopped, resume=True, console=Console(quiet=True))
    assert {p: p.read_bytes() for p in stopped.rglob("*") if p.is_file()} == before, "a refused run is not touched"


@pytest.mark.slow
def test_another_config_is_refused(stopped):
    config = (stopped / "config.yaml").read_text()
    (stopped / "config.yaml").write_text(config.replace("lr: 0.0001", "lr: 0.0002"))
    with pytest.raises(CheckpointError, match=r"(?s)another run.*config\.yaml was changed since"):
        audioft.finetune(out=stopped, resume=True, console=Console(quiet=True))
    (stopped / "config.yaml").unlink()
    for resume in (True, False):
        with pytest.raises(UsageError, match=r"config\.yaml is missing.*put it back"):
            audioft.finetune("anything", out=stopped, resume=resume, console=Console(quiet=True))


@pytest.mark.slow
def test_another_label_is_another_run(tmp_path, encoder):
    import makers

    rows = ["file_name,label"]
    for i in range(16):
        makers.tone(tmp_path / "data" / f"{i}.wav", 300 + 400 * (i % 2), seed=i)
        rows.append(f"{i}.wav,{'ab'[i % 2]}")
    table = tmp_path / "data" / "metadata.csv"
    table.write_text("\n".join(rows))
    brief = {"train.epochs": 1, "train.metric": "last"}
    finetune(tmp_path / "data", encoder, tmp_path / "run", overrides=brief)
    table.write_text("\n".join(rows).replace("3.wav,b", "3.wav,a"))
    with pytest.raises(CheckpointError, match=r"(?s)another run.*3\.wav has another label"):
        audioft.finetune(out=tmp_path / "run", resume=True, console=Console(quiet=True))


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["gone", "bytes", "line", "cut"])
def test_metrics_that_are_lost_are_told(stopped, unbroken, capsys, damage):
    path = stopped / "metrics.jsonl"
    data = path.read_bytes()
    lines = data.splitlines(keepends=True)
    if damage == "gone":
        path.unlink()
    elif damage == "bytes":
        path.write_bytes(data[:5] + b"\xff\x00" + data[7:])
    elif damage == "line":
        path.write_bytes(lines[0] + b"garbage\n" + b"".join(lines[2:]))
    else:  # as a kill leaves the row of a step that is made again
        path.write_bytes(data + lines[-1][:20])
    resumed = audioft.finetune(out=stopped, resume=True)
    said = capsys.readouterr().err
    assert ("the curves in the report lack" in said) == (damage != "cut")
    if damage in ("bytes", "line"):
        assert "1 line that cannot be read" in said
        assert len(resumed.history) == len(unbroken.history) - 1
    if damage == "cut":
        assert len(resumed.history) == len(unbroken.history)


def test_resume_and_overwrite_contradict_each_other(tmp_path, tones, encoder):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text(f"data: {{source: {tones}}}\n")
    with pytest.raises(UsageError, match="give one of them"):
        audioft.finetune(out=tmp_path / "run", resume=True, overwrite=True)


def test_nothing_to_resume(tmp_path, tones):
    with pytest.raises(UsageError, match="--out"):
        audioft.finetune(tones, resume=True)
    with pytest.raises(UsageError, match="no run to resume"):
        audioft.finetune(out=tmp_path / "none", resume=True)
    assert not os.path.exists(tmp_path / "none")


def test_a_run_killed_before_its_first_checkpoint_begins_at_its_first_step(tones, encoder, tmp_path):
    brief = {"train.epochs": 1}
    whole = finetune(tones, encoder, tmp_path / "whole", overrides=brief)
    out = tmp_path / "early"
    (out / "checkpoints").mkdir(parents=True)
    shutil.copy(whole.folder / "config.yaml", out / "config.yaml")
    early = audioft.finetune(out=out, resume=True, console=Console(quiet=True))
    first, second = ((best_of(r.folder) / "model.safetensors").read_bytes() for r in (whole, early))
    assert first == second
