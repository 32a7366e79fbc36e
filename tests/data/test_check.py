from __future__ import annotations

import csv

import numpy as np
import pytest
import soundfile

from audioft.audio import isolated_decoder
from audioft.data.check import check, enforce, headers, write_bad_files
from audioft.data.check_cache import default_cache
from audioft.data.clip import Clip
from audioft.errors import DataError


@pytest.fixture
def clips(tmp_path):
    """One of each kind, by name."""
    noise = np.random.default_rng(0).standard_normal((32000, 8)).astype(np.float32) * 0.1
    soundfile.write(tmp_path / "good.wav", noise, 16000)
    soundfile.write(tmp_path / "cut.flac", noise[:, 0], 16000)
    data = (tmp_path / "cut.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(data[: len(data) * 3 // 4])
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "zero.wav").write_bytes(b"")
    nan = noise[:, 0].copy()
    nan[20000] = np.nan
    soundfile.write(tmp_path / "nan.wav", nan, 16000, subtype="FLOAT")
    soundfile.write(tmp_path / "short.wav", noise[:160], 16000)
    soundfile.write(tmp_path / "silent.wav", np.full(16000, 0.25), 16000)

    def clip(name, start=0.0, end=None):
        return Clip(tmp_path / name, name, start, end)

    return [
        clip("good.wav"),
        clip("good.wav", 0.5, 1.0),
        clip("good.wav", 1.0, 3.0),
        clip("good.wav", 2.5),
        clip("cut.flac"),
        clip("cut.flac", 0.0, 0.5),
        clip("text.wav"),
        clip("zero.wav"),
        clip("missing.wav"),
        clip("nan.wav"),
        clip("nan.wav", 0.0, 1.0),
        clip("short.wav"),
        clip("silent.wav"),
    ]


EXPECTED = [
    None,
    None,
    ("check", "ends at 3 s"),
    ("check", "starts at 2.5"),
    ("decode", "truncated"),
    None,
    ("open", "not audio"),
    ("open", "empty"),
    ("open", "no such file"),
    ("check", "not finite"),
    None,
    ("check", "10.0 ms"),
    ("check", "silent"),
]


def test_every_kind_is_named(clips, tmp_path):
    seen = []
    found = check(clips, cache=None, progress=lambda done, total: seen.append((done, total)))
    for clip, c, expected in zip(clips, found, EXPECTED, strict=True):
        if expected is None:
            assert c.problem is None, (clip.key, c)
            assert len(c.digest) == 64
        else:
            assert c.problem, clip.key
            assert c.problem[0] == expected[0], (clip.key, c)
            assert expected[1] in c.problem[1]
    assert found[0].seconds == 2.0
    assert found[1].seconds == 0.5
    assert seen[-1] == (13, 13)
    assert write_bad_files(tmp_path / "bad.csv", clips, found) == 9
    rows = list(csv.DictReader((tmp_path / "bad.csv").open(encoding="utf-8")))
    assert rows[0]["path"] == "good.wav"
    assert (rows[0]["start"], rows[0]["end"], rows[0]["stage"]) == ("1", "3", "check")
    with pytest.raises(DataError, match=r"9 of 13 clips.*bad\.csv") as e:
        enforce(clips, found, 0.05, tmp_path / "bad.csv")
    assert "text.wav" in str(e.value)
    enforce(clips, found, 0.9)


def test_headers_alone(clips):
    found = headers(clips)
    assert found[0].seconds == 2.0
    assert found[6].problem[0] == found[7].problem[0] == "open"
    assert "10.0 ms" in found[11].problem[1]
    assert found[9].problem is None  # what is inside was not looked at


def test_findings_are_remembered(clips, tmp_path, monkeypatch):
    cache = tmp_path / "cache" / "c.sqlite"
    first = check(clips, cache=cache)
    decoded = []
    stream = isolated_decoder.stream
    monkeypatch.setattr(isolated_decoder, "stream", lambda path, **kw: decoded.append(path.name) or stream(path, **kw))
    assert check(clips, cache=cache) == first
    assert decoded == []
    soundfile.write(tmp_path / "silent.wav", np.random.default_rng(1).standard_normal(999), 16000)
    again = check(clips, cache=cache)
    assert again[-1].problem is None
    assert decoded == ["silent.wav"]


def test_each_file_is_decoded_once(clips, monkeypatch):
    decoded = []
    stream = isolated_decoder.stream
    monkeypatch.setattr(isolated_decoder, "stream", lambda path, **kw: decoded.append(path.name) or stream(path, **kw))
    check(clips, workers=1)
    assert sorted(decoded) == sorted(set(decoded))


@pytest.mark.parametrize("kind", ["damaged", "folder", "nowhere"])
def test_a_bad_cache_is_ignored(clips, tmp_path, kind):
    cache = tmp_path / "c.sqlite"
    if kind == "damaged":
        cache.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    elif kind == "folder":
        cache.mkdir()
    else:
        cache = tmp_path / "good.wav" / "c.sqlite"
    assert check(clips[:2], cache=cache) == check(clips[:2])


def test_where_the_cache_lies(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "audioft" / "checked.sqlite"


def test_what_is_said_of_recordings_that_can_be_used_is_remembered(tmp_path):
    time = np.arange(384_000) / 384_000
    tone = 0.3 * np.sin(2 * np.pi * 440 * time)
    sounds = {
        "bat.wav": 0.3 * np.sin(2 * np.pi * 45_000 * time),
        "opposite.wav": np.stack([tone, -tone], 1),
        "low.wav": tone,
    }
    for name, samples in sounds.items():
        soundfile.write(tmp_path / name, samples, 384_000, subtype="PCM_16")
    soundfile.write(tmp_path / "cricket.wav", sounds["bat.wav"], 96_000, subtype="PCM_16")
    clips = [Clip(tmp_path / name, name) for name in (*sounds, "cricket.wav")]
    for _ in range(2):
        found = check(clips, cache=tmp_path / "c.sqlite")
        assert [c.problem for c in found] == [None] * 4
        notes = [c.note for c in found]
        assert "100 % of its energy lies above 8 kHz" in notes[0]
        assert "cancel" in notes[1]
        assert notes[2] == ""
        assert "8 kHz" in notes[3]


@pytest.mark.parametrize(("scale", "said"), [(32768.0, "scale of integers"), (2.0**31, "scale of integers"), (3.0, "")])
def test_floats_in_the_scale_of_integers_are_told(scale, said, tmp_path):
    noise = np.random.default_rng(0).standard_normal(16000).astype(np.float32) * 0.1
    soundfile.write(tmp_path / "a.wav", noise * scale, 16000, subtype="FLOAT")
    (found,) = check([Clip(tmp_path / "a.wav", "a.wav")], workers=0, cache=None)
    assert found.problem is None
    assert said in found.note if said else not found.note
