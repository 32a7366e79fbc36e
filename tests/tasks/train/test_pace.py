"""How long a run would take, by how long an earlier one took; and what is said after the first steps of one."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import makers
import pytest
import torch

from audioft.configuration.config import Config
from audioft.core.progress import Console
from audioft.models.encoder import Preprocessing
from audioft.tasks.train import pace
from audioft.training import callbacks


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def parts(seconds=(2.0, 4.0, 30.0), epochs=10, freeze="none", device="cpu", valid=(5.0,), canvas=0.0, **other):
    """What of a run decides about its pace: clips are heard for 10 s at most."""
    config = Config(
        train={"epochs": epochs} | other.pop("train", {}),
        data={"max_seconds": 10.0, "workers": other.pop("workers", 2)},
        freeze=freeze,
        **other,
    )
    return SimpleNamespace(
        data=SimpleNamespace(seconds=lambda side: list(seconds) if side == "train" else list(valid)),
        config=config,
        processes=SimpleNamespace(device=torch.device(device), count=1),
        loaded=SimpleNamespace(name="mini"),
        precision="fp32",
        model=SimpleNamespace(
            encoder=SimpleNamespace(canvas_samples=round(canvas * 16000), preprocessing=Preprocessing())
        ),
    )


def cached(views=1, filled_anew=True):
    return SimpleNamespace(views=views, filled_anew=filled_anew)


def test_a_run_of_the_same_kind_takes_as_long_a_second_of_sound():
    pace.keep(parts(), None, filling=0, training=80, share=0.5)  # 10 epochs of 16 s, half of them
    assert pace.told(parts(), None)[0].startswith("time: about 3 min to train")
    assert pace.told(parts(epochs=40), None)[0].startswith("time: about 11 min to train")
    assert pace.told(parts(seconds=(160.0,) * 10), None)[0].startswith("time: about 17 min to train")
    for other in (parts(freeze="all"), parts(device="meta")):
        assert pace.told(other, None) == []
    assert pace.told(parts(), cached()) == []


@pytest.mark.parametrize(
    "other",
    [
        {"train": {"batch_size": 32}},
        {"train": {"batch_seconds": 60.0}},
        {"train": {"accumulate": 4}},
        {"workers": 0},
        {"augment": [{"name": "noise", "p": 0.5}]},
        {"augment": [{"name": "noise", "p": 1.0}]},
        {"mixup": {"name": "mixup"}},
        {"latent": {}},
    ],
    ids=str,
)
def test_what_makes_a_step_slower_is_another_kind(other):
    pace.keep(parts(), None, filling=0, training=80, share=0.5)
    assert pace.told(parts(**other), None) == []
    pace.keep(parts(**other), None, filling=0, training=800, share=0.5)
    assert pace.told(parts(**other), None)[0].startswith("time: about 27 min to train")
    assert pace.told(parts(), None)[0].startswith("time: about 3 min to train")


def test_what_is_frozen_is_computed_once():
    pace.keep(parts(), cached(), filling=210, training=16, share=1.0)  # 10 s of a second; a tenth a second an epoch
    assert pace.told(parts(), cached())[0].startswith("time: about 4 min")
    assert pace.told(parts(), cached(views=4))[0].startswith("time: about 12 min")
    pace.keep(parts(), cached(filled_anew=False), filling=2, training=16, share=1.0)
    assert pace.told(parts(), cached())[0].startswith("time: about 4 min"), "what was there was not computed"


def test_on_a_canvas_it_is_clips_that_take_time_whatever_their_length():
    short, half = {"seconds": (0.5,) * 4, "canvas": 30.0}, {"seconds": (10.0,) * 8, "canvas": 30.0}
    pace.keep(parts(**short), None, filling=0, training=400, share=1.0)  # 40 clips in 400 s
    assert pace.told(parts(**short), None)[0].startswith("time: about 7 min to train")
    assert pace.told(parts(**half), None)[0].startswith("time: about 13 min to train")
    assert pace.told(parts(seconds=(0.5,) * 4), None) == [], "of another encoder, or by an older table"


def test_what_took_no_time_says_nothing_of_what_takes_long():
    pace.keep(parts(), None, filling=0, training=0.5, share=1.0)
    pace.keep(parts(), None, filling=0, training=50, share=0.0)
    assert pace.told(parts(), None) == []
    assert not pace.place().exists()


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[1]", b"\xff\xfe", b'{"version": 9, "pace": {}}', b'{"version": 1, "pace": [1]}', b"[" * 100000],
)
def test_a_damaged_table_is_no_table(damage):
    pace.keep(parts(), None, filling=0, training=80, share=1.0)
    pace.place().write_bytes(damage)
    assert pace.told(parts(), None) == []
    pace.keep(parts(), None, filling=0, training=80, share=1.0)
    assert len(pace.told(parts(), None)) == 1


@pytest.mark.parametrize("value", [-1, 0, "x", None, True, {"a": 1}, 1e400])
def test_a_damaged_entry_is_none_and_the_others_stay(value):
    for freeze in ("none", "all"):
        pace.keep(parts(freeze=freeze), None, filling=0, training=80, share=1.0)
    table = json.loads(pace.place().read_text())
    table["pace"][next(iter(table["pace"]))]["training"] = value
    pace.place().write_text(json.dumps(table))
    assert pace.told(parts(), None) == []
    assert len(pace.told(parts(freeze="all"), None)) == 1


def test_where_nothing_can_be_written_nothing_is_said(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    pace.keep(parts(), None, filling=0, training=80, share=1.0)
    assert pace.told(parts(), None) == []


def test_the_table_stays_small():
    for i in range(pace.MOST + 5):
        pace.keep(parts(freeze=str(i)), None, filling=0, training=80, share=1.0)
    assert len(json.loads(pace.place().read_text())["pace"]) == pace.MOST
    assert pace.told(parts(freeze="0"), None) == []
    assert len(pace.told(parts(freeze=str(pace.MOST)), None)) == 1


def test_a_dry_run_tells_it_once_a_run_was(audioft_command, two_tones, small_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(pace, "LEAST", 0.0)
    call = ("train", two_tones, "--encoder", small_encoder, *makers.QUICK_ARGUMENTS)
    assert "time:" not in audioft_command(*call, "--dry-run")[1]
    assert audioft_command(*call, "--out", tmp_path / "run")[0] == 0
    assert "time: under a minute to train, by an earlier run with" in audioft_command(*call, "--dry-run")[1]


@pytest.mark.parametrize(
    ("each", "total", "said"),
    [
        (1.0, 1000, "training: about 16 min to go by the first 11 steps, validation aside\n"),
        (60.0, 100, "training: about 1 h 35 min to go by the first 4 steps, validation aside\n"),
        (0.01, 100000, "training: about 17 min to go by the first 201 steps, validation aside\n"),
        (1.0, 50, ""),
        (60.0, 3, ""),
    ],
)
def test_after_the_first_steps_it_is_told_how_long_all_will_take(each, total, said, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(callbacks.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    watching = callbacks.Watching(Console(stream=stream), total)
    now[0] += 100.0  # the first step, which loads and compiles
    for step in range(1, min(total, 300) + 1):
        watching.step(step, total, "")
        now[0] += each
    told = [line for line in stream.getvalue().splitlines(keepends=True) if "to go" in line]
    assert "".join(told) == said
