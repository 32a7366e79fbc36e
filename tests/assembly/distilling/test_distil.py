"""Distilling a classifier: a student of a teacher's layers and others, with and without labels, killed and resumed."""

from __future__ import annotations

import csv
import json
import shutil

import makers
import pytest
import soundfile
import tiny
import torch
from safetensors.torch import load_file

from audioft.assembly.distilling.distil import distil
from audioft.assembly.distilling.settings import Distilling
from audioft.core.progress import Console
from audioft.errors import AudioftError, CheckpointError, ConfigError, UsageError
from audioft.models import folder as model_folder
from audioft.models import heard
from audioft.training.checkpoint import Checkpoints

BRIEF = {
    "train.epochs": 2,
    "train.batch_size": 4,
    "train.log_every": 1,
    "train.precision": "fp32",
    "train.device": "cpu",
    "data.workers": 0,
    "evaluate.resamples": 50,
}
FEW = Distilling(views=2)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "audioft" / "states"


def run(teacher, student, data, out, *, how=FEW, unlabelled=(), console=None, **options):
    settings = BRIEF | options.pop("overrides", {})
    console = console or Console(quiet=True)
    return distil(teacher, student, data, unlabelled, out, how=how, overrides=settings, console=console, **options)


def test_every_kth_layer_of_the_teacher(trained, two_tones, tmp_path, cache):
    teacher, _ = model_folder.load(trained.model)
    place = run(trained.folder, {"layers": 1}, two_tones, tmp_path / "out")
    model, card = model_folder.load(place)
    assert place == tmp_path / "out" / "model"
    assert (model.encoder.num_layers, teacher.encoder.num_layers > 1) == (1, True)
    assert card.labels == ("high", "low")
    assert card.trained_on["teacher"] == trained.folder.name
    assert "valid" in card.measured
    assert list(cache.glob("*/*/*.safetensors"))
    told = (place / "README.md").read_text()
    assert "probabilities at temperature 2 (weight 1), states (0.3), beside the labels (0.3)" in told
    before = load_file(tmp_path / "out" / "student" / "model" / "model.safetensors")
    after = load_file(place / "model.safetensors")
    assert before.keys() == after.keys()  # nothing of the heads that learnt the states
    assert any(not torch.equal(before[k], after[k]) for k in before)
    own, theirs = heard.of_folder(place), heard.of_folder(trained.model)
    tested = {k for k, side in theirs.recordings.items() if side == "test"}
    assert {k for k, side in own.recordings.items() if side == "train"}.isdisjoint(tested)


def test_recordings_without_labels_and_another_encoder(trained, two_tones, small_encoder, tmp_path, capsys):
    for i in range(5):
        makers.tone(tmp_path / "more" / f"{i}.wav", 500 + 50 * i)
    out = run(
        trained.model,
        {"encoder": str(small_encoder)},
        two_tones,
        tmp_path / "out",
        unlabelled=[tmp_path / "more", two_tones],
        console=Console(),
    )
    said = capsys.readouterr().err
    assert "5 without labels" in said
    assert "12 recordings without labels left out: among the labelled ones, or tested on" in said
    assert "starting from the probe: fitted to" in said
    assert model_folder.load(out)[0].spec["layers"] == "weighted"


def test_what_the_teacher_was_tested_on_is_tested_on(trained, two_tones, tmp_path):
    """Also of one that was fitted to all else, which leaves nothing to validate on but its own."""
    teacher = shutil.copytree(trained.model, tmp_path / "teacher")
    rows = [line.split(",") for line in (teacher / "heard.csv").read_text().splitlines()]
    recordings = [r for r in rows[1:] if r[0] == "recording"]
    for i, row in enumerate(recordings):
        row[2] = "test" if i % 4 == 0 else "train"
    (teacher / "heard.csv").write_text("\n".join(",".join(r) for r in [rows[0], *recordings]) + "\n")
    (teacher / "hashes.json").unlink()
    place = run(teacher, 1, two_tones, tmp_path / "out", unlabelled=[two_tones], overrides={"train.epochs": 1})
    own = heard.of_folder(place).recordings
    tested = {r[1] for r in recordings if r[2] == "test"}
    assert {k for k, side in own.items() if side == "test"} == tested
    assert len(tested) == 3
    table = csv.DictReader((tmp_path / "out" / "manifest.csv").open(encoding="utf-8"))
    assert {line["split"] for line in table} == {"train", "valid", "test"}


def test_a_teacher_of_several_labels_and_a_student_that_is_a_model(trained_several, chords, tmp_path):
    out = run(trained_several.model, {"model": str(trained_several.model)}, chords, tmp_path / "out")
    model, card = model_folder.load(out)
    assert card.multilabel
    assert card.thresholds is not None
    assert model.spec == model_folder.load(trained_several.model)[0].spec


