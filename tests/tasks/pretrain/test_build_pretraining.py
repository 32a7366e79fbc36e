"""What a pretraining is made of: its rounds, its recordings held out, its masks and its probes."""

from __future__ import annotations

import os

import makers
import numpy as np
import pytest
import small_pretraining as small
import tiny
import torch

from audioft.data import manifest
from audioft.errors import DataError, ModelError
from audioft.evaluation.probe_data import names_of, probe_task
from audioft.models.encoder import Encoder, Preprocessing
from audioft.tasks.pretrain import recordings, resolve, round_targets, rounds
from audioft.tasks.pretrain.progress_chart import draw


def settings(*sources, **overrides):
    return resolve.settings(sources, overrides={k.replace("__", "."): v for k, v in overrides.items()})


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(tiny.make_model("wav2vec2-stable"), Preprocessing(), name="tiny")


def told(config, encoder) -> list[tuple]:
    plans = rounds.plan(config, encoder)
    return [(p.name, p.targets, p.clusters, p.layer, p.before) for p in plans]


def test_rounds_by_default(encoder):
    nothing = [("round-1", "mfcc", 100, None, None), ("round-2", "layer", 200, 2, "round-1/encoder")]
    assert told(settings("x"), encoder) == nothing
    assert told(settings("x", encoder__start="mini"), encoder) == [("round-1", "layer", 200, 2, None)]


def test_rounds_as_set(encoder):
    asked = [{"steps": 7}, {"targets": "layer", "layer": 3, "steps": 1}]
    first, second = rounds.plan(settings("x", objective__rounds=asked, train__measures=3), encoder)
    assert (first.measures, first.steps) == (3, 9)  # every measure after as many steps
    assert (second.measures, second.steps, second.layer) == (1, 1, 3)
    assert first.spell() == "100 clusters of MFCCs with their deltas, 9 steps"
    assert second.spell() == "100 clusters of the encoder's own layer 3, 1 steps"
    beyond = settings("x", encoder__start="mini", objective__rounds=[{"targets": "layer", "layer": 4}])
    with pytest.raises(ModelError, match=r"objective\.rounds\.0\.layer: 4, but the encoder has 3 layers"):
        rounds.plan(beyond, encoder)


@pytest.mark.parametrize(("share", "frames"), [(0.5, 10), (0.3, 4), (0.6, 2)])
def test_masks_hide_the_share_that_was_asked_for(encoder, share, frames):
    masking = round_targets.masking(settings("x", objective__mask=share, objective__mask_frames=frames))
    lengths = torch.full((200,), 3 * 16000)
    mask = masking.draw(encoder, lengths, [(0, i) for i in range(200)]).time
    assert mask is not None
    assert float(mask.float().mean()) == pytest.approx(share, rel=0.08)


def test_what_is_held_out_stays_held_out():
    names = [f"{i:x}" for i in range(200)]
    learnt, held_out = recordings._held_out(names, 0.1)
    assert len(held_out) == 20
    assert sorted(learnt + held_out) == list(range(200))
    _, more = recordings._held_out([*names, *(f"new {i}" for i in range(20))], 0.1)
    assert len(set(held_out) & set(more)) >= 16
    assert [len(x) for x in recordings._held_out(names[:5], 0.03)] == [4, 1]
    assert [len(x) for x in recordings._held_out(names[:3], 0.03)] == [3, 0]
    assert [len(x) for x in recordings._held_out(names, 0)] == [200, 0]


def table(folder, rows: list[str]):
    (folder / "metadata.csv").write_text("\n".join(["file_name,label,split", *rows]), encoding="utf-8")
    return folder


def read(source, encoder, clips=600, seconds=5.0):
    found = manifest.load(os.path.expandvars(source))
    return probe_task(found, str(source), encoder, clips=clips, seconds=seconds, seed=0)


def test_a_probe_takes_the_split_that_is_given(two_tones, encoder, tmp_path):
    import shutil

    folder = tmp_path / "birds"
    shutil.copytree(two_tones, folder)
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.wav"))
    sides = ["train", "train", "train", "test", "valid", "test"] * 2
    table(folder, [f"{n},{n.split('/')[0]},{s}" for n, s in zip(names, sides, strict=True)])
    (folder / names[3]).write_bytes(b"RIFF nothing")  # what cannot be read is not measured on
    task = read(folder, encoder, seconds=0.2)
    assert (task.name, len(task.waveforms)) == ("birds", 11)
    assert {len(w) for w in task.waveforms} == {3200}
    ((learn, test),) = task.splits
    assert (learn.sum(), test.sum()) == (6, 3)
    found = task.measure(encoder)
    assert (found.clips, found.labels, found.chance) == (3, 2, pytest.approx(6 / 11))
    table(folder, [f"{n},{n.split('/')[0]},{'test' if 'low' in n else 'train'}" for n in names])
    with pytest.raises(DataError, match="birds: nothing to probe on: fewer than two labels among the clips to learn"):
        read(folder, encoder)


def test_a_probe_makes_folds_of_what_has_no_split(two_tones, encoder, monkeypatch):
    monkeypatch.setenv("PLACE", str(two_tones.parent))
    task = read(f"$PLACE/{two_tones.name}", encoder)
    assert len(task.splits) == 5
    few = read(two_tones, encoder, clips=10)
    assert len(few.waveforms) == 10
    again = read(two_tones, encoder, clips=10)
    assert all(torch.equal(a, b) for a, b in zip(few.waveforms, again.waveforms, strict=True))
    assert np.array_equal(few.labels, again.labels)


def test_probes_of_one_name_are_numbered(encoder, tmp_path):
    places = [makers.tones(tmp_path / x / "test", each=2) for x in ("a", "b")]
    assert names_of([str(p) for p in places]) == ["test-1", "test-2"]
    assert names_of([str(places[0])]) == [read(places[0], encoder).name] == ["test"]


def test_the_picture(tmp_path):
    row = {"kind": "valid", "masked_accuracy": 0.5, "guess": 0.2}
    path = tmp_path / "p.png"
    assert not draw(path, [("round-1", [{"kind": "train", "step": 1}])], {})
    assert not path.exists()
    first = [{**row, "step": s, "probe_a": 0.3} for s in (5, 10)]
    second = [{**row, "step": 5, "probe_a": None, "guess": None}, {**row, "step": 10, "probe_b": 0.9}]
    assert draw(path, [("round-1", first[:1]), ("round-2", [])], {})
    assert draw(path, [("round-1", first), ("round-2", second)], {"probe_a": 0.1})
    assert path.stat().st_size > 5000


def test_the_brief_settings_are_well():
    """So that a test which is refused is refused for its own reason."""
    assert small.BRIEF["objective.rounds"] == [
        r.model_dump(exclude_unset=True) for r in settings("x", **small.BRIEF).objective.rounds
    ]
