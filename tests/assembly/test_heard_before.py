"""Data that a model gone on from has heard keeps its sides, or what is wrong with the figures is said everywhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import makers
import pytest
import tiny

import audioft
from audioft.assembly import recordings, starting_model
from audioft.assembly.resolve import settings
from audioft.assembly.run_beginning import prepare
from audioft.data import manifest
from audioft.data.inputs import digest
from audioft.evaluation.probe_data import probe_task
from audioft.models import heard
from audioft.models.encoder import Encoder, Preprocessing
from audioft.models.heard import Heard
from audioft.tasks.pretrain import resolve as pretraining
from audioft.tasks.pretrain.parts import Parts, heard_of_probes
from audioft.tasks.pretrain.recordings import survey
from audioft.tasks.train import training_run

FROM = makers.QUICK | {"train.lr": 1e-6}


@pytest.fixture(scope="module")
def more(two_tones, tmp_path_factory) -> Path:
    """What `trained` was trained on under other names, with as many recordings that are new to it."""
    folder = makers.tones(tmp_path_factory.mktemp("more") / "tones", each=6, seed=50)
    for old in two_tones.rglob("*.wav"):
        shutil.copy(old, folder / old.parent.name / f"renamed_{old.name}")
    return folder


@pytest.fixture(scope="module")
def given(two_tones, tmp_path_factory) -> Path:
    """The recordings of `two_tones` under a split of their own, half of them tested on."""
    folder = tmp_path_factory.mktemp("given") / "tones"
    for old in sorted(two_tones.rglob("*.wav")):
        side = ("train", "train", "valid", "test", "test", "test")[int(old.stem[-2:])]
        (folder / side / old.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(old, folder / side / old.parent.name)
    return folder


def loaded(data, capsys, headers_only=False, **how):
    config = settings(data, **how)
    capsys.readouterr()
    start = starting_model.load(config)
    return recordings.load(config, audioft.Console(), start=start, headers_only=headers_only), capsys.readouterr().err


def sides(data: recordings.Data) -> dict[str, str]:
    return {c.name: s for c, s in zip(data.manifest.clips, data.split.sides(24), strict=True)}


@pytest.mark.parametrize("headers_only", [False, True])
@pytest.mark.parametrize("way", ["start", "encoder"])
def test_clips_keep_the_side_that_the_model_knows_them_from(trained, more, capsys, way, headers_only):
    name = trained.folder if way == "start" else str(trained.model)
    data, said = loaded(more, capsys, headers_only, **{way: name}, overrides={"data.test": 0.25})
    old = heard.of_folder(trained.model)
    kept = [(k.digest, s) for k, s in zip(data.checked, data.split.sides(24), strict=True)]
    known = dict.fromkeys(recordings.SIDES, 0)
    for found, side in kept:
        was = old.side(found, "")
        assert was in ("", side)
        known[side] += bool(was)
    assert known == {"train": 8, "valid": 2, "test": 2}
    assert len(data.side("test")) == 6
    assert "(train 8, valid 2, test 2); 12 are new to it" in said
    assert "too good" not in said
    anew, said = loaded(more, capsys, **{way: name}, overrides={"data.test": 0.25, "start.keep_sides": False})
    assert sides(anew) != sides(data)
    assert "test clips were trained on by" in said


def test_what_nobody_has_heard_is_split_as_ever(trained, small_encoder, tmp_path, capsys):
    new = makers.tones(tmp_path / "new", each=12, seed=200)
    one, _ = loaded(new, capsys, encoder=str(small_encoder))
    other, said = loaded(new, capsys, start=trained.folder)
    assert sides(one) == sides(other)
    assert "keep" not in said
    assert "too good" not in said


def test_new_recordings_of_a_group_keep_its_side(small_encoder, tmp_path, capsys):
    def table(name: str, seed: int, column: str) -> Path:
        folder = makers.tones(tmp_path / name, each=12, seed=seed)
        rows = [f"{label}/{label}_{i:02d}.wav,{label},s{i % 6}" for label in ("high", "low") for i in range(12)]
        (folder / "metadata.csv").write_text("\n".join([f"file_name,label,{column}", *rows, ""]))
        return folder

    shutil.copytree(small_encoder, tmp_path / "encoder")
    first, _ = loaded(table("first", 0, "speaker"), capsys, encoder=str(small_encoder))
    first.heard().write(tmp_path / "encoder" / heard.FILE)
    how = {"encoder": str(tmp_path / "encoder"), "overrides": {"seed": 3}}
    second, said = loaded(table("second", 300, "speaker"), capsys, **how)
    assert sides(second) == sides(first)
    assert "0 are new to it" in said
    assert "too good" not in said
    _, said = loaded(table("third", 300, "source"), capsys, **how)  # another column's s1 is somebody else
    assert "keep" not in said
    assert "too good" not in said


def test_a_model_that_does_not_tell_is_noted(trained, more, tmp_path, capsys):
    shutil.copytree(trained.model, tmp_path / "old")
    (tmp_path / "old" / heard.FILE).unlink()
    (tmp_path / "old" / "hashes.json").unlink()
    _, said = loaded(more, capsys, start=tmp_path / "old")
    assert f"note: what {tmp_path / 'old'} was trained on is not known" in said


def test_pretraining_moves_no_clips_and_is_told(small_encoder, two_tones, tmp_path, capsys):
    shutil.copytree(small_encoder, tmp_path / "encoder")
    free, _ = loaded(two_tones, capsys, encoder=str(small_encoder))
    Heard.unlabelled(k.digest for k in free.checked).write(tmp_path / "encoder" / heard.FILE)
    data, said = loaded(two_tones, capsys, encoder=str(tmp_path / "encoder"))
    assert data.split.sides(12) == free.split.sides(12)
    assert f"2 of 2 test clips were heard in the pretraining of {tmp_path / 'encoder'}, without labels" in said
    assert data.heard().pretrained == heard.read(tmp_path / "encoder" / heard.FILE).pretrained


def test_a_learning_curve_tells_it_with_its_figures(trained, given, audioft_command):
    old = heard.of_folder(trained.model)
    again = sum(old.recordings.get(digest(p)) == "train" for p in (given / "test").rglob("*.wav"))
    told = f"{again} of 6 test clips were trained on by {trained.model}: the figures are too good"
    how = ("--encoder", trained.model, "--draws", 2, "--shots", 1, "data.workers=0", "--no-cache")
    code, out, err = audioft_command("learning-curve", given, *how)
    assert code == 0, err
    assert told in out
    assert f"note: {told}" in err


def test_a_probe_of_what_is_pretrained_on_is_told(two_tones, tmp_path):
    encoder = Encoder(tiny.make_model("wav2vec2-stable"), Preprocessing(), name="tiny")
    task = probe_task(manifest.load(two_tones), "tones", encoder, clips=8, seconds=0.2, seed=0)
    config = pretraining.settings([two_tones / "high"], overrides={"data.held_out": 0.5})
    data = survey(config, encoder.hearing, audioft.Console(quiet=True), tmp_path / "bad.csv")
    parts = Parts(config, data, [task], None, "fp32", audioft.Console(quiet=True), tmp_path)
    learnt = {data.digests[i][:16] for i in data.learnt}
    heard_of = sum(digest(c.path) in learnt for c in task.clips)
    assert 0 < heard_of < 8
    (note,) = heard_of_probes(parts)
    assert note.startswith(f"{heard_of} of 8 clips that probe_tones tests on were heard in the pretraining")


@pytest.mark.parametrize("few_shot", [False, True])
def test_a_given_split_is_kept_and_the_note_stands_everywhere(trained, given, tmp_path, capsys, few_shot):
    how = {k: v for k, v in FROM.items() if few_shot is False or not k.startswith("train.")}
    run = audioft.finetune(given, start=trained.folder, out=tmp_path / "run", few_shot=few_shot, overrides=how)
    old = heard.of_folder(trained.model)
    again = sum(old.recordings.get(digest(p)) == "train" for p in (given / "test").rglob("*.wav"))
    assert again
    told = f"{again} of 6 test clips were trained on by {trained.folder}: the figures are too good"
    assert f"note: {told}" in capsys.readouterr().err
    assert told in run.report.notes
    for name in ("report.html", "model/README.md"):
        page = " ".join((run.folder / name).read_text(encoding="utf-8").split())
        assert "test clips were trained on by" in page
    both = heard.of_folder(run.model)
    assert set(both.recordings) == set(old.recordings)
    trained_on = {k for k, v in both.recordings.items() if v == "train"}
    assert trained_on > {k for k, v in old.recordings.items() if v == "train"}
    assert trained_on >= {digest(p) for p in (given / "train").rglob("*.wav")}


def test_a_run_begun_before_sides_were_kept_goes_on(trained, more, tmp_path, monkeypatch):
    out, how = tmp_path / "run", FROM | {"start.keep_sides": False}

    def as_older(folder, config, **given):
        prepare(folder, config, **given)
        text = (folder / "config.yaml").read_text(encoding="utf-8")
        assert "  keep_sides: false\n" in text
        (folder / "config.yaml").write_text(text.replace("  keep_sides: false\n", ""), encoding="utf-8")

    with monkeypatch.context() as patched:
        patched.setattr(training_run, "prepare", as_older)
        audioft.finetune(more, start=trained.folder, out=out, overrides=how, console=audioft.Console(quiet=True))
    table = (out / "manifest.csv").read_bytes()
    for given in ({}, {"data": more, "start": trained.folder, "overrides": FROM}):
        audioft.finetune(**given, out=out, resume=True, console=audioft.Console(quiet=True))
        assert (out / "manifest.csv").read_bytes() == table
