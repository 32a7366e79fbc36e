"""What reaches an encoder of recordings that are slowed down, sped up or shifted: the right samples, in time."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from audioft.audio import io, isolated_decoder, live, writing
from audioft.audio.hearing import Hearing
from audioft.audio.sounds import sound
from audioft.errors import AudioError

SLOW, BAND, BOTH = Hearing(16000, 10), Hearing(16000, band=(18_000, 80_000)), Hearing(16000, 20, (18_000, 80_000))
NARROW, QUICK = Hearing(16000, band=(40_000, 44_000)), Hearing(16000, 0.1)
RATE = 384_000


def tone(hz: float, rate: int = RATE, seconds: float = 1.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def heard(how: Hearing, samples: np.ndarray, rate: int = RATE, piece: int = 38_400) -> np.ndarray:
    pieces = [samples[i : i + piece] for i in range(0, len(samples), piece)]
    return np.concatenate([np.zeros(0, np.float32), *how.heard(pieces, rate)])


def spectrum(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies as the encoder hears them, at 16 kHz, and amplitudes, of all but the beginning and the end."""
    part = samples[len(samples) // 8 : -(len(samples) // 8)]
    window = np.blackman(len(part))
    return np.fft.rfftfreq(len(part), 1 / 16000), 2 * np.abs(np.fft.rfft(part * window)) / window.sum()


@pytest.mark.parametrize(
    ("how", "hz", "expected"),
    [
        (SLOW, 25_000, 2500),
        (SLOW, 71_000, 7100),
        (BAND, 40_000, 22_000 / 7.75),
        (BAND, 75_000, 57_000 / 7.75),
        (BOTH, 40_000, 22_000 / 20),
        (NARROW, 41_000, 1000),
        (QUICK, 14, 140),
    ],
    ids=str,
)
def test_a_tone_comes_where_it_belongs_and_nothing_else(how, hz, expected):
    seconds = 1.0 if how is not QUICK else 40.0
    rate = RATE if how is not QUICK else 4000
    frequencies, amplitudes = spectrum(heard(how, tone(hz, rate, seconds), rate))
    peak = int(amplitudes.argmax())
    step = frequencies[1]
    assert abs(frequencies[peak] - expected) <= step
    assert abs(amplitudes[peak] - 0.5) < 0.01
    amplitudes[max(0, peak - 8) : peak + 9] = 0
    assert amplitudes.max() < 0.5e-5  # 100 dB below it: no mirror image, nothing folded back


@pytest.mark.parametrize(
    ("how", "hz"), [(BAND, 17_500), (BAND, 80_500), (BAND, 4000), (BAND, 150_000), (NARROW, 39_900)]
)
def test_what_lies_outside_of_a_band_is_gone(how, hz):
    _, amplitudes = spectrum(heard(how, tone(hz)))
    assert amplitudes.max() < 0.5e-5


def test_two_tones_keep_their_distance_and_their_levels():
    """A recorder's mirror would have put both at the same place."""
    frequencies, amplitudes = spectrum(heard(NARROW, tone(41_000) + tone(43_000) / 4))
    found = {round(frequencies[i]): amplitudes[i] for i in np.flatnonzero(amplitudes > 0.05)}
    assert max(found, key=lambda hz: found[hz]) == 1000
    assert abs(max(v for hz, v in found.items() if abs(hz - 3000) < 100) - 0.125) < 0.01


@pytest.mark.parametrize("how", [SLOW, BAND, BOTH, NARROW, QUICK], ids=str)
def test_pieces_do_not_show_and_the_length_is_that_of_the_time(how):
    samples = np.random.default_rng(0).normal(0, 0.1, 96_123).astype(np.float32)
    whole = heard(how, samples, piece=10**9)
    assert abs(len(whole) - len(samples) * how.per_second / RATE) <= 1
    for piece in (3000, 4097, 50_000):
        assert np.array_equal(heard(how, samples, piece=piece), whole)
    for few in (1, 2, 399):
        assert abs(len(heard(how, samples[:few])) - few * how.per_second / RATE) <= 1


@pytest.mark.parametrize("how", [SLOW, BAND], ids=str)
def test_a_break_is_told_after_what_came_before(how):
    def pieces():
        yield tone(40_000, seconds=0.3)
        raise AudioError("x.wav", "decode", "it is damaged")

    got = []
    with pytest.raises(AudioError, match="damaged"):
        got.extend(how.heard(pieces(), RATE))
    assert np.array_equal(np.concatenate(got), heard(how, tone(40_000, seconds=0.3), piece=10**9))


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    path = tmp_path_factory.mktemp("noise") / "noise.wav"
    samples = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    return path, samples


@pytest.mark.parametrize("how", [SLOW, BAND], ids=str)
def test_a_cut_is_what_it_is_alone_and_part_of_the_whole(noise, tmp_path, how):
    path, samples = noise
    cut = io.read(path, how, 0.25, 0.75)
    soundfile.write(tmp_path / "alone.wav", samples[RATE // 4 : 3 * RATE // 4], RATE, subtype="FLOAT")
    assert np.array_equal(cut, io.read(tmp_path / "alone.wav", how))
    whole = io.read(path, how)
    first, edge = how.per_second // 4, how.per_second // 50
    part = whole[first : first + len(cut)]
    assert np.abs(part - cut)[edge:-edge].max() < 1e-3
    assert np.abs(cut).max() > 0.05


@pytest.mark.parametrize("how", [SLOW, BAND, BOTH], ids=str)
def test_every_way_in_gives_the_same(noise, how):
    path, samples = noise
    expected = io.read(path, how)
    assert np.array_equal(isolated_decoder.read(path, how), expected)
    assert np.array_equal(np.concatenate(list(sound(samples, RATE, "x").blocks(how, 0.1))), expected)
    with path.open("rb") as file:
        assert np.array_equal(np.concatenate(list(live.piped(file.fileno(), how))), expected)
    with path.open("rb") as file:
        assert np.array_equal(np.concatenate(list(isolated_decoder.piped(file.fileno(), how))), expected)


@pytest.mark.parametrize(("suffix", "rate", "channels"), [("wav", 192_000, 2), ("flac", 96_000, 2), ("mp3", 44_100, 2)])
def test_other_rates_channels_and_formats(tmp_path, suffix, rate, channels):
    """21 kHz, slowed down by ten and out of a band: also of a recording whose rate ends within the band."""
    path = tmp_path / f"tone.{suffix}"
    hz = 21_000 if suffix != "mp3" else 15_000
    soundfile.write(path, np.stack([tone(hz, rate)] * channels, 1), rate)
    frequencies, amplitudes = spectrum(io.read(path, SLOW))
    assert abs(frequencies[amplitudes.argmax()] - hz / 10) < 2
    band = Hearing(16000, band=(14_000, 34_000))
    frequencies, amplitudes = spectrum(io.read(path, band))
    assert abs(frequencies[amplitudes.argmax()] - (hz - 14_000) / band.expansion) < 2


def test_a_recording_below_the_band_is_refused(tmp_path):
    soundfile.write(tmp_path / "low.wav", tone(4000, 16_000), 16_000)
    with pytest.raises(
        AudioError, match="recorded at 16 kHz, it holds nothing of the band from 18 to 80 kHz"
    ) as raised:
        io.read(tmp_path / "low.wav", BAND)
    assert raised.value.stage == "check"
    with pytest.raises(AudioError, match="holds nothing"):
        list(sound(tone(4000, 16_000), 16_000, "x").blocks(BAND))


def test_what_a_recording_cannot_give_is_said():
    assert SLOW.lacking(44_100) == (
        "recorded at 44.1 kHz and slowed down by 10, it reaches up to 2.2 kHz, and the encoder hears up to 8 kHz"
    )
    assert BAND.lacking(48_000) == "recorded at 48 kHz, it holds 18 to 24 kHz of the band from 18 to 80 kHz"
    assert [how.lacking(rate) for how, rate in ((SLOW, 96_000), (BAND, 192_000), (QUICK, 8000))] == ["", "", ""]
    assert Hearing(16000).lacking(8000) == ""


def test_a_band_is_slowed_down_by_just_as_much_as_it_needs():
    assert (BAND.expansion, BAND.per_second, NARROW.expansion) == (7.75, 124_000, 1.0)
    assert Hearing(16000, 7.75, (18_000, 80_000)).per_second == BAND.per_second
    with pytest.raises(
        ValueError, match=r"62 kHz wide, and the encoder hears 8 kHz; that needs .* of 7.75 at least, not 2"
    ):
        Hearing(16000, 2, (18_000, 80_000))
    assert Hearing(8000, band=(18_000, 80_000)).expansion == 15.5


def test_silence_does_not_become_sound(tmp_path):
    writing.write_wav(tmp_path / "zeros.wav", np.zeros(RATE // 4, np.float32), RATE)
    for how in (SLOW, BAND):
        assert not io.read(tmp_path / "zeros.wav", how).any()
