"""A run begins with the probe: a new head is the linear classifier of frozen features, and counts as epoch 0."""

from __future__ import annotations

import json

import makers
import numpy as np
import pytest
import tiny
import torch

import audioft
from audioft.configuration import config as configs
from audioft.data import manifest as manifests
from audioft.evaluation import choosing, linear
from audioft.evaluation.linear import Labels
from audioft.evaluation.recording_embeddings import pooled
from audioft.models import folder
from audioft.training.trainer import Trainer

#: Rates that spoil whatever there was, so that what the run began with is kept.
PROBE = makers.QUICK | {"model.start": "probe", "model.pooling": "own", "freeze": "feature_extractor"}
RUINOUS = {"train.metric": None, "train.lr": 10.0, "train.head_lr": 10.0, "train.clip_norm": 0, "train.batch_size": 2}


def begun(data, encoder, out, **overrides):
    """A run that training only harms, its model, and what was said."""
    own = {k.replace("__", "."): v for k, v in overrides.items()}
    settings = PROBE | RUINOUS | {"data.max_seconds": 2} | own
    run = audioft.finetune(data, encoder=str(encoder), out=out, overrides=settings)
    return run, folder.load(run.model)[0]


def refitted(data, run, model, several=False):
    """The probe that the run ends with, fitted here to what the model's own encoder says of both sides but the test."""
    sides, found = manifests.saved(run.folder / "manifest.csv"), manifests.load(str(data)).clips
    clips = [c for side in ("train", "valid") for c in found if sides[c.key]["split"] == side]
    names = json.loads((run.model / "audioft.json").read_text())["labels"]
    x, _ = pooled(model, clips, window=2.0)
    targets = np.array([[float(name in c.labels) for name in names] for c in clips])
    unknown = np.array([[f"?{name}" in str(c.columns.get("labels", "")) for name in names] for c in clips])
    labels = Labels(targets, ~unknown, several)
    folds = choosing.several_folds(targets * ~unknown, [c.group or c.key for c in clips], 0, choosing.FOLDS)
    penalty, _ = choosing.best_penalty(x, labels, folds)
    fit = linear.fit(x, labels, penalty)
    return fit, x


@pytest.mark.parametrize("kind", tiny.CORE)
def test_scores_are_the_probes_whatever_the_family(kind, encoder_folder, two_tones, tmp_path):
    own = {"model__head": "linear"} if kind == "ast" else {}  # its own begins with a norm, which sees other features
    run, model = begun(two_tones, encoder_folder(kind), tmp_path / "run", **own)
    assert run.history[0]["epoch"] == 0
    fit, x = refitted(two_tones, run, model)
    with torch.no_grad():
        logits = model.head(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(softmax(logits), softmax(fit.logits(x)), atol=1e-5)


@pytest.mark.parametrize(
    "how",
    [
        {"model__pooling": "stats"},
        {"model__pooling": "attentive_stats", "model__head": "mlp"},
        {"model__head": {"name": "mlp", "size": 8, "depth": 2}, "freeze": "all"},
        {"model__head": "cosine", "train__loss": "aam_softmax"},
        {"model__layers": "weighted", "freeze": "all"},
        {"adapt": "lora"},
        {"freeze": {0: "all", 1: {"top": 1}}, "train__epochs": 2},
        {"augment": [{"name": "gain"}], "freeze": "all", "cache__views": 1},
        {"train__class_weights": "balanced", "train__sampler": "balanced"},
    ],
    ids=str,
)
def test_every_kind_of_run_begins_so_and_keeps_it(how, two_tones, small_encoder, tmp_path):
    run, _ = begun(two_tones, small_encoder, tmp_path / "run", **how)
    first = run.history[0]
    assert (first["kind"], first["epoch"]) == ("valid", 0)
    assert first["accuracy"] == 1.0  # two tones are told apart by any encoder
    assert run.report.metrics["accuracy"].value == 1.0


def test_of_several_labels_partly_known(chords, small_encoder, tmp_path):
    run, model = begun(chords, small_encoder, tmp_path / "run")
    fit, x = refitted(chords, run, model, several=True)
    with torch.no_grad():
        logits = model.head(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(-fit.logits(x))), atol=1e-5)


def test_the_run_says_what_it_began_with_and_what_it_kept(two_tones, small_encoder, tmp_path, audioft_command):
    ruin = [f"{k}={configs.spell(v)}" for k, v in RUINOUS.items()]
    out = ("--out", tmp_path / "run", "--encoder", small_encoder)
    code, _, said = audioft_command(
        "train", two_tones, *out, *makers.QUICK_ARGUMENTS, *ruin, "model.start=probe", "freeze=none"
    )
    assert code == 0, said
    assert "starting from the probe: fitted to 8 clips" in said
    assert "kept: the probe that the run began with" in said


def test_a_head_that_is_kept_and_one_at_random_do_not_begin_so(trained, two_tones, small_encoder, tmp_path):
    for name, how in (("random", {"model.start": "random"}), ("kept", {"model.start": "probe"})):
        start = {"start": str(trained.folder)} if name == "kept" else {"encoder": str(small_encoder)}
        run = audioft.finetune(two_tones, **start, out=tmp_path / name, overrides=makers.QUICK | how)
        assert run.history[0]["epoch"] > 0


def test_a_run_killed_before_its_first_step_begins_alike(two_tones, small_encoder, tmp_path, monkeypatch):
    whole = audioft.finetune(two_tones, encoder=str(small_encoder), out=tmp_path / "whole", overrides=PROBE)
    epoch = Trainer._epoch

    def stop(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "_epoch", stop)
    with pytest.raises(KeyboardInterrupt):
        audioft.finetune(two_tones, encoder=str(small_encoder), out=tmp_path / "killed", overrides=PROBE)
    monkeypatch.setattr(Trainer, "_epoch", epoch)
    again = audioft.finetune(out=tmp_path / "killed", resume=True)
    assert (again.model / "model.safetensors").read_bytes() == (whole.model / "model.safetensors").read_bytes()


def softmax(logits):
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)
