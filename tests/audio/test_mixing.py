"""Channels that cancel or are dead; what a mix is for one part of a recording it is for all."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from audioft.audio import io, isolated_decoder, mixing, remarks

RATE = 16000
RNG = np.random.default_rng(0)
SOUND = (0.3 * np.sin(np.arange(12 * RATE) / 20) + RNG.normal(0, 0.02, 12 * RATE)).astype(np.float32)
NOISE = RNG.normal(0, 0.1, 12 * RATE).astype(np.float32)


def written(path, *channels):
    kinds = {".wav": ("WAV", "FLOAT"), ".flac": ("FLAC", "PCM_24"), ".ogg": ("OGG", "VORBIS")}
    form, subtype = kinds[path.suffix]
    soundfile.write(path, np.stack(channels, 1), RATE, format=form, subtype=subtype)
    return path


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_channels_that_cancel_are_the_loudest_one(tmp_path, suffix):
    for quieter in (1.0, 0.95):
        path = written(tmp_path / f"a{suffix}", SOUND, -quieter * SOUND)
        said = []
        got = np.concatenate(list(io.stream(path, note=said.append)))
        np.testing.assert_allclose(got, SOUND, atol=1e-5)
        assert "cancel" in said[0]
        assert "channel 1" in said[0]


def test_channels_as_they_usually_are_have_their_mean_to_the_bit(tmp_path):
    for channels in ((SOUND, NOISE), (SOUND, 0.5 * SOUND), (SOUND, -0.5 * SOUND), (SOUND, 0.01 * NOISE)):
        path = written(tmp_path / "a.wav", *channels)
        said = []
        got = np.concatenate(list(io.stream(path, note=said.append)))
        np.testing.assert_array_equal(got, (channels[0] + channels[1]) / np.float32(2))
        assert said == []
    path = written(tmp_path / "a.wav", SOUND, NOISE, -SOUND)
    np.testing.assert_array_equal(io.read(path), np.stack([SOUND, NOISE, -SOUND], 1).mean(1))


@pytest.mark.parametrize("dead", [np.zeros_like(SOUND), 1e-5 * NOISE, np.full_like(SOUND, 0.01)])
def test_a_dead_channel_does_not_halve_the_level(tmp_path, dead):
    path = written(tmp_path / "a.wav", dead, SOUND)
    said = []
    got = np.concatenate(list(io.stream(path, note=said.append)))
    assert np.std(got) == pytest.approx(np.std(SOUND), rel=1e-3)
    assert "channel 1 is dead" in said[0]
    later = dead.copy()
    later[11 * RATE :] = NOISE[11 * RATE :]  # what comes after all is not lost
    got = io.read(written(tmp_path / "a.wav", later, SOUND))
    assert np.corrcoef(got[11 * RATE :] - SOUND[11 * RATE :], NOISE[11 * RATE :])[0, 1] > 0.99


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
def test_every_part_is_mixed_as_the_whole(tmp_path, suffix):
    second = -SOUND.copy()
    second[: 2 * RATE] = NOISE[: 2 * RATE]  # the first part alone would be mixed otherwise
    for channels in ((SOUND, -SOUND), (SOUND, second), (0 * SOUND, SOUND)):
        path = written(tmp_path / f"a{suffix}", *channels)
        whole = io.read(path)
        for start, end in ((0.0, 1.0), (0.5, 1.5), (1.0, 11.5), (10.5, 11.0), (11.0, None)):
            for _ in range(2):
                part = io.read(path, start=start, end=end)
                np.testing.assert_array_equal(
                    part, whole[round(start * RATE) : None if end is None else round(end * RATE)]
                )


def test_it_is_kept_to_be_told(tmp_path):
    path = written(tmp_path / "a.wav", SOUND, -SOUND)
    isolated_decoder.read(path)
    assert [str(p) for p in remarks.taken([tmp_path / "other.wav", path])] == [
        f"{path}: {mixing.decided([np.stack([SOUND, -SOUND], 1)]).said}"
    ]
    assert remarks.of(path) == ""


def test_what_nobody_asks_for_is_forgotten_one_day(monkeypatch):
    monkeypatch.setattr(remarks, "_SAID", {})
    monkeypatch.setattr(remarks, "_MOST", 3)
    for name in "abcad":
        remarks.keep(name, "quiet")
    assert [p.place for p in remarks.taken("abcd")] == ["b", "c", "d"]


def test_silence_and_what_is_no_number_have_their_mean():
    zeros = np.zeros((RATE, 2), np.float32)
    assert mixing.decided([zeros]) == mixing.PLAIN
    assert mixing.decided([]) == mixing.PLAIN
    zeros[5] = np.nan
    assert mixing.decided([zeros]) == mixing.PLAIN
    late = np.zeros((10 * RATE, 2), np.float32)
    late[12345] = 0.5, -0.5  # a single click
    assert mixing.decided([late]).only == 0
