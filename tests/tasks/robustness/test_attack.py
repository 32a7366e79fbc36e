"""The attack: its gradient is that of finite differences, and what it finds holds in 16 bits within the SNR."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from audioft.data.dataset import Preparation
from audioft.tasks.robustness import attack
from audioft.tasks.robustness.attack import Attack
from audioft.tasks.robustness.disturbances.level import as_16_bits


def sound(samples: int = 6000, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(samples, generator=torch.Generator().manual_seed(seed))


def made(kind: str, **how) -> Attack:
    torch.manual_seed(0)
    return Attack(tiny.make_classifier(kind), False, torch.zeros(3), **how)


@pytest.mark.parametrize("kind", ["wav2vec2", "wavlm-stable", "ast", "whisper", "bert"])
def test_the_gradient_is_that_of_finite_differences(kind):
    """Through the normalisation of a clip, the padding and the spectra; along its own direction and a drawn one."""
    found, target = made(kind), torch.tensor([[1.0, 0.0, 0.0]])
    found.model.eval()
    waveform = sound()
    (slope,) = found.gradients([waveform], target)
    size = float(slope.norm())
    assert size > 0
    for way, step in ((slope, 0.004), (slope + size * sound(seed=1) / sound(seed=1).norm(), 0.004)):
        way = way / way.norm()
        with torch.no_grad():
            up, down = (float(found.margins([waveform + s * way], target).double()) for s in (step, -step))
        assert float(slope @ way) == pytest.approx((up - down) / (2 * step), rel=0.05)


def test_what_is_prepared_is_what_evaluation_prepares():
    short, long = sound(300), sound(900)
    prepare = Preparation(16000, True, 400)
    padded, lengths = attack.prepared([short, long], prepare)
    assert lengths.tolist() == [400, 900]
    for row, one in zip(padded, (short, long), strict=True):
        wanted = prepare(one.numpy())
        torch.testing.assert_close(row[: len(wanted)], wanted, atol=1e-6, rtol=1e-5)


def test_an_attack_succeeds_where_noise_as_loud_does_not_and_more_where_louder():
    found = made("wav2vec2", steps=20, starts=1, snrs=(40.0, 0.0))
    waveforms = [sound(4000, seed) for seed in range(6)]
    with torch.no_grad():
        found.model.eval()
        answers = torch.cat([found.model(*attack.prepared([w], Preparation(16000, True, 400))) for w in waveforms])
    targets = torch.nn.functional.one_hot(answers.argmax(1), 3).double()
    told = []
    result = found.on(waveforms, targets, np.arange(6), told.append)
    small, large = result.rows
    assert result.clips == 6
    assert large.success.value >= max(small.success.value, large.universal.value)
    assert large.success.value > 0.5
    assert told[-1] == 12
    assert all(p.requires_grad for p in found.model.parameters())


def test_the_change_stays_within_its_snr(monkeypatch):
    found, seen = made("wav2vec2", steps=5, starts=1), []
    plain = Attack._wrong
    monkeypatch.setattr(Attack, "_wrong", lambda self, w, t: seen.extend(w) or plain(self, w, t))
    waveform = as_16_bits(sound(4000))
    found._tried([waveform], torch.tensor([[1.0, 0.0, 0.0]]), 30.0, 0)
    assert len(seen) >= 1
    for one in seen:
        assert torch.equal(one, as_16_bits(one))
        assert 20 * torch.log10(waveform.norm() / (one - waveform).norm()) > 29.9
