"""Latent masks: as much as asked for, for clips of any length, the same at the same address."""

import numpy as np
import pytest
import tiny
import torch

from audioft.training.latent import LatentMasking, spans


@pytest.mark.parametrize(("share", "length"), [(0.05, 10), (0.2, 5), (0.5, 10), (1.0, 4)])
def test_the_share_is_what_independent_spans_give(share, length):
    rng = np.random.default_rng(0)
    size, draws = 400, 400
    measured = np.mean([spans(rng, size, share, length).mean() for _ in range(draws)])
    # spans overlap at random: a position stays free of each of share * size / length spans with 1 - length / size
    expected = 1 - (1 - length / size) ** (share * size / length)
    assert measured == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5])
def test_short_clips(size):
    rng = np.random.default_rng(0)
    masks = np.array([spans(rng, size, 0.3, 10) for _ in range(300)])
    assert masks.shape == (300, size)
    if size >= 2:
        assert 0.15 < masks.mean() < 0.35
    else:
        assert not masks.any()  # the only frame of a clip is not hidden


def test_nothing_is_asked_nothing_is_masked():
    assert not spans(np.random.default_rng(0), 50, 0.0, 5).any()


def draw(masking, lengths, seed=0):
    encoder = tiny.make_classifier().encoder
    return masking.draw(encoder, torch.tensor(lengths), [(seed, 0, f"{i}.wav", 0) for i in range(len(lengths))])


def test_masks_lie_within_each_clip_and_depend_on_the_address_alone():
    masking = LatentMasking(time=0.5, time_length=4, channels=0.3, channel_length=3)
    mask = draw(masking, [16000, 400, 8000])
    assert mask.time.shape == (3, 49)
    assert mask.channels.shape == (3, 32)
    assert mask.time[0].any()
    assert not mask.time[1].any()
    assert not mask.time[2, 24:].any()
    assert mask.channels.any(1).all()
    again = draw(masking, [16000, 400, 8000])
    assert torch.equal(mask.time, again.time)
    assert torch.equal(mask.channels, again.channels)
    alone = masking.draw(tiny.make_classifier().encoder, torch.tensor([8000]), [(0, 0, "2.wav", 0)])
    assert torch.equal(alone.time[0], mask.time[2, :24])
    assert torch.equal(alone.channels[0], mask.channels[2])
    assert not torch.equal(draw(masking, [16000, 400, 8000], seed=1).time, mask.time)


def test_unset_shares_give_no_mask():
    mask = draw(LatentMasking(time=0.0, channels=0.2), [8000])
    assert mask.time is None
    assert mask.channels is not None


def test_masked_frames_become_the_mask_vector_and_it_learns():
    model = tiny.make_classifier()
    x = tiny.batch(tiny.noises([16000, 8000]))
    mask = draw(LatentMasking(time=0.5, time_length=4), [16000, 8000])
    plain = model(*x)
    masked = model(*x, mask)
    assert (plain - masked).abs().max() > 1e-5
    masked.sum().backward()
    assert model.encoder.model.masked_spec_embed.grad.abs().max() > 0


@pytest.mark.parametrize(
    "wrong", [{"time": 1.5}, {"channels": -0.1}, {"time_length": 0}, {"channel_length": -3}], ids=str
)
def test_wrong_settings_are_said(wrong):
    (key,) = wrong
    with pytest.raises(ValueError, match=key):
        LatentMasking(**wrong)
