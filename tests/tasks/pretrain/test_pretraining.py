"""A whole pretraining of a very small network on the samples: it learns, and what it leaves can be used."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import small_pretraining as small
import tiny
import torch
from PIL import Image
from safetensors.torch import load_file

import audioft
from audioft.core.progress import Console
from audioft.models import heard
from audioft.models.architecture import PRETRAINABLE as FAMILIES
from audioft.models.loading import load_encoder

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[3] / "samples"
SETTINGS = {
    "encoder.architecture": small.SMALL,
    "objective.like_sound": 1.0,
    "objective.like_recording": 0.05,
    "encoder.dtype": "float16",
    "data.crop_seconds": 1.0,
    "data.held_out": 0.1,
    "data.workers": 0,
    "mixing": None,
    "objective.sample_frames": 5000,
    "objective.rounds": [
        {"targets": "mfcc", "clusters": 24, "steps": 150},
        {"targets": "layer", "clusters": 24, "steps": 90},
    ],
    "train.batch_size": 8,
    "train.lr": 3e-3,
    "train.measures": 3,
    "train.device": "cpu",
    "train.precision": "fp32",
    "train.tensorboard": False,
    "probe.clips": 60,
    "probe.seconds": 1.0,
}


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """`(encoder folder, stdout, stderr)` of the command."""
    import contextlib
    import io

    from audioft.cli import main

    out = tmp_path_factory.mktemp("pretrained") / "encoder"
    data = [str(SAMPLES / "sounds"), str(SAMPLES / "speakers")]
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = main(
            ["pretrain", *data, "--out", str(out), "--probe", str(SAMPLES / "speakers"), *small.strings(SETTINGS)]
        )
    assert code == 0, stderr.getvalue()
    return out, stdout.getvalue(), stderr.getvalue()


@pytest.mark.parametrize("name", ["round-1", "round-2"])
def test_hidden_frames_of_held_out_recordings_are_predicted(done, name):
    """Far better than by the commonest cluster, and with less doubt at the end than at the first measure."""
    first, *_, last = small.measured(done[0], name)
    assert last["masked_accuracy"] > 1.5 * last["guess"]
    assert last["loss"] < first["loss"]
    assert last["guess"] == first["guess"]  # the same crops and masks at every measure
    assert last["texture_error"] < 1.0


def test_what_it_says(done):
    out, stdout, stderr = done
    assert stdout == f"{out}\n"
    assert "32 clips of its test side are left out" in stderr
    assert "measure 3: validation loss" in stderr
    assert "epoch" not in stderr
    assert "Warning" not in stderr
    for name in ("README.md", "pretraining.png"):
        assert str(out / name) in stderr


def test_it_remembers_what_it_was_pretrained_on(done):
    own = heard.of_folder(done[0])
    assert own.pretrained
    assert not own.recordings
    assert "heard in the pretraining" not in done[2]  # the test side that the probe tests on was left out


def test_transformers_loads_it(done):
    from transformers import AutoFeatureExtractor, AutoModel

    model, waiting = AutoModel.from_pretrained(done[0], output_loading_info=True)
    assert not waiting["missing_keys"]
    assert not waiting["unexpected_keys"]
    extractor = AutoFeatureExtractor.from_pretrained(done[0])
    assert (extractor.sampling_rate, extractor.do_normalize, extractor.return_attention_mask) == (16000, True, True)
    ours, _ = load_encoder(str(done[0]))
    wave = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        theirs = model.float().eval()(wave).last_hidden_state
        found = ours.eval().frames(wave, torch.tensor([8000])).states
    torch.testing.assert_close(found, theirs, atol=1e-5, rtol=1e-5)


def test_half_the_size_on_disk(done):
    stored = load_file(done[0] / "model.safetensors")
    exact = load_file(done[0] / "pretraining" / "round-2" / "encoder" / "model.safetensors")
    assert {v.dtype for v in stored.values()} == {torch.float16}
    assert {v.dtype for v in exact.values()} == {torch.float32}
    for key, value in exact.items():
        assert torch.equal(stored[key], value.half()), key
    loaded, _ = load_encoder(str(done[0]))
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}


def test_it_can_be_fine_tuned(done, two_tones, tmp_path):
    import makers

    run = makers.train(two_tones, done[0], tmp_path / "run")
    assert run.config.encoder.name == str(done[0])
    assert (run.model / "model.safetensors").is_file()


def test_the_card_says_what_how_long_and_how_well(done):
    out = done[0]
    card = (out / "README.md").read_text(encoding="utf-8")
    count = sum(v.numel() for v in load_file(out / "model.safetensors").values())
    assert "from nothing" in card
    assert f"2 layers of width 32, {count:,} parameters" in card
    assert "16000 Hz, a frame every 20 ms; convolutions [256, 5, 4] with strides [16, 5, 4]" in card
    assert "| sounds | 0.05 |" in card
    assert "| speakers | 0.05 |" in card
    assert "24 clusters of MFCCs with their deltas, 150 steps" in card
    assert "24 clusters of the encoder's own layer 1, 90 steps" in card
    assert "8 crops of 1 s a step" in card
    assert "on cpu in fp32, 1 process(es)" in card
    assert "209 recordings were learnt from, 23 only measured on" in card
    for name in ("round-1", "round-2"):
        for row in small.measured(out, name):
            told = [row[k] for k in ("loss", "masked_accuracy", "guess", "probe_speakers")]
            assert f"| {name} | {row['step']} | " + " | ".join(f"{v:.3f}" for v in told) + " |" in card
    assert "| before | 0 | | | | 0." in card
    assert "![progress](pretraining.png)" in card
    about = json.loads((out / "encoder.json").read_text())
    last = small.measured(out, "round-2")[-1]
    assert about["pretrained"] is True
    assert about["from"] == "nothing"
    assert about["figures"] == {k: v for k, v in last.items() if k not in ("kind", "step", "epoch")}


def test_the_picture_shows_something(done):
    for path in (done[0] / "pretraining.png", done[0] / "pretraining" / "pretraining.png"):
        with Image.open(path) as picture:
            pixels = np.asarray(picture.convert("L"))
        assert pixels.shape[1] > 800
        assert pixels.std() > 10


def test_nothing_else_is_left(done):
    out = done[0]
    names = {p.name for p in out.iterdir()}
    assert names == {
        *("README.md", "config.json", "encoder.json", "model.safetensors", "preprocessor_config.json"),
        *("heard.csv", "pretraining", "pretraining.png"),
    }
    assert not (out / "pretraining" / "decoded").exists()


def test_it_goes_on_from_there(done, two_tones, tmp_path):
    """`--from`: one round of the encoder's own states, at another folder's expense of nothing."""
    settings = {"objective.rounds": [], "train.measures": 1, "train.batch_size": 2, "train.device": "cpu"}
    brief = {"data.workers": 0, "data.crop_seconds": 0.5, "objective.sample_frames": 1000, "train.tensorboard": False}
    before = (done[0] / "model.safetensors").read_bytes()
    rounds = {"objective.rounds": [{"targets": "layer", "clusters": 5, "steps": 2}]}
    more = audioft.pretrain(
        two_tones,
        out=tmp_path / "more",
        start=str(done[0]),
        overrides=settings | brief | rounds,
        console=Console(quiet=True),
    )
    assert (done[0] / "model.safetensors").read_bytes() == before
    assert f"from `{done[0]}`" in (more / "README.md").read_text()
    moved = load_file(more / "model.safetensors")
    assert any(not torch.equal(v.float(), moved[k]) for k, v in load_file(done[0] / "model.safetensors").items())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_from_nothing_and_from_an_encoder(family, two_tones, encoder_folder, tmp_path):
    from transformers import AutoModel

    brief = {"train.measures": 1, "objective.sample_frames": 1000}
    one = {"objective.rounds": [{"targets": "mfcc", "clusters": 5, "steps": 2}]}
    two = {"objective.rounds": [{"targets": "layer", "clusters": 5, "layer": 2, "steps": 2}]}
    own = {"conv_pos_kernel_size": 7} if family == "data2vec-audio" else tiny.FEW
    shape = {"family": family, **tiny.SHAPE, **own, "conv_dim": [16] * 7}
    new = small.pretrain(two_tones, tmp_path / "new", overrides=brief | one | {"encoder.architecture": shape})
    given = encoder_folder(family)
    more = small.pretrain(two_tones, tmp_path / "more", start=str(given), overrides=brief | two)
    for folder in (new, more):
        model, waiting = AutoModel.from_pretrained(folder, output_loading_info=True)
        assert model.config.model_type == family
        assert not waiting["missing_keys"]
    assert load_encoder(str(more))[0].preprocessing == load_encoder(str(given))[0].preprocessing
    before, after = (load_file(folder / "model.safetensors") for folder in (given, more))
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[k], after[k]) for k in before)
