"""A run on few examples: the whole run folder from one pass, read by the other verbs, and what it refuses."""

from __future__ import annotations

import csv
import json
import re

import makers
import numpy as np
import pytest
import torch
import yaml

import audioft
from audioft.errors import ConfigError
from audioft.evaluation.recording_embeddings import pooled
from audioft.models import folder as model_folder

FAST = ("data.workers=0", "evaluate.resamples=20")


@pytest.fixture(scope="module")
def few(two_tones, small_encoder, tmp_path_factory):
    """A few-shot run on `two_tones`; not to be changed."""
    out = tmp_path_factory.mktemp("few") / "tones"
    return audioft.finetune(two_tones, encoder=str(small_encoder), out=out, overrides=FAST, few_shot=True,
                            console=audioft.Console(quiet=True))  # fmt: skip


def call(command, data, encoder, out, *more):
    return command("train", data, "--few-shot", "--encoder", encoder, "--out", out, *FAST, *more)


def test_the_run_folder_is_that_of_a_trained_run(audioft_command, two_tones, small_encoder, tmp_path, trained):
    out = tmp_path / "run"
    code, printed, said = call(audioft_command, two_tones, small_encoder, out)
    assert (code, printed.strip()) == (0, str(out))
    names = {p.name for p in trained.folder.iterdir()} - {"checkpoints", "metrics.jsonl", "tensorboard", "chosen.json"}
    assert {p.name for p in out.iterdir()} == names
    assert re.search(r"8 clips left out one by one: [\d.]+% of them labelled right", said)
    assert "parameters: 0 of" in said
    with open(out / "manifest.csv", encoding="utf-8") as f:
        sides = [row["split"] for row in csv.DictReader(f)]
    assert {s: sides.count(s) for s in set(sides)} == {"train": 8, "valid": 2, "test": 2}
    card = json.loads((out / "model" / "audioft.json").read_text(encoding="utf-8"))
    assert card["head"] == "prototype"
    assert card["trained_on"]["clips"] == {"train": 8, "valid": 2, "test": 2}
    assert "best_epoch" not in card["trained_on"]
    assert "prototypes" in (out / "model" / "README.md").read_text(encoding="utf-8")


def test_predict_and_evaluate_read_it(few, two_tones, audioft_command):
    report = audioft.evaluate(few, two_tones, side="all", console=audioft.Console(quiet=True))
    assert report.figures["accuracy"] == 1  # two pitches, far apart
    right = [p.label == p.path.split("/")[-2] for p in audioft.predict(few, two_tones)]
    assert (len(right), all(right)) == (12, True)
    code, printed, _ = audioft_command("predict", few.folder, two_tones / "low" / "low_00.wav")
    assert (code, printed.splitlines()[1].split(",")[1]) == (0, "low")


def test_the_prototypes_are_the_mean_directions_of_the_train_side(few):
    model, card = model_folder.load(few.model)
    with open(few.folder / "manifest.csv", encoding="utf-8") as f:
        rows = [row for row in csv.DictReader(f) if row["split"] == "train"]
    root = few.config.data.source
    clips = [makers.clip(f"{root}/{row['path']}") for row in rows]
    x, failures = pooled(model, clips, window=card.window)
    assert not failures
    z = x - x.mean(0)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    for c, label in enumerate(card.labels):
        mean = z[[row["label"] == label for row in rows]].mean(0)
        assert model.head.prototypes[c].numpy() == pytest.approx(mean / np.linalg.norm(mean), abs=1e-4)


def test_the_config_alone_gives_the_same_run_again(few, tmp_path):
    again = audioft.finetune(config=few.folder / "config.yaml", out=tmp_path / "again",
                             console=audioft.Console(quiet=True))  # fmt: skip
    for file in ("model/model.safetensors", "predictions.csv", "report.json", "config.yaml"):
        assert (again.folder / file).read_bytes() == (few.folder / file).read_bytes()
    config = yaml.safe_load((few.folder / "config.yaml").read_text(encoding="utf-8"))
    assert (config["freeze"], config["model"]["head"]) == ("all", "prototype")


def test_the_encoder_is_left_as_it_is(few, small_encoder):
    from safetensors.torch import load_file

    before = load_file(small_encoder / "model.safetensors")
    after = load_file(few.model / "encoder" / "model.safetensors")
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_several_labels_a_clip(audioft_command, chords, small_encoder, tmp_path):
    code, _, said = call(audioft_command, chords, small_encoder, tmp_path / "run")
    assert code == 0, said
    run = audioft.Run(tmp_path / "run")
    model, card = model_folder.load(run.model)
    assert card.multilabel
    assert card.thresholds is not None
    assert len(set(model.head.offset.tolist())) == 3
    assert run.report.main == "map"


