"""What is quicker in training on a CPU computes the same: dropout, attention, the convolution that tells positions."""

import copy

import pytest
import tiny
import torch
from torch import nn
from torch.nn import functional

from audioft.models.cpu_kernels import attention, dropout, positions
from audioft.models.encoder import Encoder, Preprocessing

SHAPE = torch.Size((64, 1001))
ALWAYS = {"hidden_dropout": 0.1, "attention_dropout": 0.2, "activation_dropout": 0.1, "layerdrop": 0.0}


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.01])
def test_as_many_are_dropped_as_asked_wherever_they_lie(rate):
    torch.manual_seed(0)
    kept, scale = dropout.draw(torch.Size((2**19,)), rate)
    assert scale == pytest.approx(1 / (1 - rate), rel=0.003)
    share = kept.view(-1, 8).double().mean(0)  # of each byte of a draw: the last one has the sign of an int64
    assert (share - 1 / scale).abs().max() < 5 * (rate / 2**16) ** 0.5


@pytest.mark.parametrize(("rate", "odds"), [(0.1, 26 / 256), (0.01, 655 / 65536)])
def test_the_scale_is_that_of_the_exact_rate(rate, odds):
    x = torch.ones(SHAPE, requires_grad=True)
    torch.manual_seed(3)
    y = dropout.dropout(x, rate)
    assert y.unique().tolist() == pytest.approx([0.0, 1 / (1 - odds)])
    y.mul(torch.arange(1001)).sum().backward()
    assert torch.equal(x.grad, y.detach() * torch.arange(1001))  # what was dropped has no slope, the rest the scale


def test_bits_are_of_the_default_generator_alone():
    module = dropout.QuickDropout(0.3).train()
    x = torch.ones(SHAPE, requires_grad=True)
    drawn = []
    for seed, threads in ((1, 1), (1, 2), (2, 1)):
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        torch.manual_seed(seed)
        drawn.append(module(x))
        torch.set_num_threads(before)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert module.eval()(x) is x or torch.equal(module.eval()(x), x)


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_an_encoder_keeps_its_weights_its_modes_and_what_it_gives(kind):
    plain = tiny.make_model(kind)
    made = Encoder(copy.deepcopy(plain), tiny.make_preprocessing(kind), kind)
    assert list(made.model.state_dict()) == list(plain.state_dict())
    assert not [m for m in made.model.modules() if type(m) is nn.Dropout]
    assert not any(m.training for m in made.model.modules())
    waves, lengths = tiny.batch(tiny.noises([9000, 12000]))
    with torch.no_grad():
        found = made.frames(waves, lengths).states
        made.model.config._attn_implementation = plain.config._attn_implementation
        assert torch.equal(found, made.frames(waves, lengths).states)


USED = ["wav2vec2", "hubert", "wavlm", "data2vec-audio", "unispeech-sat", "sew", "conformer-relative"]


@pytest.mark.parametrize("kind", [*USED, "conformer-rotary", "bert", "bert-relative", "ast", "whisper"])
def test_training_goes_through_it_and_eval_does_not(kind, monkeypatch):
    calls = []
    attend = attention.attend
    monkeypatch.setattr(attention, "attend", lambda *a: calls.append(0) or attend(*a))
    rates = {"attention_probs_dropout_prob": 0.2} if kind == "ast" else {"attention_dropout": 0.2}
    encoder = tiny.make_encoder(kind, **rates, **({} if kind == "ast" else {"layerdrop": 0.0}))
    waves, lengths = tiny.batch(tiny.noises([9000, 12000]))
    encoder.frames(waves, lengths)
    assert not calls
    encoder.train()
    encoder.frames(waves, lengths).states.square().sum().backward()
    assert len(calls) in (1, 2, 3)  # of the layers that were not gone round
    assert all(p.grad.isfinite().all() for p in encoder.parameters() if p.grad is not None)


def masks() -> list[torch.Tensor | None]:
    valid = torch.arange(9)[None] < torch.tensor([9, 5])[:, None]
    return [None, valid[:, None, None].expand(2, 1, 9, 9), torch.randn(2, 3, 9, 9)]


@pytest.mark.parametrize("which", range(3))
def test_attention_and_its_gradients_are_those_of_the_formula(which):
    torch.manual_seed(0)
    inputs = [torch.randn(2, 3, 9, 8, requires_grad=True) for _ in range(3)]
    mask = masks()[which]
    if which == 2:
        inputs.append(mask.requires_grad_())
    torch.manual_seed(7)
    kept, scale = dropout.draw(torch.Size((2, 3, 9, 9)), 0.25)
    torch.manual_seed(7)
    found = attention.attend(*inputs[:3], mask, 0.25)
    q, k, v = inputs[:3]
    products = q @ k.transpose(2, 3) / 8**0.5
    if mask is not None:
        products = products.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else products + mask
    expected = (products.softmax(-1) * kept * scale) @ v
    assert (found - expected).abs().max() < 1e-5
    down = torch.randn_like(found)
    for ours, theirs in zip(
        torch.autograd.grad(found, inputs, down), torch.autograd.grad(expected, inputs, down), strict=True
    ):
        assert theirs.abs().max() > 0.1
        assert (ours - theirs).abs().max() < 1e-5


