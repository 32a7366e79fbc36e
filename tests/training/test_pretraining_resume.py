"""A pretraining that was killed and goes on ends in the same bits as one that never stopped."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import small_pretraining as small

import audioft
from audioft.core.progress import Console
from audioft.errors import CheckpointError, UsageError

pytestmark = pytest.mark.slow

KILLED = """
import json, os, signal, sys
import audioft
from audioft.tasks.pretrain import pretraining_run as pretraining
from audioft.core.progress import Console
from audioft.training.checkpoint import Checkpoints

data, out, where, settings = json.loads(sys.argv[1])
save, save_encoder = Checkpoints.save, pretraining.save_encoder
saves = where

def save_then_die(self, *args):
    global saves
    path = save(self, *args)
    saves -= 1
    if not saves:
        os.kill(os.getpid(), signal.SIGKILL)
    return path

def die_instead(*args, **options):
    os.kill(os.getpid(), signal.SIGKILL)

Checkpoints.save = save_then_die
if not where:
    pretraining.save_encoder = die_instead
audioft.pretrain(data, out=out, overrides=settings, console=Console(quiet=True))
"""


@pytest.fixture(scope="module")
def unbroken(tones, tmp_path_factory):
    return small.pretrain(tones, tmp_path_factory.mktemp("unbroken") / "encoder")


@pytest.fixture(scope="module")
def killed(tones, tmp_path_factory):
    """`killed(workers, saves)`: the folder of a pretraining killed right after so many checkpoints, or, with 0 of
    them, when all of the first round but its encoder is there."""
    root = tmp_path_factory.mktemp("killed")

    def run(workers: int, saves: int) -> Path:
        out = root / f"run{workers}-{saves}"
        if not out.exists():
            arguments = json.dumps([str(tones), str(out), saves, small.BRIEF | {"data.workers": workers}])
            done = subprocess.run(
                [sys.executable, "-c", KILLED, arguments], capture_output=True, text=True, check=False
            )
            assert done.returncode == -signal.SIGKILL, done.stderr
            assert not (out / "config.json").exists()
        return out

    return run


@pytest.fixture
def stopped(killed, tmp_path):
    """A copy of a killed pretraining."""
    return Path(shutil.copytree(killed(0, 1), tmp_path / "encoder"))


# a round saves after its steps 2, 3 (its first measure), 4, 6 (its second)
@pytest.mark.parametrize(
    ("workers", "saves", "at"), [(0, 1, "round-1"), (2, 3, "round-1"), (0, 5, "round-2"), (0, 0, "round-1")]
)
def test_killed_and_resumed_is_as_if_never_stopped(workers, saves, at, killed, unbroken, tmp_path):
    out = Path(shutil.copytree(killed(workers, saves), tmp_path / "encoder"))
    newest = max((out / "pretraining" / at / "checkpoints").glob("step-*"))
    state = json.loads((newest / "state.json").read_text())
    assert state["finished"] == (saves == 0)
    assert (state["step_in_epoch"] > 0) == (saves > 0)  # in the middle between two measures
    assert (out / "pretraining" / "round-1" / "encoder").exists() == (at == "round-2")
    resumed = audioft.pretrain(out=out, resume=True, console=Console(quiet=True))
    expected, found = small.left_behind(unbroken), small.left_behind(resumed)
    assert found.keys() == expected.keys()
    assert [k for k in expected if found[k] != expected[k]] == []


def test_the_run_was_worth_comparing(unbroken):
    """All that the settings ask for did happen, or the test above would say little."""
    from safetensors.torch import load_file

    found = small.left_behind(unbroken)
    assert {"model.safetensors", "pretraining/round-2/targets.safetensors", "round-1 rows", "round-2 rows"} <= set(
        found
    )
    for name in ("round-1", "round-2"):
        assert [r["step"] for r in small.rows(unbroken, name) if r["kind"] == "train"] == [1, 2, 3, 4, 5, 6]
        assert [r["step"] for r in small.measured(unbroken, name)] == [3, 6]
        assert (unbroken / "pretraining" / name / "checkpoints" / "step-00000006" / "model.safetensors").is_file()
    first, last = (
        load_file(unbroken / "pretraining" / name / "encoder" / "model.safetensors") for name in ("round-1", "round-2")
    )
    assert not [k for k in first if first[k].equal(last[k])]


def test_resuming_what_is_finished_changes_nothing(unbroken, tmp_path):
    out = Path(shutil.copytree(unbroken, tmp_path / "encoder"))
    before = small.left_behind(out)
    audioft.pretrain(out=out, resume=True, console=Console(quiet=True))
    assert small.left_behind(out) == before


def test_a_damaged_checkpoint_is_told(stopped, unbroken):
    newest = max((stopped / "pretraining" / "round-1" / "checkpoints").glob("step-*"))
    data = bytearray((newest / "model.safetensors").read_bytes())
    data[len(data) // 2] ^= 1
    (newest / "model.safetensors").write_bytes(data)
    with pytest.raises(CheckpointError, match="step-0"):
        audioft.pretrain(out=stopped, resume=True, console=Console(quiet=True))
    shutil.rmtree(newest)
    audioft.pretrain(out=stopped, resume=True, console=Console(quiet=True))
    assert small.left_behind(stopped) == small.left_behind(unbroken)


def test_other_settings_are_refused(stopped, tones):
    with pytest.raises(CheckpointError, match=r"train\.lr: was 0\.0015, is 0\.5"):
        small.pretrain(tones, stopped, resume=True, overrides={"train.lr": 0.5})
    with pytest.raises(CheckpointError, match=r"objective\.mask: was 0\.5, is 0\.3"):
        small.pretrain(tones, stopped, resume=True, overrides={"objective.mask": 0.3})
    with pytest.raises(UsageError, match="already holds a run"):
        small.pretrain(tones, stopped)


def test_other_recordings_are_refused(stopped, tones, tmp_path):
    changed = Path(shutil.copytree(tones, tmp_path / "tones"))
    wave = bytearray((changed / "low" / "3.wav").read_bytes())
    wave[-100] ^= 1
    (changed / "low" / "3.wav").write_bytes(wave)
    config = stopped / "pretraining" / "config.yaml"
    config.write_text(config.read_text().replace(str(tones), str(changed)))
    with pytest.raises(CheckpointError, match="another run"):
        audioft.pretrain(out=stopped, resume=True, console=Console(quiet=True))


def test_overwrite_begins_anew(stopped, tones, unbroken):
    """Nothing of what was there is mixed into the new one."""
    settings = {"seed": 1}
    found = small.left_behind(small.pretrain(tones, stopped, overwrite=True, overrides=settings))
    assert found.keys() == small.left_behind(unbroken).keys()
    assert found["model.safetensors"] != small.left_behind(unbroken)["model.safetensors"]
    again = small.left_behind(small.pretrain(tones, stopped, overwrite=True))
    assert again == small.left_behind(unbroken)
