"""Linear layers in eight bits: their sums, their scales, and what they are where there is no kernel."""

from __future__ import annotations

import checks
import pytest
import tiny
import torch
from torch import nn
from torch.nn import functional

from audioft.core import runtime
from audioft.models.compression import compressed, int8

CPU = torch.device("cpu")


def linear(inputs: int = 48, outputs: int = 32, seed: int = 0) -> nn.Linear:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Linear(inputs, outputs)


def rows(count: int, width: int = 48, seed: int = 1) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def test_sums_are_those_of_rounded_numbers(monkeypatch):
    monkeypatch.setattr(int8, "has_int8", lambda device: True)
    own, given = int8.quantised(linear()), rows(7)
    scale = given.abs().amax(1, keepdim=True) / 127
    rounded = (given / scale).round() * scale
    wanted = functional.linear(rounded.double(), own.weight_int8.double() * own.scale[:, None].double())
    with torch.inference_mode():
        found = own(given[None])[0]
    assert (found - wanted - linear().bias).abs().max() < 1e-5
    assert (found - linear()(given)).abs().max() < 0.05  # and near what it was
    assert own.weight_int8.abs().max() == 127


def test_a_row_is_the_same_whatever_lies_beside_it(monkeypatch):
    monkeypatch.setattr(int8, "has_int8", lambda device: True)
    own, given = int8.quantised(linear()), rows(5)
    loud = torch.cat([given, 1000 * rows(3, seed=2)])  # one scale for all would leave nothing of the first rows
    with torch.inference_mode():
        assert torch.equal(own(loud)[:5], own(given))


def test_without_a_kernel_it_is_a_layer_of_floats(monkeypatch):
    own, given = int8.quantised(linear()), rows(4)
    monkeypatch.setattr(int8, "has_int8", lambda device: True)
    with torch.inference_mode():
        quick = own(given)
    monkeypatch.setattr(int8, "has_int8", lambda device: False)
    with torch.inference_mode():
        slow = own(given)
    assert torch.equal(slow, functional.linear(given, own.multiplied(), own.bias))
    assert 0 < (quick - slow).abs().max() < 0.03
    asked = given.clone().requires_grad_()
    own(asked).sum().backward()  # whoever asks for a gradient gets that of floats
    assert (asked.grad - own.multiplied().sum(0)).abs().max() < 1e-5


def test_a_loud_channel_is_balanced_where_that_helps():
    layer, given = linear(), rows(64)
    given[:, 3] *= 100
    plain, balanced = int8.quantised(layer), int8.quantised(layer, given)
    assert balanced.balance is not None
    assert balanced.balance[3] > 2 * balanced.balance.median()
    wanted = layer(given)

    def error(own):
        with torch.inference_mode():
            return (own(given) - wanted).square().mean().item()

    assert error(balanced) < error(plain) / 4


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_a_clip_does_not_depend_on_the_clips_beside_it(kind, monkeypatch):
    monkeypatch.setattr(int8, "has_int8", lambda device: True)
    encoder = small(kind)
    clips = [0.1 * x for x in tiny.noises([16000, encoder.min_samples, 9999])] + [3 * x for x in tiny.noises([20000])]

    def frames(waveforms, lengths):
        found = encoder.frames(waveforms, lengths)
        return torch.stack([s[:n].mean(0) for s, n in zip(found.states, found.lengths.tolist(), strict=True)])

    with torch.inference_mode():
        assert checks.difference_in_batch(frames, clips) < 1e-3


def small(kind: str, front: bool = False):
    """An encoder with all its linear layers in eight bits."""
    encoder = tiny.make_encoder(kind).eval()
    for name in int8.candidates(encoder.model):
        int8.replace(encoder.model, name, int8.quantised(encoder.model.get_submodule(name)))
    compressed.fold(encoder, compressed.foldable(encoder))
    compressed.settle(encoder, front=front, attention=True)
    return encoder


def test_folding_a_copy_leaves_the_original_whole():
    import copy

    encoder = tiny.make_encoder("wav2vec2").eval()
    other = copy.deepcopy(encoder)
    assert compressed.foldable(other) == ["encoder.pos_conv_embed.conv"]
    compressed.fold(other, compressed.foldable(other))
    given = tiny.batch(tiny.noises([9000]))
    with torch.inference_mode():
        assert torch.allclose(encoder.frames(*given).states, other.frames(*given).states, atol=1e-6)


def test_the_front_is_in_bfloat16_only_where_that_is_native(monkeypatch):
    from audioft.models.cpu_kernels import front

    encoder = small("wav2vec2-layer", front=True)
    given = tiny.batch(tiny.noises([9000]))
    found = {}
    for native in (True, False):
        monkeypatch.setattr(front, "has_bfloat16", lambda device, native=native: native)
        with torch.inference_mode():
            states, lengths = encoder.features(*given)
            found[native] = states
            assert states.dtype == (torch.bfloat16 if native else torch.float32)
            assert encoder.begin(states, lengths).states.dtype == torch.float32  # the layers are not
    assert 0 < (found[True].float() - found[False]).abs().max() < 0.1
    states, _ = encoder.features(*given)  # with gradients it is not either
    assert states.dtype == torch.float32


def test_attention_is_in_bfloat16_where_positions_have_no_part_in_it(monkeypatch):
    from audioft.models.cpu_kernels import attention

    encoder, other = small("wav2vec2"), tiny.make_encoder("wavlm")
    compressed.settle(other, front=False, attention=True)
    assert (encoder.bfloat16_attention, other.bfloat16_attention) == (True, False)
    query, key, value = (torch.randn(2, 2, 30, 16, generator=torch.Generator().manual_seed(i)) for i in range(3))
    seen = torch.ones(2, 1, 30, 30, dtype=torch.bool)
    seen[1, ..., 20:] = False
    module = encoder.backbone.layers[0].attention
    found = {}
    for native in (True, False):
        monkeypatch.setattr(attention, "has_bfloat16", lambda device, native=native: native)
        with torch.inference_mode():
            found[native], _ = attention.attention(module, query, key, value, seen)
            assert found[native].dtype == torch.float32
    assert 0 < (found[True] - found[False]).abs().max() < 0.03
    with torch.inference_mode():
        monkeypatch.setattr(attention, "has_bfloat16", lambda device: True)
        alone, _ = attention.attention(module, query[:1], key[:1], value[:1], None)
        assert torch.equal(alone, found[True][:1])
    with_gradients, _ = attention.attention(module, query.requires_grad_(), key, value, seen)
    assert torch.allclose(with_gradients, found[False], atol=1e-5)


def test_what_a_processor_has_is_read_from_its_flags(monkeypatch):
    for flags, has in (("avx2 fma", False), ("avx512f avx512_vnni", True), ("avx_vnni", True), ("amx_int8", True)):
        monkeypatch.setattr(runtime, "_cpu_flag", lambda flag, flags=flags: flag in flags.split())
        assert runtime.has_int8(CPU) is has
        assert not runtime.has_int8(torch.device("cuda"))
