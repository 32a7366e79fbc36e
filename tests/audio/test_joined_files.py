"""Files whose decoder ends early: recordings put together, ends that a header tells wrongly, what lies after them."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import soundfile
from audio.test_media import DECODERS, MADE, encoded

from audioft.audio import containers, io, media, mpeg_frames
from audioft.audio.hearing import Hearing
from audioft.data import check_cache
from audioft.data.check import check
from audioft.data.clip import Clip
from audioft.errors import AudioError

RATE = 16000
FIRST = (0.3 * np.sin(np.arange(2 * RATE) / 20)).astype(np.float32)
SECOND = (0.2 * np.sin(np.arange(3 * RATE) / 11)).astype(np.float32)
KINDS = {
    "flac": ("FLAC", "PCM_16"),
    "24.flac": ("FLAC", "PCM_24"),
    "wav": ("WAV", "PCM_16"),
    "float.wav": ("WAV", "FLOAT"),
    "rf64": ("RF64", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "alac.caf": ("CAF", "ALAC_16"),
    "w64": ("W64", "PCM_16"),
    "au": ("AU", "PCM_16"),
}


def written(path, kind, samples, rate=RATE):
    form, subtype = KINDS[kind]
    soundfile.write(path, samples, rate, format=form, subtype=subtype)
    return path.read_bytes()


def listened(path):
    said = []
    samples = np.concatenate(list(io.stream(path, rate=None, note=said.append)))
    info = io.probe(path)
    assert info.frames in (-1, len(samples))
    return samples, said


@pytest.mark.parametrize("kind", KINDS)
def test_files_put_together_are_heard_to_the_last(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    one, two = written(path, kind, FIRST), written(path, kind, SECOND)
    path.write_bytes(one + two + one)
    samples, said = listened(path)
    np.testing.assert_allclose(samples, np.concatenate([FIRST, SECOND, FIRST]), atol=1e-4)
    assert said == []
    for start, end in ((0.5, 1.5), (1.5, 2.5), (2.0, 3.0), (4.5, 5.5), (6.0, None)):
        part = samples[round(start * RATE) : None if end is None else round(end * RATE)]
        np.testing.assert_array_equal(io.read(path, rate=None, start=start, end=end), part)
    path.write_bytes(one + two[: len(two) // 2])
    with pytest.raises(AudioError, match="truncated or damaged"):
        io.read(path)


@pytest.mark.parametrize("kind", KINDS)
def test_what_follows_the_end_is_padding_or_is_told(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    one = written(path, kind, FIRST)
    for after in (bytes(300), bytes(20_000), b"TAG" + bytes(125)):
        path.write_bytes(one + after)
        samples, said = listened(path)
        assert len(samples) == len(FIRST)
        assert said == []
    path.write_bytes(one + np.random.default_rng(0).bytes(20_000))
    samples, said = listened(path)
    assert len(samples) == len(FIRST)
    # where a FLAC stream ends is known by its number of samples alone, and they are all there
    assert [s.split(" are not heard")[0] for s in said] == ([] if "flac" in kind else ["20,000 bytes after its end"])


@pytest.mark.parametrize("kind", ["flac", "wav", "aiff"])
def test_files_put_together_that_differ_are_refused(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    one = written(path, kind, FIRST)
    for other in (written(path, kind, FIRST, 22050), written(path, kind, np.stack([FIRST] * 2, 1))):
        path.write_bytes(one + other)
        with pytest.raises(AudioError, match="its streams differ") as e:
            io.probe(path)
        assert e.value.stage == "open"


def test_wav_files_that_a_pipe_has_appended(tmp_path):
    path = tmp_path / "a.wav"
    parts = []
    for samples in (FIRST, SECOND):
        data = bytearray(written(path, "wav", samples))
        data[4:8] = data[40:44] = b"\xff" * 4
        parts.append(bytes(data))
    path.write_bytes(parts[0] + parts[1])
    samples, _ = listened(path)
    np.testing.assert_allclose(samples, np.concatenate([FIRST, SECOND]), atol=1e-4)


def test_a_size_of_32_bits_that_ran_over(tmp_path):
    path = tmp_path / "a.wav"
    written(path, "wav", FIRST)
    with path.open("r+b") as file:  # a hole, which takes no room
        file.truncate(44 + 2 * len(FIRST) + 2**32)
    assert io.probe(path).frames == len(FIRST) + 2**31
    assert len(io.read(path, rate=None, start=134_000.0, end=134_001.0)) == RATE


@pytest.mark.parametrize("kind", ["flac", "24.flac"])
@pytest.mark.parametrize("told", [1, 4096, len(FIRST) - 1])
def test_flac_whose_beginning_tells_too_few_samples(tmp_path, kind, told):
    path = tmp_path / "a.flac"
    data = bytearray(written(path, kind, FIRST))
    packed = struct.unpack_from(">Q", data, 18)[0]
    data[18:26] = struct.pack(">Q", packed & ~(2**36 - 1) | told)
    path.write_bytes(data)
    samples, _ = listened(path)
    np.testing.assert_allclose(samples, FIRST, atol=1e-4)
    tagged = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)
    path.write_bytes(tagged + data + tagged + data)
    assert len(listened(path)[0]) == 2 * len(FIRST)


def test_short_mp3_files_put_together(tmp_path):
    path = tmp_path / "a.mp3"
    soundfile.write(path, FIRST, RATE, format="MP3")
    one = path.read_bytes()
    assert len(listened(path)[0]) == len(FIRST)
    tag = b"ID3\x04\0\0\0\0\0\x0a" + bytes(10)
    for between in (b"", tag, b"TAG" + bytes(125), b"TAG" + bytes(125) + tag):
        path.write_bytes(one + between + one)
        assert 2 * len(FIRST) <= len(listened(path)[0]) < 2 * len(FIRST) + 4 * 1152
    for rate, channels in ((22050, 1), (RATE, 2)):
        soundfile.write(tmp_path / "b.mp3", np.stack([FIRST] * channels, 1), rate, format="MP3")
        path.write_bytes(one + tag + (tmp_path / "b.mp3").read_bytes())
        with pytest.raises(AudioError, match=rf"change from 16000 Hz, 1 channels to {rate} Hz, {channels} channels"):
            io.read(path)


def free_frames(count, size, told=0):
    """MPEG-2 layer III at 16 kHz, mono, of a free format: silence; with a frame in front that tells how many."""
    head = b"\xff\xf3\x08\xc4"
    info = bytes(9) + struct.pack(">4sIII", b"Info", 3, told, (told + 1) * size)
    front = (head + info).ljust(size, b"\0") if told else b""
    return front + count * head.ljust(size, b"\0")


@pytest.mark.parametrize("size", [300, 1440])
def test_mp3_of_a_free_format(tmp_path, size):
    path = tmp_path / "a.mp3"
    path.write_bytes(free_frames(100, size))
    assert mpeg_frames.counted(path).samples == len(listened(path)[0]) == 100 * 576
    path.write_bytes(free_frames(100, size, told=100) + free_frames(50, size))
    assert len(listened(path)[0]) == 150 * 576
    path.write_bytes(free_frames(100, size, told=100)[: 60 * size])
    with pytest.raises(AudioError, match="truncated"):
        io.read(path)


def amr(frames, wide=False):
    """Frames of the highest rate, all zeros."""
    return b"#!AMR-WB\n" + frames * (b"\x44" + bytes(60)) if wide else b"#!AMR\n" + frames * (b"\x3c" + bytes(31))


@pytest.fixture(params=DECODERS)
def decoder(request, monkeypatch):
    monkeypatch.setattr(media, "decoder", lambda: (request.param, "this one"))


@pytest.mark.parametrize("wide", [False, True])
def test_amr_put_together_cut_and_with_pauses_left_out(tmp_path, decoder, wide):
    path, rate = tmp_path / "a.amr", 16000 if wide else 8000
    for data, seconds in ((amr(100, wide), 2.0), (amr(100, wide) + amr(50, wide), 3.0)):
        path.write_bytes(data)
        samples, _ = listened(path)
        assert len(samples) == seconds * rate
    path.write_bytes(amr(100, wide)[:-20])
    with pytest.raises(AudioError, match="truncated or damaged"):
        io.read(path)
    if not wide:  # frames that only say that nothing was said: a decoder that drops them shortens the recording
        path.write_bytes(amr(100) + 50 * b"\x7c")
        with pytest.raises(AudioError, match="truncated or damaged"):
            io.read(path)


@MADE
@pytest.mark.parametrize(
    "kind",
    [
        "m4a",
        "wma",
        *(pytest.param(k, marks=pytest.mark.slow) for k in ("mp4", "aac", "webm", "mka", "flv", "wv", "tta")),
        *(pytest.param(k, marks=pytest.mark.slow) for k in ("alac.caf", "adpcm.wav")),
    ],
)
def test_phones_files_put_together_or_cut(tmp_path, decoder, kind):
    how = {
        "mp4": ("-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"),
        "webm": ("-c:a", "libopus"),
        "mka": ("-c:a", "flac"),
        "flv": ("-c:a", "aac", "-ar", "44100"),
        "alac.caf": ("-c:a", "alac"),
        "adpcm.wav": ("-c:a", "adpcm_yamaha"),
    }.get(kind, ())
    path = encoded(tmp_path / f"a.{kind}", *how, sound=FIRST)
    one, alone = path.read_bytes(), len(io.read(path))
    two = encoded(tmp_path / f"b.{kind}", *how, sound=SECOND).read_bytes()
    both = alone + len(io.read(tmp_path / f"b.{kind}"))
    path.write_bytes(one + two)
    assert abs(len(io.read(path)) - both) < 0.05 * RATE
    assert containers.layout(path, one[:400]).strange < 200  # tags
    if kind in ("webm", "mka", "wv", "wma", "tta"):
        path.write_bytes(one[:-300])
        with pytest.raises(AudioError, match=r"truncated or damaged|no samples|not sound"):
            io.read(path)


@pytest.mark.parametrize(("subtype", "rate"), [("VORBIS", 16000), ("OPUS", 48000)])
def test_ogg_with_pages_lost_within_or_at_its_end(tmp_path, subtype, rate):
    path = tmp_path / "a.ogg"
    noise = np.random.default_rng(0).normal(0, 0.1, 8 * rate)
    soundfile.write(path, noise, rate, format="OGG", subtype=subtype)
    pages = [b"OggS" + page for page in path.read_bytes().split(b"OggS")[1:]]
    assert listened(path)[1] == []
    half = len(pages) // 2
    path.write_bytes(b"".join(pages[:half] + pages[half + 2 :]))
    with pytest.raises(AudioError, match="truncated or damaged"):
        io.read(path)
    path.write_bytes(b"".join(pages[:half]))
    assert "has no end" in listened(path)[1][0]


def test_what_an_older_audioft_found_holds_unless_more_is_heard_now(tmp_path, monkeypatch):
    cache = tmp_path / "checked.sqlite"
    plain, joined = tmp_path / "plain.wav", tmp_path / "joined.wav"
    joined.write_bytes(2 * written(plain, "wav", FIRST))
    clips = [Clip(path, path.name) for path in (plain, joined)]
    monkeypatch.setattr(check_cache, "_VERSION", 2)
    with check_cache.Memory(cache, Hearing(16000)) as memory:
        for clip in clips:
            memory.put(clip, (2.0, "0" * 64, None, ""))
    monkeypatch.undo()
    found = check(clips, cache=cache)
    assert [c.seconds for c in found] == [2.0, 4.0]
    assert [c.digest == "0" * 64 for c in found] == [True, False]


@pytest.mark.parametrize("kind", ["wav", "float.wav", "24.wav"])
@pytest.mark.parametrize("between", [b"", b"LIST\x04\0\0\0abcd"])
def test_a_second_chunk_of_samples_is_told(tmp_path, kind, between):
    path = tmp_path / "a.wav"
    subtype = {"wav": "PCM_16", "float.wav": "FLOAT", "24.wav": "PCM_24"}[kind]
    samples = FIRST[: RATE + 1]
    soundfile.write(path, samples, RATE, format="WAV", subtype=subtype)
    whole = path.read_bytes()
    whole += b"\0" * (len(whole) % 2) + between
    for more, told in ((b"data" + struct.pack("<I", 9000) + bytes(range(1, 226)) * 40, True), (b"", False)):
        data = whole + more
        path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
        heard, said = listened(path)
        np.testing.assert_allclose(heard, samples, atol=1e-4)
        assert [s.split(":")[0] for s in said] == ["9,000 bytes in a second `data` chunk are not heard"] * told