def test_an_ensemble_teaches_its_probabilities(trained, two_tones, small_encoder, tmp_path):
    import audioft

    shutil.copytree(trained.model, tmp_path / "twin")
    members = [trained.model, tmp_path / "twin"]
    joined = audioft.ensemble(members, out=tmp_path / "joined", console=Console(quiet=True))
    out = run(joined, {"encoder": str(small_encoder)}, two_tones, tmp_path / "out")
    assert model_folder.load(out)[1].labels == ("high", "low")
    with pytest.raises(ConfigError, match="joined into one, and has no layers of its own"):
        run(joined, 2, two_tones, tmp_path / "other")


def test_killed_and_resumed_is_as_if_never_stopped(trained, two_tones, tmp_path, monkeypatch, cache):
    settings = {"train.save_steps": 1, "mixup": {"p": 0.5}, "augment": [{"name": "gain", "p": 0.7}]}
    unbroken = run(trained.folder, 1, two_tones, tmp_path / "a", overrides=settings)
    shutil.rmtree(cache)
    save, left = Checkpoints.save, [2]

    def save_then_die(self, *arguments):
        save(self, *arguments)
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoints, "save", save_then_die)
    with pytest.raises(KeyboardInterrupt):
        run(trained.folder, 1, two_tones, tmp_path / "b", overrides=settings)
    monkeypatch.setattr(Checkpoints, "save", save)
    assert not (tmp_path / "b" / "model").exists()
    with pytest.raises(CheckpointError, match=r"temperature: was 2\.0, is 4\.0"):
        run(trained.folder, 1, two_tones, tmp_path / "b", overrides=settings, how=Distilling(4.0, views=2), resume=True)
    resumed = run(trained.folder, 1, two_tones, tmp_path / "b", overrides=settings, resume=True)
    for name in ("model.safetensors", "audioft.json"):
        ours, theirs = ((m / name).read_bytes() for m in (resumed, unbroken))
        assert ours == theirs or json.loads(ours) == json.loads(theirs), name


def test_a_student_comes_nearer_to_its_teacher(trained, two_tones, tmp_path):
    clips = tiny.batch([torch.from_numpy(soundfile.read(p, dtype="float32")[0]) for p in two_tones.rglob("*.wav")])

    def probabilities(place):
        with torch.inference_mode():
            return model_folder.load(place)[0](*clips).softmax(-1)

    model, card = model_folder.load(trained.model)
    with torch.no_grad():
        model.head_parameters()[-1].add_(torch.tensor([2.0, -2.0]))  # it says one thing of everything
    model_folder.save(model, card, tmp_path / "begun", "# begun\n")
    settings = {"train.epochs": 8, "train.lr": 3e-3, "train.head_lr": 1e-2, "train.metric": "last"}
    how = Distilling(hard=0, states=0, views=1)
    student = {"model": str(tmp_path / "begun")}
    out = run(trained.folder, student, two_tones, tmp_path / "out", overrides=settings, how=how)
    wanted, begun, learnt = (probabilities(p) for p in (trained.model, tmp_path / "begun", out))
    assert (learnt - wanted).abs().mean() < 0.5 * (begun - wanted).abs().mean()


@pytest.mark.parametrize(
    ("student", "how", "said"),
    [
        ({"layers": 9}, {}, r"student\.layers: 9, but the teacher has 2"),
        ({"layer": 1}, {}, r"student: expected \{layers: N\}"),
        ({"layers": "two"}, {}, r"student\.layers: expected a whole number; found 'two'"),
        ({"layers": 1, "canvas": 2}, {}, r"student\.canvas: wav2vec2 has no canvas that can be shortened"),
        (1, {"pairs": ((1, 7),)}, r"distilling\.pairs: \[\(1, 7\)\], but the student has 1 layers"),
        ("no/such folder", {}, "no/such folder"),
    ],
)
def test_what_cannot_be(student, how, said, trained, two_tones, tmp_path):
    with pytest.raises(AudioftError, match=said):
        run(trained.folder, student, two_tones, tmp_path / "out", how=Distilling(views=2, **how))
    assert not (tmp_path / "out" / "model").exists()


def test_settings_out_of_range_are_told_together():
    with pytest.raises(ConfigError) as found:
        Distilling(temperature=0, soft=0, states=0, views=0, unlabelled=1)
    told = str(found.value)
    for key in ("temperature", "views", "unlabelled", "soft and states"):
        assert f"distilling.{key}" in told


def test_a_folder_that_holds_a_run(trained, two_tones, tmp_path):
    run(trained.folder, 1, two_tones, tmp_path / "out", overrides={"train.epochs": 1})
    with pytest.raises(UsageError, match="already holds a run"):
        run(trained.folder, 1, two_tones, tmp_path / "out")
    run(trained.folder, 1, two_tones, tmp_path / "out", overrides={"train.epochs": 1}, overwrite=True)
