from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from audioft.augmentation import Mixup, dsp


def clip(samples: int, level: float, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, level, samples).astype(np.float32))


def drawn(weight: float, offset: float = 0.0) -> dict:
    return {"partner": 0, "weight": weight, "offset": offset}


def test_a_draw_is_within_its_limits_and_can_be_stored():
    draws = [Mixup(p=1, alpha=0.4).draw(np.random.default_rng(i), candidates=5) for i in range(300)]
    assert {d["partner"] for d in draws} == set(range(5))
    assert all(0 <= d["weight"] <= 1 and 0 <= d["offset"] < 1 for d in draws)
    assert json.loads(json.dumps(draws)) == draws


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_the_weight_follows_the_beta_distribution(alpha):
    weights = [Mixup(p=1, alpha=alpha).draw(np.random.default_rng(i), 3)["weight"] for i in range(2000)]
    assert np.mean(weights) == pytest.approx(0.5, abs=0.03)
    assert np.var(weights) == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.1)


def test_p_and_the_lack_of_candidates():
    def share(p: float, candidates: int) -> float:
        mixup = Mixup(p=p)
        return np.mean([mixup.draw(np.random.default_rng(i), candidates) is not None for i in range(1000)])

    assert share(0, 4) == 0
    assert share(1, 4) == 1
    assert share(1, 0) == 0
    assert abs(share(0.5, 4) - 0.5) < 0.06


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.9, 1.0])
def test_both_are_heard_at_their_weights_whatever_their_levels(weight):
    a, b = clip(40_000, 0.1, 0), clip(40_000, 0.003, 1)
    mixed = Mixup().apply(a, b, drawn(weight))
    norm = np.hypot(weight, 1 - weight)
    heard_a = float(mixed @ a / (a @ a))
    heard_b = float(mixed @ b / (b @ b)) * dsp.rms(b) / dsp.rms(a)
    assert heard_a == pytest.approx(weight / norm, abs=0.02)
    assert heard_b == pytest.approx((1 - weight) / norm, abs=0.02)
    assert dsp.rms(mixed) == pytest.approx(dsp.rms(a), rel=0.02)


def test_a_longer_partner_is_cut_at_the_offset():
    a, b = clip(1000, 0.1, 0), clip(3000, 0.1, 1)
    mixed = Mixup().apply(a, b, drawn(0.0, offset=0.5))
    assert torch.allclose(mixed, dsp.at_level(b[1000:2000], dsp.rms(a)), atol=1e-6)


def test_a_shorter_partner_is_laid_at_the_offset():
    a, b = clip(3000, 0.1, 0), clip(1000, 0.1, 1)
    mixed = Mixup().apply(a, b, drawn(0.0, offset=0.5))
    assert not mixed[:1000].any()
    assert not mixed[2000:].any()
    assert torch.allclose(mixed[1000:2000], dsp.at_level(b, dsp.rms(a)), atol=1e-6)


@pytest.mark.parametrize("a_samples", [1, 399, 400, 5000])
@pytest.mark.parametrize("b_samples", [1, 400, 7000])
@pytest.mark.parametrize("levels", [(0.0, 0.0), (0.1, 0.0), (0.0, 0.1), (0.1, 0.1)])
def test_any_pair_gives_a_finite_sound_as_long_as_the_clip(a_samples, b_samples, levels):
    a, b = clip(a_samples, levels[0], 0), clip(b_samples, levels[1], 1)
    for offset in (0.0, 0.999999):
        mixed = Mixup().apply(a, b, drawn(0.5, offset))
        assert mixed.shape == a.shape
        assert mixed.dtype == torch.float32
        assert torch.isfinite(mixed).all()
        assert torch.equal(mixed, Mixup().apply(a, b, drawn(0.5, offset)))


def test_a_partner_is_heard_beside_a_silent_clip():
    assert dsp.rms(Mixup().apply(torch.zeros(1000), clip(1000, 0.1, 1), drawn(0.5))) > 0.05


def test_single_label_targets_are_weighted():
    ya, yb = torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 0, 1])
    mixed, known = Mixup().targets(ya, yb, drawn(0.7), multi_label=False)
    assert torch.allclose(mixed, torch.tensor([0.7, 0, 0.3]))
    assert known.all()


def test_multi_label_targets_are_united_and_known_where_both_are():
    ya, yb = torch.tensor([1.0, 0, 0, 1]), torch.tensor([0.0, 0, 1, 1])
    known_a, known_b = torch.tensor([True, True, True, False]), torch.tensor([True, False, True, False])
    mixed, known = Mixup().targets(ya, yb, drawn(0.7), True, known_a, known_b)
    assert mixed.tolist() == [1, 0, 1, 1]
    assert known.tolist() == [True, False, True, False]
