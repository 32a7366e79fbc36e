"""A run stopped in the middle of its margin's rise ends in the same bits as one that never stopped."""

import json
import shutil

import pytest
from checks import best_of

import audioft
from audioft.core.progress import Console
from audioft.training import losses as loss_module

SETTINGS = {
    "data.workers": 0,
    "freeze": {0: "all", 1: "none"},
    "model.pooling": {"name": "xvector", "sizes": [16, 12], "kernels": [3, 1], "dilations": [2, 1]},
    "model.head": {"name": "cosine", "size": 8, "subcenters": 2, "dropout": 0.1},
    "train.loss": {"name": "aam_softmax", "margin": {0: 0.0, 1: 0.1, 3: 0.5}},
    "train.epochs": 3,
    "train.batch_size": 4,
    "train.precision": "fp32",
    "train.device": "cpu",
    "train.log_every": 1,
    "train.save_steps": 1,
    "train.keep": 100,
    "train.tensorboard": False,
    "evaluate.resamples": 20,
}


def left_behind(run):
    """Weights, rows and predictions that a run ends with."""
    checkpoints = run.folder / "checkpoints"
    last = max(checkpoints.glob("step-*"))
    files = sorted(f for place in (last, best_of(run.folder), run.model) for f in place.rglob("*.safetensors"))
    rows = [{k: v for k, v in r.items() if k not in ("seconds", "waiting")} for r in run.history]
    return [f.read_bytes() for f in files], rows, (run.folder / "predictions.csv").read_bytes()


@pytest.mark.slow
def test_stopped_in_the_middle_of_the_rise(tones, encoder_folder, tmp_path, monkeypatch):
    margins = []
    forward = loss_module.AAMSoftmax.__call__

    def noted(self, *args):
        margins.append(self.margin)
        return forward(self, *args)

    monkeypatch.setattr(loss_module.AAMSoftmax, "__call__", noted)
    encoder = str(encoder_folder("wavlm"))
    whole = audioft.finetune(
        tones, encoder=encoder, out=tmp_path / "whole", overrides=SETTINGS, console=Console(quiet=True)
    )
    steps = len(margins)
    assert len(set(margins)) == steps
    assert margins == sorted(margins)
    assert (margins[0], steps % 3) == (0, 0)
    # the same run as it would be if it had been killed after a checkpoint in its second epoch
    stopped = tmp_path / "stopped"
    shutil.copytree(whole.folder, stopped)
    step = steps // 3 + 2
    shutil.rmtree(stopped / "model")
    for later in (stopped / "checkpoints").glob("step-*"):
        if int(later.name.removeprefix("step-")) > step:
            shutil.rmtree(later)
    assert json.loads((max((stopped / "checkpoints").glob("step-*")) / "state.json").read_text())["step"] == step
    margins_before, margins[:] = list(margins), []
    resumed = audioft.finetune(out=stopped, resume=True, console=Console(quiet=True))
    assert margins == margins_before[step:]
    assert left_behind(resumed) == left_behind(whole)
