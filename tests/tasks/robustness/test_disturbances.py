"""Disturbances are as strong as their table says, each a function of its address alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from audioft.audio import recording
from audioft.augmentation import dsp
from audioft.core.runtime import generator
from audioft.tasks.robustness.disturbances import KINDS, Scene, codecs
from audioft.tasks.robustness.strengths import COUNT, STRENGTHS

RATE = 16000
HERE = sorted(k for k, s in STRENGTHS.items() if not s.needs)
BY_SNR = sorted(k for k, s in STRENGTHS.items() if s.unit == "dB SNR")


class Tones:
    """Other recordings: a tone of a drawn pitch."""

    def recording(self, rng, samples):
        return torch.sin(torch.arange(samples) * float(rng.uniform(0.05, 1)))

    def impulse(self, severity):
        return None


def clip(samples: int = 2 * RATE) -> torch.Tensor:
    """Bursts of a chirp: speech-like in that its level changes."""
    time = np.arange(samples) / RATE
    return torch.from_numpy((0.3 * np.sin(2 * np.pi * (300 + 900 * time) * time) * (time % 0.5 < 0.3)).astype("f4"))


def noisy(seconds: int) -> torch.Tensor:
    return clip(seconds * RATE) + 0.01 * torch.randn(seconds * RATE, generator=torch.Generator().manual_seed(0))


def disturbed(kind: str, severity: int, waveform: torch.Tensor, seed: int = 0) -> torch.Tensor:
    scene = Scene(RATE, generator(seed, kind), Tones(), RATE, (severity - 1) / (COUNT - 1))
    return KINDS[kind](waveform, STRENGTHS[kind].values[severity - 1], scene)


def change_db(kind: str, severity: int, waveform: torch.Tensor) -> float:
    """How far the change lies below the clip."""
    added = disturbed(kind, severity, waveform) - waveform
    return 20 * np.log10(dsp.rms(waveform) / dsp.rms(added))


def test_every_strength_has_its_disturbance_and_every_disturbance_five():
    assert set(KINDS) == set(STRENGTHS)
    assert {len(set(s.values)) for s in STRENGTHS.values()} == {COUNT}


@pytest.mark.parametrize("kind", BY_SNR)
def test_an_snr_is_the_one_that_is_said(kind):
    for severity, snr in enumerate(STRENGTHS[kind].values, 1):
        assert abs(change_db(kind, severity, clip()) - snr) < 0.1


@pytest.mark.parametrize("kind", HERE)
def test_an_address_gives_the_same_sound_and_leaves_the_clip(kind):
    given = clip()
    kept = given.clone()
    first = disturbed(kind, 3, given)
    assert torch.equal(first, disturbed(kind, 3, given))
    assert torch.equal(given, kept)
    assert first.dtype == torch.float32
    assert torch.isfinite(first).all()
    if kind not in ("speed", "drift"):
        assert len(first) == len(given)


@pytest.mark.parametrize("samples", [1, 7, 399])
@pytest.mark.parametrize("kind", HERE)
def test_clips_shorter_than_a_frame_go_through(kind, samples):
    for severity in (1, COUNT):
        assert torch.isfinite(disturbed(kind, severity, 0.1 * torch.randn(samples))).all()


@pytest.mark.parametrize("kind", sorted(set(HERE) - {"dc"}))
def test_silence_stays_silence(kind):
    assert not disturbed(kind, 3, torch.zeros(4000)).any()


@pytest.mark.parametrize("kind", ["mp3", "vorbis", "gsm", "mulaw", "adpcm", "clipping", "dropouts", "packet_loss"])
def test_a_harder_strength_changes_more_of_the_clip(kind):
    left = [change_db(kind, severity, noisy(20)) for severity in range(1, COUNT + 1)]
    assert left == sorted(left, reverse=True), left


@pytest.mark.parametrize("kind", ["mp3", "opus", "mulaw", "adpcm"])
def test_a_codec_keeps_its_place_and_its_bit_rate(kind, monkeypatch):
    sizes = []
    plain = recording.encoded

    def encoded(*given):
        data = plain(*given)
        sizes.append(8 * len(data) / 4 / 1000)
        return data

    monkeypatch.setattr(codecs.recording, "encoded", encoded)
    given = noisy(4)
    found = [disturbed(kind, severity, given) for severity in (1, 2, 3)]
    for size, said in zip(sizes, STRENGTHS[kind].values, strict=False):
        assert 0.75 < size / said < 1.25, (sizes, said)
    assert change_db(kind, 1, clip()) > 6  # half a millisecond late, and nothing would be left
    assert all(len(one) == len(given) for one in found)


def test_lost_packets_are_as_many_as_said():
    lost = 1 - (disturbed("packet_loss", 4, torch.ones(1000 * RATE // 10)) != 0).double().mean()
    assert abs(float(lost) - 0.2) < 0.03


def test_gaps_of_a_milder_strength_are_among_those_of_a_harder_one():
    mild, hard = (disturbed("dropouts", s, torch.ones(10 * RATE)) == 0 for s in (2, 4))
    assert mild.any()
    assert bool((hard | ~mild).all())


def test_a_clock_that_is_off_changes_the_length_by_a_hundredth():
    assert abs(abs(len(disturbed("drift", 5, clip())) / len(clip()) - 1) - 0.01) < 2e-4


def test_what_only_ffmpeg_has_says_so(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert "ffmpeg is not installed" in codecs.without("aac")
    assert codecs.without("mp3") == ""


def test_an_ffmpeg_without_the_encoder_is_told_by_name(monkeypatch):
    monkeypatch.setattr(codecs.shutil, "which", lambda name: "/usr/bin/ffmpeg")
    monkeypatch.setattr(codecs, "_encoders", lambda: frozenset({"aac"}))
    assert codecs.without("aac") == ""
    assert codecs.without("amr").endswith("built without its encoder, libopencore_amrnb")


@pytest.mark.parametrize("kind", sorted(codecs.OF_FFMPEG))
def test_codecs_of_ffmpeg_stay_in_place_and_lose_more_at_fewer_bits(kind):
    if why := codecs.without(kind):
        pytest.skip(why)
    mild, hard = change_db(kind, 1, clip()), change_db(kind, 5, clip())
    assert mild > 6, mild  # half a millisecond late, and nothing would be left
    assert mild > hard
    assert len(disturbed(kind, 3, clip())) == len(clip())
