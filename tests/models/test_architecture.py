"""New encoders: what of a shape is refused, what is written and read again."""

from __future__ import annotations

import pytest
import small_pretraining as small
import tiny
import torch
from safetensors.torch import load_file

from audioft.configuration.pretraining import PretrainConfig
from audioft.models.architecture import PRETRAINABLE as FAMILIES
from audioft.models.architecture import count, new_encoder, problems, save_encoder
from audioft.models.encoder import Preprocessing
from audioft.models.loading import load_encoder

SHAPES = {
    "wav2vec2": tiny.SHAPE | tiny.FEW,
    "hubert": tiny.SHAPE | tiny.FEW,
    "wavlm": tiny.SHAPE | tiny.FEW,
    "data2vec-audio": tiny.SHAPE | {"conv_pos_kernel_size": 7},
}
FILTERS = small.SMALL
WAVE = torch.randn(1, 6000, generator=torch.Generator().manual_seed(0))


def states(encoder) -> torch.Tensor:
    with torch.inference_mode():
        return encoder.eval().frames(WAVE, torch.tensor([6000])).states


def test_the_default_architecture_is_well():
    assert problems(PretrainConfig().encoder.architecture, "encoder.architecture") == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"family": "hubret"}, "a.family: unknown family 'hubret': did you mean 'hubert'?"),
        ({"hiden_size": 8}, "a.hiden_size: a wav2vec2 encoder has no such setting: did you mean 'hidden_size'?"),
        ({"num_labels": 3}, "a.num_labels: a wav2vec2 encoder has no such setting"),
        ({"family": "wavlm", "conv_pos_kernel_size": 3}, "a.conv_pos_kernel_size: a wavlm encoder has no such setting"),
        ({"conv_dim": [8, 8]}, "a: conv_dim, conv_kernel and conv_stride name"),
        ({"hidden_size": 30, "num_attention_heads": 4}, "a: hidden_size 30 is no multiple of num_attention_heads, 4"),
        ({"hidden_size": "wide"}, "a"),
        ({"hidden_size": -4}, "a"),
        ({"num_hidden_layers": 0}, "a"),
        ({"num_attention_heads": 0}, "a"),
        ({"conv_dim": 3}, "a"),
        (
            FILTERS | {"conv_dim": [48, 48], "conv_kernel": [256, 20], "conv_stride": [16, 20]},
            "a.filterbank: needs three",
        ),
        (FILTERS | {"conv_bias": False}, "a.filterbank: needs feat_extract_norm: layer and conv_bias: true"),
        (FILTERS | {"feat_extract_norm": "group"}, "a.filterbank: needs feat_extract_norm: layer and conv_bias: true"),
        (FILTERS | {"feat_extract_activation": "relu"}, "a.filterbank: needs feat_extract_activation: gelu, not relu"),
        (FILTERS | {"conv_dim": [48, 12, 48]}, "a.filterbank: needs at least 16 channels a convolution"),
    ],
)
def test_problems_of_a_shape(given, said):
    found = problems(given, "a")
    assert len(found) == 1, found
    assert found[0].startswith(said)


def test_all_problems_at_once():
    assert len(problems({"hiden_size": 8, "filterbank": True, "layers": 2}, "a")) == 2


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_from_nothing(family):
    shape = {"family": family, **SHAPES[family]}
    assert problems(shape, "a") == []
    encoder = new_encoder(shape, seed=0)
    assert encoder.family == family
    assert (encoder.num_layers, encoder.hidden_size) == (3, 32)
    assert count(encoder) == sum(v.numel() for v in encoder.state_dict().values())
    assert torch.equal(states(encoder), states(new_encoder(shape, seed=0)))
    assert not torch.allclose(states(encoder), states(new_encoder(shape, seed=1)))


def test_making_one_draws_nothing_from_the_global_generator():
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    new_encoder(small.SMALL, seed=0)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_written_and_read_again(family, dtype, tmp_path):
    encoder = new_encoder({"family": family, **SHAPES[family]}, 0, Preprocessing(8000, normalise=False))
    save_encoder(encoder, tmp_path, dtype=dtype, about={"pretrained": True})
    again, report = load_encoder(str(tmp_path))
    assert report.made == report.left_over == ()
    assert again.preprocessing == Preprocessing(8000, normalise=False)
    assert {p.dtype for p in again.parameters()} == {p.dtype for p in encoder.parameters()} == {torch.float32}
    assert (tmp_path / "encoder.json").is_file()
    if dtype == "float32":
        assert torch.equal(states(again), states(encoder))
    else:
        torch.testing.assert_close(states(again), states(encoder), atol=0.02, rtol=0.02)
        size = sum(v.numel() * v.element_size() for v in load_file(tmp_path / "model.safetensors").values())
        assert size == 2 * count(encoder)
