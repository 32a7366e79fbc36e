"""Files of an old disk, whose names are bytes that are no UTF-8, are data as any other; labels are text."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import makers
import pytest

import audioft
from audioft.audio import io, writing
from audioft.core.runtime import address
from audioft.data import manifest, tables
from audioft.errors import DataError

ODD = {
    "a recording": b"high/caf\xe9.wav",
    "a folder in a class": b"low/\xe9t\xe9/a.wav",
    "Shift-JIS": "low/シ.wav".encode("shift-jis"),
}


def put(source: Path, root: Path, name: bytes) -> None:
    place = os.path.join(os.fsencode(root), name)
    try:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        shutil.copy(source, place)
    except OSError:  # a file system that has no such names
        pytest.skip("names are UTF-8 here")


@pytest.fixture
def old(tmp_path):
    """Two classes, in them what `ODD` names."""
    folder = makers.tones(tmp_path / "old")
    for i, name in enumerate(ODD.values()):
        put(makers.tone(tmp_path / "new.wav", seed=50 + i), folder, name)
    return folder


def names(of) -> set[bytes]:
    return {os.fsencode(clip.name) for clip in of.clips}


@pytest.mark.parametrize("by_side", [False, True])
def test_a_folder_has_them(by_side, old):
    if by_side:
        shutil.copytree(old, old.parent / "sides" / "train", symlinks=True)
        old = old.parent / "sides"
    found = manifest.load(old)
    begin = b"train/" if by_side else b""
    assert {begin + name for name in ODD.values()} <= names(found)
    assert found.labels == ("high", "low")
    assert any(note.startswith("3 recordings have names that are not UTF-8, as b'") for note in found.notes)


@pytest.mark.parametrize("folder", [b"caf\xe9", b"train/caf\xe9"])
def test_a_class_must_have_a_name_that_is_text(folder, tmp_path):
    side = "train/" if b"/" in folder else ""
    for label in ("high", "low"):
        makers.tone(tmp_path / "in" / f"{side}{label}" / "a.wav", makers.PITCHES[label])
    for i in range(3):
        put(tmp_path / "in" / side / "low" / "a.wav", tmp_path / "in", folder + b"/%d.wav" % i)
    with pytest.raises(DataError) as e:
        manifest.load(tmp_path / "in")
    said = "the name of the folder is not UTF-8, and a label is text: rename the folder"
    assert str(e.value) == f"{folder!r}: {said}"


def test_the_table_of_a_run_is_read_again(old, tmp_path):
    found = manifest.load(old)
    manifest.save(found, None, tmp_path / "manifest.csv")
    assert all(name in (tmp_path / "manifest.csv").read_bytes() for name in ODD.values())
    again = manifest.load(tmp_path / "manifest.csv", root=old)
    assert [(c.name, c.labels) for c in again.clips] == [(c.name, c.labels) for c in found.clips]
    assert set(manifest.saved(tmp_path / "manifest.csv")) == {c.key for c in found.clips}


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        (b"file_name,label\nhigh/caf\xe9.wav,a\nlow/low_00.wav,b\n", False),
        (b"label,Filename\na,high/caf\xe9.wav\nb,low/low_00.wav\n", False),
        (b"file_name,label\nhigh/caf\xe8.wav,a\nlow/low_00.wav,b\n", True),
        (b"file_name,label\nhigh/caf\xe9.wav,d\xe9j\xe0\nlow/low_00.wav,b\n", True),
        (b"file_name,label,pr\xe9\nhigh/caf\xe9.wav,a,1\nlow/low_00.wav,b,1\n", True),
    ],
    ids=["there", "in another column", "not there", "a label", "a column"],
)
def test_a_table_may_name_files_by_their_bytes_and_is_text_otherwise(text, refused, old):
    (old / "metadata.csv").write_bytes(text)
    if refused:
        with pytest.raises(DataError, match=r"line [12]: byte 0xe[0-9] is not UTF-8; save it as UTF-8"):
            manifest.load(old)
    else:
        assert names(manifest.load(old)) == {ODD["a recording"], b"low/low_00.wav"}


@pytest.mark.parametrize("name", ["list.csv", "list.txt"])
def test_lists_of_trials_hold_them(name, old, tmp_path):
    count, _ = audioft.trials(old, tmp_path / name)
    assert (tmp_path / name).read_bytes().count(b"caf\xe9.wav") > 1
    found = audioft.verify_trials("log-mel", tmp_path / name, resamples=0)
    assert (found.found.trials, found.failures) == (count, [])


def test_copies_and_what_is_drawn(old, tmp_path):
    assert address("caf\udce9") not in (address("caf"), address("caf\udce8"))
    out = audioft.render(old, tmp_path / "copies", augment=["gain"], console=audioft.Console(quiet=True))
    assert set(ODD.values()) <= names(manifest.load(out))
    writing.write_wav(tmp_path / "caf\udce9.wav", [0.1] * 800, 16000)
    assert len(io.read(tmp_path / "caf\udce9.wav", 16000)) == 800


def test_a_run_learns_from_them(old, small_encoder, tmp_path):
    run = makers.train(old, small_encoder, tmp_path / "run", data__workers=1, augment=["gain"], data__test=0.4)
    rows = tables.read_table(run.folder / "manifest.csv")
    assert {os.fsencode(row.cells["path"]) for row in rows} >= set(ODD.values())
    report = audioft.evaluate(run, old, out=tmp_path / "ev", resamples=0, console=audioft.Console(quiet=True))
    assert report.clips == len(rows) == 15
    written = (tmp_path / "ev" / "predictions.csv").read_bytes()
    assert all(name in written for name in ODD.values())
    assert any("were trained on by this run" in note for note in report.notes)
