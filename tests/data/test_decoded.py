"""Parts of long recordings are read from files decoded once, and are the same parts."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from audioft.audio import io, writing
from audioft.data import decoded
from audioft.data.clip import Clip


@pytest.fixture
def long(tmp_path):
    """Ninety seconds as Vorbis and as FLAC, at another rate than is wanted."""
    wave = np.random.default_rng(0).normal(0, 0.1, 90 * 22050)
    for name in ("a.ogg", "a.flac"):
        soundfile.write(tmp_path / name, wave, 22050)
    return tmp_path


def clips(folder, name, *starts):
    return [Clip(folder / name, name, s, s + 1.5) for s in starts]


def test_a_vorbis_file_read_far_inside_is_decoded_once(long, tmp_path, monkeypatch):
    made = []
    convert = writing.convert
    monkeypatch.setattr(writing, "convert", lambda *a: (made.append(a[0]), convert(*a)))
    given = clips(long, "a.ogg", 0.0, 70.0, 80.0)
    for _ in range(2):
        found = decoded.within_long(given, tmp_path / "decoded", 16000, lambda done: None)
    assert made == [long / "a.ogg"]
    assert [(c.name, c.start, c.end, c.key) for c in found] == [(c.name, c.start, c.end, c.key) for c in given]
    for a, b in zip(given, found, strict=True):
        mine, theirs = (io.read(c.path, 16000, c.start, c.end) for c in (a, b))
        assert len(mine) == len(theirs)
        assert np.abs(mine - theirs)[100:-100].max() < 2e-3  # 16 bits, and resampled as a whole


def test_what_can_be_read_anywhere_or_is_short_stays(long, tmp_path):
    for given in (clips(long, "a.flac", 70.0), clips(long, "a.ogg", 0.0, 50.0)):
        assert decoded.within_long(given, tmp_path / "decoded", 16000, lambda done: None) == given
    assert not (tmp_path / "decoded").exists()


def test_a_damaged_one_stays(long, tmp_path):
    data = (long / "a.ogg").read_bytes()
    page = data.rindex(b"OggS", 0, len(data) * 9 // 10)
    (long / "b.ogg").write_bytes(data[:page] + b"x" * 3000 + data[page + 3000 :])
    given = clips(long, "b.ogg", 70.0)
    found = decoded.within_long(given, tmp_path / "decoded", 16000, lambda done: None)
    for c in found:  # decodable or not, nothing is lost and nothing raised
        assert c.key == given[0].key
