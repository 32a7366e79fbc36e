"""Averages of weights: validated and kept are they, training goes on from its own, and resuming changes no bit."""

import shutil

import pytest
import torch
from checks import best_of
from safetensors.torch import load_file
from small_training import make_trainer

import audioft
from audioft.training.averaging import Averaging
from audioft.training.checkpoint import Saving

EVERY_STEP = {"saving": Saving(1), "keep": 99, "epochs": 3, "metric": "last"}


def weights(path):
    return load_file(path / "model.safetensors")


def steps(folder):
    return [weights(p) for p in sorted((folder / "checkpoints").glob("step-*"))]


def moved(own):
    return [k for k in own[0] if own[0][k].is_floating_point() and not torch.equal(own[0][k], own[-1][k])]


def test_the_average_over_steps_is_what_is_kept(tmp_path):
    trainer = make_trainer(tmp_path, averaging=Averaging(decay=0.5), **EVERY_STEP)
    trainer.fit()
    own, kept = steps(tmp_path), weights(best_of(tmp_path))
    assert len(own) == trainer.total_steps == 9
    for name in moved(own):
        mean = own[0][name].double()
        for step, found in enumerate(own[1:], 1):
            mean += (1 - min(0.5, (1 + step) / (10 + step))) * (found[name].double() - mean)
        assert torch.allclose(kept[name].double(), mean, atol=1e-6), name
        assert not torch.equal(kept[name], own[-1][name])
        assert torch.equal(trainer.model.state_dict()[name], own[-1][name])  # which training would go on from


def test_the_mean_of_the_last_epochs_is_what_is_kept(tmp_path):
    make_trainer(tmp_path, averaging=Averaging(last=2), **EVERY_STEP).fit()
    own, kept = steps(tmp_path), weights(best_of(tmp_path))
    for name in moved(own):
        assert torch.allclose(kept[name], (own[5][name] + own[8][name]) / 2, atol=1e-7), name


def test_what_is_validated_is_the_average(tmp_path):
    seen = []
    trainer = make_trainer(
        tmp_path,
        averaging=Averaging(decay=0.9),
        validate=lambda: seen.append({k: v.clone() for k, v in trainer.model.state_dict().items()}) or {"loss": 1.0},
        **EVERY_STEP,
    )
    trainer.fit()
    kept = weights(best_of(tmp_path))
    assert len(seen) == 3
    assert all(torch.equal(seen[-1][k], kept[k]) for k in kept)


@pytest.mark.parametrize("averaging", [Averaging(decay=0.9), Averaging(last=2)])
def test_a_run_that_goes_on_ends_in_the_same_bits(averaging, tmp_path):
    make_trainer(tmp_path / "whole", averaging=averaging, **EVERY_STEP).fit()
    shutil.copytree(tmp_path / "whole", tmp_path / "cut")
    for path in sorted((tmp_path / "cut" / "checkpoints").glob("step-*"))[4:]:
        shutil.rmtree(path)
    again = make_trainer(tmp_path / "cut", averaging=averaging, **EVERY_STEP)
    assert again.resume() == []
    assert again.state.step == 4
    again.fit()
    for name in ("model", "optimizer"):
        files = (max((tmp_path / x / "checkpoints").glob("step-*")) / f"{name}.safetensors" for x in ("whole", "cut"))
        one, other = (f.read_bytes() for f in files)
        assert one == other
    one, other = (weights(best_of(tmp_path / x)) for x in ("whole", "cut"))
    assert all(torch.equal(one[k], other[k]) for k in one)


def test_without_averaging_nothing_is_kept_beside(tmp_path):
    make_trainer(tmp_path, **EVERY_STEP).fit()
    last = max((tmp_path / "checkpoints").glob("step-*"))
    assert {k.rsplit("/", 1)[1] for k in load_file(last / "optimizer.safetensors")} == {"step", "exp_avg", "exp_avg_sq"}
    assert torch.equal(weights(last)["head.classifier.weight"], weights(best_of(tmp_path))["head.classifier.weight"])


def test_two_averages_at_once_are_refused():
    with pytest.raises(audioft.errors.ConfigError, match=r"train\.ema.*take one of them"):
        audioft.settings("data", overrides={"train.ema": 0.9, "train.average_last": 3})
    with pytest.raises(audioft.errors.ConfigError, match=r"train\.ema"):
        audioft.settings("data", overrides={"train.ema": 1.0})