def test_a_softmax_in_bfloat16_is_of_float32(monkeypatch):
    asked = []
    softmax = torch.softmax
    monkeypatch.setattr(torch, "softmax", lambda *a, **k: asked.append(k["dtype"]) or softmax(*a, **k))
    q, k, v = (torch.randn(1, 2, 9, 8, requires_grad=True) for _ in range(3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = attention.attend(q, k, v, None, 0.1)
    assert (found.dtype, asked) == (torch.bfloat16, [torch.float32])
    found.float().sum().backward()
    assert v.grad.dtype == torch.float32


@pytest.mark.parametrize("which", range(3))
def test_looking_in_bfloat16_is_the_formula(which):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 3, 9, 8) for _ in range(3))
    mask = masks()[which]
    expected = functional.scaled_dot_product_attention(q, k, v, mask)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        found = attention.look(q.bfloat16(), k.bfloat16(), v.bfloat16(), mask)
    assert found.dtype == torch.bfloat16
    assert (found.float() - expected).abs().max() < 0.03


@pytest.mark.parametrize("kind", ["wav2vec2", "hubert", "data2vec-audio", "unispeech-sat", "sew", "ast", "whisper"])
def test_an_encoder_in_bfloat16_looks_so(kind, monkeypatch):
    calls = []
    look = attention.look
    monkeypatch.setattr(attention, "look", lambda *a: calls.append(0) or look(*a))
    encoder = tiny.make_encoder(kind)
    waves, lengths = tiny.batch(tiny.noises([9000, 12000]))
    with torch.no_grad():
        exact = encoder.frames(waves, lengths).states
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = encoder.frames(waves, lengths).states
            assert len(calls) == encoder.num_layers
            monkeypatch.setattr(attention, "MOST", 0)  # so much memory is not to be had
            fused = encoder.frames(waves, lengths).states
            assert len(calls) == encoder.num_layers
    own = encoder.frame_lengths(lengths).tolist()
    for i, count in enumerate(own):
        assert (found[i, :count].float() - exact[i, :count]).abs().mean() < 0.02
        assert (found[i, :count].float() - fused[i, :count].float()).abs().mean() < 0.02


@pytest.mark.parametrize(("batch", "frames"), [(1, 9), (3, 250)])
def test_without_gradients_the_convolution_is_torchs(batch, frames):
    conv = torch.nn.Conv1d(16, 24, 64, padding=32, groups=4).eval()
    hidden = torch.randn(batch, frames, 16).transpose(1, 2)
    with torch.no_grad():
        found, expected = positions.convolve(conv, hidden), conv(hidden.contiguous())
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-5


@pytest.mark.parametrize(("frames", "taps"), [(50, 128), (249, 128), (600, 128), (777, 33), (1, 64), (900, 400)])
def test_the_convolution_and_its_gradients_are_those_of_torch(frames, taps):
    torch.manual_seed(0)
    hidden = torch.randn(3, 16, frames, requires_grad=True)
    weight = (torch.randn(24, 4, taps) / (4 * taps) ** 0.5).requires_grad_()
    expected = functional.conv1d(hidden, weight, padding=taps // 2, groups=4)
    found = positions.spectral(hidden, weight, 4, taps // 2)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-5
    down = torch.randn_like(found)
    for ours, theirs in zip(
        torch.autograd.grad(found, (hidden, weight), down),
        torch.autograd.grad(expected, (hidden, weight), down),
        strict=True,
    ):
        assert (ours - theirs).abs().max() < 1e-5 * max(1, theirs.abs().max())


@pytest.mark.parametrize("kind", ["wav2vec2", "hubert-batch", "wavlm-stable"])
def test_an_encoder_in_training_gives_what_it_gives_in_eval_mode(kind, monkeypatch):
    calls = []
    spectral = positions.spectral
    monkeypatch.setattr(positions, "spectral", lambda *a: calls.append(0) or spectral(*a))
    quiet = dict.fromkeys(("hidden_dropout", "attention_dropout", "activation_dropout", "feat_proj_dropout"), 0.0)
    encoder = tiny.make_encoder(kind, **quiet, layerdrop=0.0, num_conv_pos_embeddings=64)
    waves, lengths = tiny.batch(tiny.noises([9000, 15000]))
    expected = encoder.frames(waves, lengths)
    assert not calls
    found = encoder.train().frames(waves, lengths)
    assert calls
    assert (found.states - expected.states)[found.valid].abs().max() < 1e-5


def test_a_saved_config_says_nothing_of_it(tmp_path):
    encoder = Encoder(tiny.make_model("wav2vec2"), Preprocessing())
    encoder.model.save_pretrained(tmp_path)
    assert "audioft" not in (tmp_path / "config.json").read_text(encoding="utf-8")
