"""`audioft pretrain --teacher`: a student learns another encoder's states, and nothing of the teacher is left in it."""

from __future__ import annotations

import json
import shutil

import pytest
import small_pretraining as small
from safetensors.torch import load_file

import audioft
from audioft.core.progress import Console
from audioft.models.loading import load_encoder
from audioft.tasks.pretrain import resolve
from audioft.training.checkpoint import Checkpoints

ROUND = {"objective.rounds": [{"targets": "teacher", "steps": 4}], "teacher.crops": 12}


@pytest.fixture
def teacher(encoder_folder, tmp_path, monkeypatch):
    """A tiny Whisper; states are kept in a cache of this test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return str(encoder_folder("whisper"))


def test_a_student_of_a_teacher(teacher, two_tones, tmp_path, audioft_command):
    rounds = [{"targets": "teacher", "steps": 24}]
    settings = small.BRIEF | ROUND | {"teacher.likeness": 1.0, "objective.rounds": rounds, "train.save_steps": 0}
    out = tmp_path / "student"
    code, _, err = audioft_command(
        "pretrain", two_tones, "--teacher", teacher, "--out", out, *small.strings(settings | {"train.measures": 2})
    )
    assert code == 0, err
    assert "teacher: whisper" in err.replace(teacher, "whisper")
    assert "round-1: the teacher's states, 24 steps" in err
    first, last = small.measured(out, "round-1")
    assert last["loss"] == last["teacher_loss"]
    assert last["teacher_loss"] < first["teacher_loss"]
    assert "masked_accuracy" not in last
    assert not [k for k in load_file(out / "model.safetensors") if "teacher" in k or "pooled" in k]
    card = (out / "README.md").read_text()
    assert f"- teacher: {teacher}, whisper, layers " in card
    assert "on a canvas of 0.5 s; weights 1 of its frames, 1 of their mean and deviation over time, 1 of the" in card
    assert "the licence of the teacher" in card
    assert json.loads((out / "encoder.json").read_text())["teacher"].startswith(teacher)
    assert load_encoder(str(out))[0].family == "wav2vec2"


def test_the_teacher_beside_what_is_predicted_of_hidden_frames(teacher, two_tones, tmp_path):
    """And its states, once computed, are read by whoever asks again."""
    settings = {"objective.rounds": [{"targets": "mfcc", "clusters": 4, "steps": 2}], "train.measures": 1}
    given = {"teacher": teacher, "overrides": settings | {"teacher.crops": 12, "teacher.layers": [0, 1]}}
    out = small.pretrain(two_tones, tmp_path / "one", **given)
    (row,) = small.measured(out, "round-1")
    assert {"masked_accuracy", "guess", "texture_error", "teacher_loss"} <= row.keys()
    kept = sorted(tmp_path.glob("cache/audioft/states/*/*/*.safetensors"))
    assert len(kept) > 5
    other = small.pretrain(two_tones, tmp_path / "two", **given)
    assert sorted(tmp_path.glob("cache/audioft/states/*/*/*.safetensors")) == kept
    assert small.left_behind(other) == small.left_behind(out)


def test_killed_and_resumed_is_as_if_never_stopped(teacher, two_tones, tmp_path, monkeypatch):
    given = {"teacher": teacher, "overrides": ROUND}
    unbroken = small.pretrain(two_tones, tmp_path / "unbroken", **given)
    shutil.rmtree(tmp_path / "cache")
    save = Checkpoints.save

    def save_then_die(self, *arguments):
        save(self, *arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "save", save_then_die)
    with pytest.raises(KeyboardInterrupt):
        small.pretrain(two_tones, tmp_path / "resumed", **given)
    monkeypatch.setattr(Checkpoints, "save", save)
    some = sorted(tmp_path.glob("cache/audioft/states/*/*/*.safetensors"))
    for path in some[::2]:
        path.unlink()  # what is gone is computed again
    out = audioft.pretrain(out=tmp_path / "resumed", resume=True, console=Console(quiet=True))
    expected, found = small.left_behind(unbroken), small.left_behind(out)
    assert found.keys() == expected.keys()
    assert [k for k in expected if found[k] != expected[k]] == []


def test_a_student_that_is_gone_on_from(teacher, encoder_folder, two_tones, tmp_path):
    """Without a word of rounds, only the teacher is learnt."""
    start = str(encoder_folder("wav2vec2-stable"))
    config = resolve.settings(two_tones, start, overrides={"teacher.encoder": teacher})
    assert (config.encoder.start, config.teacher.encoder) == (start, teacher)
    out = small.pretrain(two_tones, tmp_path / "out", start=start, teacher=teacher, overrides=ROUND)
    before, after = (load_file(f"{folder}/model.safetensors") for folder in (start, out))
    assert before.keys() == after.keys()
    assert any(not before[k].equal(after[k]) for k in before)


def test_its_states_stay_within_their_limit(teacher, two_tones, tmp_path, monkeypatch):
    from audioft.core import disk_cache

    monkeypatch.setattr(disk_cache, "GRACE", -1.0)
    small.pretrain(two_tones, tmp_path / "out", teacher=teacher, overrides=ROUND | {"teacher.gigabytes": 1e-6})
    assert not list(tmp_path.glob("cache/audioft/states/*/*/*.safetensors"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("objective.rounds=[{targets: teacher}]",), "objective.rounds.0: there is no teacher; name one by --teacher"),
        (("teacher.pooled=2",), "teacher.pooled: there is no teacher; name one by --teacher, or teacher.encoder"),
        (("--teacher", "{}", "teacher.frames=0", "teacher.pooled=0"), "are all 0; set one, or no teacher"),
        (("--teacher", "{}", "teacher.likeness=1", "train.accumulate=2"), "set train.accumulate=1"),
        (("--teacher", "{}", "teacher.likeness=1", "train.batch_size=2"), "teacher.likeness: it compares crops of a"),
        (("--teacher", "{}", "teacher.layers=[0, 9]"), "teacher.layers: [9], but the teacher has the layers 0 to 3"),
        (("--teacher", "{}", "data.time_expansion=10"), "a student hears as its teacher does"),
        (("--teacher", "no/such folder"), "encoder 'no/such folder' cannot be loaded"),
    ],
)
def test_what_cannot_be(given, said, teacher, two_tones, tmp_path, audioft_command):
    asked = [g.replace("{}", teacher) for g in given]
    code, _, err = audioft_command(
        "pretrain", two_tones, *small.strings(small.BRIEF), *asked, "--out", tmp_path / "out"
    )
    assert code in (1, 2)
    assert said in err
    assert not (tmp_path / "out" / "config.json").exists()


def test_an_encoder_without_moments_cannot_teach(encoder_folder, two_tones, refused, tmp_path):
    teacher = encoder_folder("ast")
    said = ("are not one after the other in time",)
    refused("pretrain", two_tones, "--teacher", teacher, "--out", tmp_path / "out", code=1, said=said)


def test_states_that_are_not_numbers(teacher, two_tones, tmp_path, monkeypatch):
    import torch

    from audioft.errors import AudioftError

    monkeypatch.setattr(torch, "isfinite", lambda x: torch.zeros_like(x, dtype=torch.bool))
    with pytest.raises(AudioftError, match="the teacher gives numbers that are not finite"):
        small.pretrain(two_tones, tmp_path / "out", teacher=teacher, overrides=ROUND)
