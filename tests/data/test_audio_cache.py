"""Decoded clips on the disk are what decoding gives, to 16 bits, and never anything else."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil

import numpy as np
import pytest
import soundfile

from audioft.audio import io, writing
from audioft.data import audio_cache, audio_file
from audioft.data.audio_cache import AudioCache
from audioft.data.clip import Clip
from audioft.errors import AudioError, AudioftError

RATE = 16000
KEY = bytes(range(32))
STEP = 1 / 32768


def noise(seconds, rate=RATE, seed=0, level=0.1):
    return np.random.default_rng(seed).normal(0, level, round(seconds * rate)).astype(np.float32)


def recording(path, seconds=3.0, rate=44100, channels=2, seed=0):
    soundfile.write(path, np.stack([noise(seconds, rate, seed + i) for i in range(channels)], 1), rate)
    return path


def cache_of(folder, *paths, **options):
    digests = {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}
    return AudioCache(folder / "cache", RATE, digests, **options)


def filled(cache, clips):
    cache.fill(cache.missing(clips), 2, lambda done: None)
    assert not cache.missing(clips)
    return cache


def forbidden(monkeypatch):
    def stream(*a, **k):
        raise AssertionError("decoded")

    monkeypatch.setattr(io, "stream", stream)


# --- one file


@pytest.mark.parametrize("blocks", [[1], [700, 3, audio_file.BLOCK, 5], [audio_file.BLOCK] * 2])
def test_samples_come_back_in_any_part(tmp_path, blocks):
    wave = np.round(noise(sum(blocks) / RATE) / STEP).astype(np.float32) * np.float32(STEP)
    cuts = np.split(wave, np.cumsum(blocks)[:-1])
    audio_file.write(tmp_path / "a" / "x", KEY, lambda: iter(cuts))
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["x"]
    np.testing.assert_array_equal(audio_file.read(tmp_path / "a" / "x", KEY), wave)
    for start in (0, 1, audio_file.BLOCK - 1, audio_file.BLOCK, len(wave) - 1):
        if start < len(wave):
            for count in (1, len(wave) - start):
                found = audio_file.read(tmp_path / "a" / "x", KEY, start, count)
                np.testing.assert_array_equal(found, wave[start : start + count])
            np.testing.assert_array_equal(audio_file.read(tmp_path / "a" / "x", KEY, start), wave[start:])
    assert len(audio_file.read(tmp_path / "a" / "x", KEY, len(wave), 1)) == 1  # moved to where it fits


def test_a_loud_clip_is_not_cut_off(tmp_path):
    wave = noise(2.0, level=1.0)
    assert np.abs(wave).max() > 3
    audio_file.write(tmp_path / "x", KEY, lambda: iter(np.split(wave, 4)))
    found = audio_file.read(tmp_path / "x", KEY)
    assert np.abs(found - wave).max() <= 0.51 * np.abs(wave).max() / 32767


def test_no_byte_of_it_can_be_another(tmp_path):
    wave = noise(0.01)
    path = tmp_path / "x"
    audio_file.write(path, KEY, lambda: iter([wave]))
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        with pytest.raises(audio_file.NotThere):
            audio_file.read(path, KEY)
    for length in (0, 10, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(audio_file.NotThere):
            audio_file.read(path, KEY)
    path.write_bytes(whole)
    audio_file.read(path, KEY)
    with pytest.raises(audio_file.NotThere):
        audio_file.read(path, KEY[::-1])
    with pytest.raises(audio_file.NotThere):
        audio_file.read(tmp_path / "y", KEY)


def test_nothing_is_left_of_one_that_breaks_off(tmp_path):
    def blocks():
        yield noise(20.0)
        raise AudioError("a.wav", "decode", "it breaks off")

    with pytest.raises(AudioError):
        audio_file.write(tmp_path / "x", KEY, blocks)
    with pytest.raises(ValueError, match="not finite"):
        audio_file.write(tmp_path / "x", KEY, lambda: iter([np.array([0.0, np.nan], np.float32)]))
    assert not list(tmp_path.iterdir())


# --- the cache


def test_a_clip_is_what_decoding_gives_to_16_bits(tmp_path, monkeypatch):
    path = recording(tmp_path / "a.flac")
    clips = [Clip(path, "a"), Clip(path, "a", 0.5, 1.7)]
    expected = [io.read(path, RATE, c.start, c.end) for c in clips]
    cache = filled(cache_of(tmp_path, path), clips)
    forbidden(monkeypatch)
    for clip, wave in zip(clips, expected, strict=True):
        found = cache(clip, RATE, clip.start, clip.end)
        assert found.dtype == np.float32
        assert len(found) == len(wave)
        assert 0 < np.abs(found - wave).max() <= 0.51 * STEP
        start = clip.start + 0.25
        part = cache(clip, RATE, start, start + 0.5)
        np.testing.assert_array_equal(part, found[4000:12000])
        assert len(cache(clip, RATE, start + 0.5, start + 2.5)) <= 32000


def test_a_16_bit_recording_at_the_rate_comes_back_to_the_bit(tmp_path):
    path = recording(tmp_path / "a.wav", rate=RATE, channels=1)
    clip = Clip(path, "a")
    cache = filled(cache_of(tmp_path, path), [clip])
    np.testing.assert_array_equal(cache(clip, RATE, 0.0, None), io.read(path, RATE))


def test_what_is_gone_or_damaged_or_foreign_is_made_again_the_same(tmp_path, monkeypatch):
    path, other = recording(tmp_path / "a.ogg"), recording(tmp_path / "b.ogg", seed=5)
    clip = Clip(path, "a", 0.3, 2.5)
    cache = filled(cache_of(tmp_path, path, other), [clip, Clip(other, "b", 0.3, 2.5)])
    expected = cache(clip, RATE, 0.7, 1.9)
    file, foreign = cache._place(clip)[0], cache._place(Clip(other, "b", 0.3, 2.5))[0]
    whole = file.read_bytes()
    for spoil in (
        file.unlink,
        lambda: file.write_bytes(whole[:-5]),
        lambda: file.write_bytes(whole[:4000] + b"?" + whole[4001:]),
        lambda: shutil.copy(foreign, file),
    ):
        spoil()
        np.testing.assert_array_equal(cache(clip, RATE, 0.7, 1.9), expected)
        assert file.read_bytes() == whole
    file.unlink()
    monkeypatch.setattr(audio_file, "cache_file", lambda p, make=audio_file.cache_file: make(no_room(p, file)))
    np.testing.assert_array_equal(cache(clip, RATE, 0.7, 1.9), expected)
    assert not file.exists()
    with pytest.raises(AudioftError, match=r"No space left.*cache\.audio"):
        cache.fill([clip], 1, lambda done: None)


def no_room(path, file):
    if path == file:
        raise OSError(28, "No space left on device")
    return path


def test_runs_share_it_and_another_content_is_another_clip(tmp_path, monkeypatch):
    path = recording(tmp_path / "a.flac")
    clip = Clip(path, "a")
    first = filled(cache_of(tmp_path, path), [clip])
    moved = tmp_path / "moved.flac"
    shutil.copy(path, moved)
    again = pickle.loads(pickle.dumps(cache_of(tmp_path, moved)))  # as a worker process gets it
    assert not again.missing([Clip(moved, "m")])
    assert again.missing([Clip(moved, "m", 0.0, 1.0)])
    recording(path, seed=7)
    assert cache_of(tmp_path, path).missing([clip]) == [clip]
    old = first._place(clip)[0]
    os.utime(old, (1, 1))
    assert not again.missing([Clip(moved, "m")])
    assert old.stat().st_mtime > 1e9, "what is used is not the oldest"


def test_parts_of_a_vorbis_file_decode_it_once_and_are_the_same_bits(tmp_path, monkeypatch):
    path = recording(tmp_path / "a.ogg", 6.0)
    clips = [Clip(path, "a", s, s + 1.0) for s in (0.0, 2.25, 2.5, 4.9)]
    one_by_one = cache_of(tmp_path, path)
    for clip in clips:
        filled(one_by_one, [clip])
    expected = [one_by_one(c, RATE, c.start, c.end) for c in clips]
    shutil.rmtree(one_by_one.folder)
    converted = []
    convert = writing.convert
    monkeypatch.setattr(writing, "convert", lambda *a, **k: (converted.append(a[0]), convert(*a, **k)))
    together = filled(cache_of(tmp_path, path), clips)
    assert converted == [path]
    for clip, wave in zip(clips, expected, strict=True):
        np.testing.assert_array_equal(together(clip, RATE, clip.start, clip.end), wave)
    assert not [p for p in together.folder.iterdir() if p.name.startswith(".")]


def test_recordings_are_kept_whole_where_windows_move(tmp_path, monkeypatch):
    path = recording(tmp_path / "a.flac", 4.0)
    windows = [Clip(path, "a", s, s + 1.0) for s in (0.0, 1.0, 2.0, 3.0)]
    cache = cache_of(tmp_path, path, whole=True)
    assert len(cache.missing(windows)) == 1
    filled(cache, windows)
    whole = audio_file.read(*cache._place(Clip(path, "a")))
    forbidden(monkeypatch)
    np.testing.assert_array_equal(cache(windows[1], RATE, 0.6, 1.6), whole[9600:25600])
    np.testing.assert_array_equal(cache(windows[3], RATE, 3.0, None), whole[48000:])


def test_what_cannot_be_decoded_fails_when_it_is_read_as_without(tmp_path):
    path, good = tmp_path / "bad.flac", recording(tmp_path / "good.flac")
    path.write_bytes(good.read_bytes()[:30_000])
    clips = [Clip(path, "bad"), Clip(good, "good")]
    cache = cache_of(tmp_path, path, good)
    cache.fill(cache.missing(clips), 2, lambda done: None)
    assert cache.missing(clips) == clips[:1]
    with pytest.raises(AudioError) as without:
        io.read(path, RATE)
    with pytest.raises(AudioError) as found:
        cache(clips[0], RATE, 0.0, None)
    assert (found.value.stage, found.value.reason) == (without.value.stage, without.value.reason)
    assert audio_cache.default_folder().name == "audio"
