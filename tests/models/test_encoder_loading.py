"""Encoders load whole or not at all, whatever the age of their format, and never run code."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
import torch
import transformers
from safetensors.torch import load_file, save_file

from audioft.errors import ModelError, UsageError
from audioft.models import loading
from audioft.models.encoder import Encoder
from audioft.models.loading import load_encoder, require_mask_embedding


def copy(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target))


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_a_folder_of_every_kind(kind, encoder_folder):
    folder = encoder_folder(kind)
    encoder, report = load_encoder(str(folder))
    whole = tiny.make_model(kind, "ForConditionalGeneration" if kind == "whisper" else "Model")
    model = whole.get_encoder() if kind == "whisper" else whole
    stored = model.state_dict()
    assert encoder.family == tiny.make_config(kind).model_type
    assert report.loaded == len(stored)
    assert not report.made
    assert all("decoder" in k for k in report.left_over) if kind == "whisper" else not report.left_over
    assert {k: v.tolist() for k, v in encoder.model.state_dict().items()} == {k: v.tolist() for k, v in stored.items()}
    assert encoder.preprocessing.features is not None or encoder.preprocessing == loading.Preprocessing(16000, True)
    clips = tiny.batch(tiny.noises([4000, 3000]))
    with torch.no_grad():
        expected = Encoder(model, tiny.make_preprocessing(kind)).frames(*clips)
        assert torch.equal(encoder.frames(*clips).states, expected.states)


def test_yesterdays_format_with_pretraining_heads(tmp_path, encoder_folder):
    whole = tiny.make_model("wav2vec2", "ForPreTraining")
    old = {
        k.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): v
        for k, v in whole.state_dict().items()
    }
    assert any("weight_g" in k for k in old)
    torch.save(old, tmp_path / "pytorch_model.bin")
    whole.config.save_pretrained(tmp_path)
    encoder, report = load_encoder(str(tmp_path))
    for key, value in whole.wav2vec2.state_dict().items():
        assert torch.equal(encoder.model.state_dict()[key], value), key
    assert any("quantizer" in k for k in report.left_over)
    assert "left over" in str(report)
    assert not report.made
    assert any("preprocessor_config.json" in note for note in report.notes)


def test_a_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    folder = tmp_path / "evil"
    tiny.make_config("wav2vec2").save_pretrained(folder)
    torch.save({"masked_spec_embed": Evil()}, folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match="evil"):
        load_encoder(str(folder))
    assert not (tmp_path / "ran").exists()
    torch.load(folder / "pytorch_model.bin", weights_only=False)
    assert (tmp_path / "ran").exists()  # it would have


def test_missing_weights_are_named(tmp_path, encoder_folder):
    folder = copy(encoder_folder("hubert"), tmp_path / "e")
    weights = load_file(folder / "model.safetensors")
    lost = "encoder.layers.1.attention.k_proj.weight"
    del weights[lost]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=lost):
        load_encoder(str(folder))


def test_a_config_of_another_size_is_refused(tmp_path, encoder_folder):
    folder = copy(encoder_folder("wav2vec2"), tmp_path / "e")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 48}))
    with pytest.raises(ModelError, match="e'"):
        load_encoder(str(folder))


@pytest.mark.parametrize("kind", ["wav2vec2", "wavlm"])
def test_a_missing_mask_vector_is_made_the_same_every_time(kind, tmp_path, encoder_folder):
    folder = copy(encoder_folder(kind), tmp_path / "e")
    weights = load_file(folder / "model.safetensors")
    own = weights.pop("masked_spec_embed")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    encoder, report = load_encoder(str(folder))
    assert report.made == ("masked_spec_embed",)
    assert "masked_spec_embed" in str(report)
    torch.manual_seed(99)
    again, _ = load_encoder(str(folder))
    made = encoder.model.masked_spec_embed
    assert torch.equal(made, again.model.masked_spec_embed)
    assert not torch.equal(made, own)
    assert made.min() >= 0
    assert made.std() > 0.05
    assert made.max() < 1


def test_a_mask_vector_for_an_encoder_made_without_one(encoder_folder):
    folder = encoder_folder("data2vec-audio", mask_time_prob=0.0)
    encoder, _ = load_encoder(str(folder))
    assert not hasattr(encoder.model, "masked_spec_embed")
    assert require_mask_embedding(encoder)
    assert not require_mask_embedding(encoder)
    assert any(p is encoder.model.masked_spec_embed for _, ps in encoder.parts() for p in ps)


def test_truncated_safetensors(tmp_path, encoder_folder):
    folder = copy(encoder_folder("wav2vec2"), tmp_path / "e")
    data = (folder / "model.safetensors").read_bytes()
    for kept in (0, 5, 1000, len(data) - 1):
        (folder / "model.safetensors").write_bytes(data[:kept])
        with pytest.raises(ModelError, match=rf"e': {folder}/model\.safetensors \({kept:,} bytes\) is damaged.*again"):
            load_encoder(str(folder))


DAMAGED = {
    "config.json": ['{"model_type": "wav2', "[]"],
    "preprocessor_config.json": ['{"do_norm', "[]", '{"sampling_rate": "fast"}', '{"feature_extractor_type": "Gone"}'],
    "encoder.json": ['{"pretrained": tr'],
}


@pytest.mark.parametrize(("file", "text"), [(file, text) for file, texts in DAMAGED.items() for text in texts])
def test_what_is_said_beside_the_weights_is_damaged(file, text, tmp_path, encoder_folder):
    folder = copy(encoder_folder("wav2vec2"), tmp_path / "encoder")
    (folder / file).write_text(text)
    with pytest.raises(ModelError, match=re.escape(file)):
        load_encoder(str(folder))


@pytest.mark.parametrize(
    ("key", "value"), [("conv_stride", [5, 2]), ("hidden_size", "wide"), ("num_hidden_layers", 1.5)]
)
def test_a_config_that_transformers_refuses(key, value, tmp_path, encoder_folder):
    folder = copy(encoder_folder("wav2vec2"), tmp_path / "encoder")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {key: value}))
    with pytest.raises(ModelError, match=r"its config\.json is not one that transformers takes") as e:
        load_encoder(str(folder))
    assert key in str(e.value)
    assert "\n" not in str(e.value)


def test_unsupported_families(tmp_path):
    from transformers import BertConfig

    BertConfig().save_pretrained(tmp_path / "bert")
    with pytest.raises(ModelError, match=r"'bert'.*wav2vec2, wav2vec2-conformer.*whisper"):
        load_encoder(str(tmp_path / "bert"))
    tiny.make_config("wav2vec2", add_adapter=True).save_pretrained(tmp_path / "adapter")
    with pytest.raises(ModelError, match="adapter"):
        load_encoder(str(tmp_path / "adapter"))


def test_folders_and_names_that_are_not_there(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_encoder(str(tmp_path / "empty"))
    with pytest.raises(UsageError, match="no such folder"):
        load_encoder(str(tmp_path / "nothing"))
    with pytest.raises(ModelError, match=r"(?s)some-person/no-such-encoder.*local folder"):
        load_encoder("some-person/no-such-encoder")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    with pytest.raises(ModelError, match="broken"):
        load_encoder(str(tmp_path / "broken"))


def test_half_precision_storage_loads_as_float32(tmp_path, encoder_folder):
    folder = copy(encoder_folder("wav2vec2"), tmp_path / "e")
    weights = load_file(folder / "model.safetensors")
    half = {k: v.half() for k, v in weights.items()}
    save_file(half, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "float16"}))
    encoder, _ = load_encoder(str(folder))
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    name = "encoder.layers.0.attention.k_proj.weight"
    assert torch.equal(encoder.model.state_dict()[name], half[name].float())


def test_preprocessing_is_the_checkpoints_own(tmp_path):
    from transformers import Wav2Vec2FeatureExtractor

    tiny.make_model("hubert").save_pretrained(tmp_path)
    Wav2Vec2FeatureExtractor(sampling_rate=8000, do_normalize=False).save_pretrained(tmp_path)
    encoder, _ = load_encoder(str(tmp_path))
    assert encoder.preprocessing == loading.Preprocessing(8000, False)
    with torch.no_grad():
        assert encoder.frames(*tiny.batch(tiny.noises([4000]))).seconds_per_frame == 0.04


def test_dropout_and_layerdrop_are_replaced(encoder_folder):
    folder = encoder_folder("wavlm")
    own, _ = load_encoder(str(folder))
    assert any(m.p == 0.1 for m in own.modules() if isinstance(m, torch.nn.Dropout))
    encoder, _ = load_encoder(str(folder), dropout=0.25, layerdrop=0.5)
    assert {m.p for m in encoder.modules() if isinstance(m, torch.nn.Dropout)} == {0.25}
    assert encoder.model.config.layerdrop == 0.5
    assert encoder.model.encoder.layers[0].attention.dropout == 0.25


def test_mini_is_small_and_pretrained_and_loads_in_float32_everywhere():
    encoder, report = load_encoder("mini")
    folder = Path(loading.resolve("mini"))
    assert sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) < 8 * 2**20
    assert "NOT pretrained" not in str(report)
    assert {"README.md", "CREDITS.md", "LICENSE"} <= {f.name for f in folder.iterdir()}
    assert not report.made
    plain = transformers.AutoModel.from_pretrained(folder)
    # what is made from its config must not be half precision either, which a CPU cannot convolve
    assert plain.dtype == plain.config.dtype == torch.float32
    with torch.no_grad():
        frames = encoder.frames(*tiny.batch(tiny.noises([16000, 8000])))
    assert torch.isfinite(frames.states[frames.valid]).all()


@pytest.mark.slow
def test_mini_needs_no_network_and_no_cache(tmp_path):
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from audioft.models.loading import load_encoder\n"
        "print(load_encoder('mini')[0].num_layers)"
    )
    env = {k: v for k, v in os.environ.items() if k != "HF_HUB_OFFLINE"} | {"HF_HOME": str(tmp_path / "none")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "6"


def test_packages_that_do_not_go_together_are_not_taken_for_a_wrong_name(monkeypatch):
    def torn(*_, **__):
        raise OSError("Could not load this library: libtorchaudio.so")

    monkeypatch.setattr("audioft.models.loading.pretrained", torn)
    with pytest.raises(ModelError, match=r"libtorchaudio\.so; `audioft doctor` says what to install"):
        load_encoder("mini")
