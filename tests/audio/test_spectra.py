"""Spectra on an encoder's frames: against torchaudio, centred where the encoder looks, blind to padding."""

from __future__ import annotations

import math

import pytest
import torch
import torchaudio

from audioft.audio import spectra
from audioft.audio.spectra import FLOOR, FrameGrid, deltas, log_mel, mfcc, per_frame, texture, texture_size

WAV2VEC2 = FrameGrid(16000, 320, 400)
GRIDS = [
    WAV2VEC2,
    FrameGrid(16000, 320, 560),  # kernels 256 and 20, strides 16 and 20
    FrameGrid(16000, 320, 1000),  # a frame sees more than the window
    FrameGrid(16000, 161, 321),  # an odd stride
    FrameGrid(8000, 160, 200),
    FrameGrid(44100, 882, 1102),
]


def noise(samples: int, clips: int = 1, seed: int = 0) -> torch.Tensor:
    return torch.randn(clips, samples, generator=torch.Generator().manual_seed(seed))


def frames_of(grid: FrameGrid, samples: int) -> int:
    return (samples - grid.field) // grid.stride + 1


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_energies_are_those_of_torchaudio(grid):
    wave, before = noise(grid.rate), (grid.hop * (grid.stride // grid.hop - 1) + grid.window - grid.field) // 2
    frames = frames_of(grid, grid.rate)
    aligned = torch.nn.functional.pad(wave, (before, grid.window))
    theirs = torchaudio.transforms.MelSpectrogram(
        grid.rate, grid.window, hop_length=grid.hop, n_mels=40, center=False, power=2.0
    )(aligned)
    found = log_mel(wave, grid, frames, 40)
    assert found.shape == (1, frames * grid.stride // grid.hop, 40)
    wanted = theirs.transpose(1, 2)[:, : found.shape[1]]
    torch.testing.assert_close(found, torch.log(wanted + FLOOR), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("frame", [3, 4])
def test_a_frame_is_centred_where_the_encoder_looks(grid, frame):
    """A click in the middle of what a frame sees is loudest there, and as loud in the frames on both sides."""
    wave = torch.zeros(1, 9 * grid.stride + grid.field)
    wave[0, frame * grid.stride + grid.field // 2] = 1
    energy = (log_mel(wave, grid, 10).exp() - FLOOR).sum(2)
    each = per_frame(energy[..., None], 10)[0, :, 0]
    assert int(each.argmax()) == frame
    step = grid.stride / grid.window  # how far a sample more or less moves the energies
    assert float(each[frame - 1]) == pytest.approx(float(each[frame + 1]), abs=0.05 * step * float(each[frame]) + 1e-6)
    if grid.stride // grid.hop == 2:
        first, second = energy[0, 2 * frame : 2 * frame + 2].tolist()
        assert first == pytest.approx(second, rel=0.05)


def test_the_grid_counts_frames_as_convolutions_do():
    for samples in (0, 399, 400, 719, 720, 16000):
        expected = samples
        for kernel, stride in zip((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2), strict=True):
            expected = (expected - kernel) // stride + 1
        assert max(0, int(WAV2VEC2.frames(torch.tensor(samples)))) == max(0, expected)


def test_deltas_are_those_of_torchaudio():
    values = noise(30 * 5).reshape(1, 30, 5)
    theirs = torchaudio.functional.compute_deltas(values.transpose(1, 2), win_length=5).transpose(1, 2)
    torch.testing.assert_close(deltas(values), theirs)
    torch.testing.assert_close(deltas(torch.arange(9.0)[None, :, None])[:, 2:-2], torch.ones(1, 5, 1))


def test_cepstra_are_those_of_torchaudio():
    spectrum = log_mel(noise(8000), WAV2VEC2, 24)
    found = mfcc(spectrum, 24)
    assert found.shape == (1, 24, 39)
    basis = torchaudio.functional.create_dct(13, 80, norm="ortho")
    cepstra = spectrum.reshape(1, 24, 2, 80).mean(2) @ basis
    torch.testing.assert_close(found[..., :13], cepstra, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found[:, 2:-2, 13:26], deltas(cepstra)[:, 2:-2], atol=1e-4, rtol=1e-4)
    twice = deltas(deltas(cepstra))[:, 4:-4]  # beyond the borders it is the spectra that go on
    torch.testing.assert_close(found[:, 4:-4, 26:], twice, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("bands", [40, 80])
@pytest.mark.parametrize("grid", [WAV2VEC2, FrameGrid(16000, 161, 321)], ids=str)
def test_the_size_of_a_texture(bands, grid):
    found = texture(log_mel(noise(4000), grid, 7, bands), 7)
    assert found.shape == (1, 7, texture_size(bands))
    torch.testing.assert_close(found[..., :bands], per_frame(log_mel(noise(4000), grid, 7, bands), 7))


def moving(spectrum: torch.Tensor) -> dict[str, torch.Tensor]:
    """How strongly each movement is there, `(3 times, 2 mels)`; the borders are left out."""
    frames = spectrum.shape[1] // 2
    found = texture(spectrum, frames)[0, frames // 4 : -frames // 4, 80:].mean(0)
    found = found.reshape(3, 6, 20)[..., 5:15].mean(-1)
    return {"tilt": found[:, :2], "slope": found[:, 2::2], "both": found[:, 3::2]}


def test_a_spectrum_that_stands_still_has_no_texture():
    assert max(float(v.abs().max()) for v in moving(torch.full((1, 80, 80), -2.0)).values()) < 1e-5


def test_texture_shows_how_fast_a_sound_changes():
    time = torch.arange(400.0)
    for scale, size in enumerate(spectra.TIME_SCALES):
        period = math.tau * size  # where that derivative answers most
        found = moving(torch.sin(math.tau / period * time)[None, :, None].expand(1, 400, 80).contiguous())
        assert max(found["tilt"].max(), found["both"].max()) < 1e-5, "nothing changes over mel"
        assert found["slope"].argmax(0).tolist() == [scale, scale]


def test_texture_shows_ripples_of_the_spectrum():
    band = torch.arange(80.0)
    for scale, size in enumerate(spectra.MEL_SCALES):
        period = math.tau * size
        found = moving(torch.sin(math.tau / period * band)[None, None].expand(1, 80, 80).contiguous())
        assert max(found["slope"].max(), found["both"].max()) < 1e-5, "nothing changes over time"
        assert found["tilt"].argmax(1).tolist() == [scale] * 3


def test_modulation_is_heard():
    """Noise that swells four times a second moves more on the middle scale than noise that does not."""
    wave = noise(32000)
    swelling = wave * (1 + 0.9 * torch.sin(math.tau * 4 * torch.arange(32000) / 16000))
    steady, moved = (moving(log_mel(w / w.std(), WAV2VEC2, 99))["slope"][:, 1] for w in (wave, swelling))
    assert moved[1] > 1.5 * steady[1]
    assert moved[1] / steady[1] > moved[0] / steady[0]


@pytest.mark.parametrize("grid", [WAV2VEC2, FrameGrid(16000, 161, 321)], ids=str)
def test_a_clips_features_do_not_depend_on_the_clips_beside_it(grid):
    short, long = noise(5000, seed=1), noise(16000, seed=2)
    padded = torch.cat([torch.nn.functional.pad(short, (0, 11000)), long])
    lengths = torch.tensor([5000, 16000])
    own, most = frames_of(grid, 5000), frames_of(grid, 16000)
    for of in (mfcc, texture):
        alone = of(log_mel(short, grid, own), own)
        beside = of(log_mel(padded, grid, most, lengths=lengths), most)
        torch.testing.assert_close(beside[:1, :own], alone, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(beside[1:], of(log_mel(long, grid, most), most), atol=1e-4, rtol=1e-4)
        leaking = of(log_mel(padded, grid, most), most)[:1, :own]
        assert (leaking - alone).abs().max() > 0.1, "this test would not notice"
