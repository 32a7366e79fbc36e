"""bfloat16 in training: what is chosen and said, what stays in float32, and that every family trains in it."""

import pytest
import torch
from small_training import make_trainer
from torch import nn

from audioft.core import runtime
from audioft.models.backbones.waveform import own_group_norm
from audioft.models.encoder import Encoder
from audioft.models.frames import Frames
from audioft.models.pooling import LayerSum
from audioft.models.poolings_and_heads import heads, poolings
from audioft.training.losses import losses

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("flags", "capability", "said"),
    [
        ("avx2", "AVX2", "fp32 (this processor has no native bfloat16)"),
        ("avx2 avx512f avx512_bf16", "AVX512", "bf16 (this processor computes in bfloat16)"),
        ("avx2 avx512f avx512_bf16", "AVX2", "fp32 (this processor has no native bfloat16)"),
        ("avx2 avx512f amx_bf16", "AVX512", "bf16 (this processor computes in bfloat16)"),
    ],
)
def test_auto_says_what_it_takes_and_why(flags, capability, said, monkeypatch):
    monkeypatch.setattr(runtime, "_cpu_flag", lambda flag: flag in flags.split())
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert runtime.explain_precision("auto", CPU) == said
    assert runtime.choose_precision("auto", CPU) == said[:4]
    assert runtime.explain_precision("fp32", CPU) == "fp32 (as asked)"


def low() -> Frames:
    """Frames of numbers that bfloat16 holds, of which sums do not fit into it."""
    torch.manual_seed(0)
    layers = tuple((1 + torch.rand(2, 300, 8)).bfloat16() for _ in range(4))
    return Frames(layers[-1], torch.tensor([300, 201]), 0.02, layers, layer=3)


def full(frames: Frames) -> Frames:
    layers = tuple(x.float() for x in frames.layers)
    return Frames(layers[-1], frames.lengths, frames.seconds_per_frame, layers, layer=3)


@pytest.mark.parametrize("name", ["mean", "tokens", "all_frames", "stats"])
def test_poolings_are_computed_in_float32(name):
    pooling = poolings.build(name, hidden_size=8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = pooling(low())
    assert found.dtype == torch.float32
    assert torch.equal(found, pooling(full(low())))


def test_weights_of_an_attentive_pooling_are_a_softmax_in_float32():
    pooling = poolings.build("attentive_stats", hidden_size=8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = pooling(low())
    assert found.dtype == torch.float32
    assert (found - pooling(full(low()))).abs().max() < 1e-3  # half a step of bfloat16 is 4e-3 here


def test_a_layer_sum_is_computed_in_float32():
    layer_sum = LayerSum(3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = layer_sum(low()).states
    assert found.dtype == torch.float32
    assert torch.equal(found, layer_sum(full(low())).states)


@pytest.mark.parametrize("name", [n for n in losses.names() if n != "bce"])
def test_losses_and_margins_are_computed_in_float32(name):
    torch.manual_seed(0)
    logits = (20 * torch.rand(6, 4) - 10).bfloat16()
    targets, known = torch.eye(4)[[0, 1, 2, 3, 0, 1]], torch.ones(6, 4, dtype=torch.bool)
    loss = losses[name]()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, _ = loss(logits, targets, known)
    assert found.dtype == torch.float32
    assert torch.equal(found, loss(logits.float(), targets, known)[0])


def test_binary_cross_entropy_is_computed_in_float32():
    logits, targets = torch.randn(6, 4).bfloat16(), torch.rand(6, 4).round()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, _ = losses["bce"]()(logits, targets, targets > -1)
    assert found.dtype == torch.float32
    assert torch.equal(found, losses["bce"]()(logits.float(), targets, targets > -1)[0])


def test_cosines_of_a_margin_head_are_computed_in_float32():
    head = heads.build("cosine", input_size=8, num_labels=4)
    pooled = torch.randn(5, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, embedded = head(pooled), head.embed(pooled)
    with torch.no_grad():
        unit, centers = (nn.functional.normalize(x.float(), dim=-1) for x in (embedded, head.centers))
    assert found.dtype == torch.float32
    assert (found - head.scale * torch.einsum("bd,c...d->bc", unit, centers)).abs().max() < 1e-4


@pytest.mark.parametrize("norm", ["layer", "group", "own"])
def test_norms_take_their_statistics_in_float32(norm):
    """On a mean of 100 a deviation of 1 is two steps of bfloat16: statistics in it would be far off."""
    torch.manual_seed(0)
    x = (100 + torch.randn(2, 16, 500)).bfloat16()
    lengths = torch.tensor([500, 300])
    made = {
        "layer": lambda x: nn.functional.layer_norm(x, (500,)),
        "group": nn.GroupNorm(16, 16),
        "own": lambda x: own_group_norm(x, lengths, nn.GroupNorm(16, 16)),
    }[norm]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = made(x)
    assert (found.float() - made(x.float())).abs().max() < 0.02


KINDS = ["wav2vec2", "conformer-rotary", "bert", "hubert", "wavlm", "data2vec-audio", "unispeech", "unispeech-sat"]


@pytest.mark.parametrize("kind", [*KINDS, "sew", "sew-d", "ast", "whisper"])
def test_every_family_trains_in_it_close_to_float32(kind, tmp_path, monkeypatch):
    # the same layers and numbers in both, whatever would be drawn
    monkeypatch.setattr(Encoder, "train", lambda self, mode=True: nn.Module.train(self, False))
    moved, losses_ = {}, {}
    for precision in ("fp32", "bf16"):
        trainer = make_trainer(tmp_path / precision, kind=kind, encoder={}, size=4, epochs=1, precision=precision)
        trainer.optimizer = torch.optim.SGD([{**g, "peak": 1.0} for g in trainer.optimizer.param_groups], lr=1.0)
        before = torch.cat([p.detach().flatten() for p in trainer.model.parameters()])
        trainer.fit()
        assert {p.dtype for p in trainer.model.parameters()} == {torch.float32}
        moved[precision] = torch.cat([p.detach().flatten() for p in trainer.model.parameters()]) - before
        losses_[precision] = trainer.state.loss / trainer.state.weight
    assert moved["bf16"].isfinite().all()
    assert 0 < abs(losses_["bf16"] - losses_["fp32"]) < 0.02
    assert torch.cosine_similarity(moved["bf16"], moved["fp32"], 0) > 0.99