def test_a_finished_run_is_not_replaced_unasked_and_an_interrupted_one_begins_again(
    audioft_command, two_tones, small_encoder, tmp_path, few
):
    import shutil

    out = tmp_path / "run"
    shutil.copytree(few.folder, out)
    code, _, said = call(audioft_command, two_tones, small_encoder, out)
    assert (code, "already holds a run" in said) == (2, True)
    weights = (out / "model" / "model.safetensors").read_bytes()
    for name in ("model", "report.json"):  # as it is left before the pass has ended
        shutil.rmtree(out / name) if (out / name).is_dir() else (out / name).unlink()
    for more in ((), ("--resume",), ("--overwrite",)):
        code, _, said = call(audioft_command, two_tones, small_encoder, out, *more)
        assert code == 0, said
        assert (out / "model" / "model.safetensors").read_bytes() == weights
        shutil.rmtree(out / "model")
    code, _, said = audioft_command("train", two_tones, "--encoder", small_encoder, "--out", out, "--resume", *FAST,
                                    "model.head=linear")  # fmt: skip
    assert code == 1
    assert "model.head: was prototype, is linear" in said


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("train.epochs=3", "train.lr=1"), ("train.epochs: 3 has nothing to act on", "train.lr")),
        (("augment=[{name: gain}]",), ("augment: [{name: gain}] has nothing to act on",)),
        (("mixup={p: 0.5}",), ("mixup: {p: 0.5} has nothing to act on",)),
        (("freeze=none",), ("freeze: none, but",)),
        (("model.pooling=attentive_stats",), ("'attentive_stats' has weights to be trained", "take mean")),
        (("events.use=frames",), ("events.use: frames need a head that is trained",)),
        (("adapt.name=lora",), ("adapt: {name: lora} has nothing to act on", "nothing is trained; leave it out")),
        (("model.head=linear",), ("model.head: linear is trained, and --few-shot trains nothing",)),
        (("encoder.dropout=0.1",), ("encoder.dropout: 0.1 has nothing",)),
    ],
)
def test_what_would_act_on_nothing_is_refused(settings, said, refused, two_tones, small_encoder, tmp_path):
    err = refused("train", two_tones, "--few-shot", "--encoder", small_encoder, "--out", tmp_path / "out", *settings,
                  code=2, said=said)  # fmt: skip
    assert ("freeze" in err) == ("freeze" in settings[0]), "of no other setting is it the reason"
    assert not (tmp_path / "out").exists()


def test_the_head_alone_says_how_it_is_meant():
    with pytest.raises(ConfigError, match="add --few-shot, or freeze=all"):
        audioft.settings(overrides=["model.head=prototype"])
    found = audioft.settings(overrides=["model.head.centre=false"], few_shot=True)
    assert found.model.head == {"name": "prototype", "centre": False}
    assert audioft.settings(config=found, few_shot=True) == found


def test_a_label_whose_clips_all_break_off_is_told(two_tones, small_encoder, tmp_path, monkeypatch):
    from audioft.errors import AudioError, DataError
    from audioft.tasks.train import few_shot_run

    def broken(model, clips, **how):
        x, _ = pooled(model, clips, **how)
        return x, {i: AudioError(c.path, "decode", "it ends") for i, c in enumerate(clips) if "low" in c.name}

    monkeypatch.setattr(few_shot_run, "pooled", broken)
    with pytest.raises(DataError, match=r"no training clip of 'low' can be used: .*it ends"):
        audioft.finetune(two_tones, encoder=str(small_encoder), out=tmp_path / "run", overrides=FAST, few_shot=True,
                         console=audioft.Console(quiet=True))  # fmt: skip


def test_a_dry_run_says_that_nothing_trains(audioft_command, two_tones, small_encoder):
    call = ("train", two_tones, "--few-shot", "--dry-run", "--encoder", small_encoder)
    code, printed, said = audioft_command(*call, "--settings")
    assert code == 0
    assert "head: prototype" in printed
    assert "steps: none" in said
    assert re.search(r"head +\d+ +is fitted", said)
    code, printed, _ = audioft_command(*call)
    assert code == 0
    assert printed.startswith(said)
    assert "    head: prototype\n" in printed[len(said) :]
    assert "memory" not in printed, "nothing trains"


def test_a_vector_is_what_the_head_sees_and_of_windows_their_mean(two_tones, few, tmp_path):
    import soundfile

    from audioft.data.batching import pad
    from audioft.evaluation.scoring import preparation

    model, _ = model_folder.load(few.model)
    path = makers.tone(tmp_path / "long.wav", 500, 1.0)
    x, failures = pooled(model, [makers.clip(path), makers.clip(tmp_path / "none.wav")], window=0.5)
    samples, _ = soundfile.read(path, dtype="float32")
    halves = [preparation(model)(h) for h in (samples[:8000], samples[8000:])]
    with torch.inference_mode():
        expected = model.embed(*pad(halves)).mean(0).numpy()
    assert x[0] == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert list(failures) == [1]
    assert np.isnan(x[1]).all()
