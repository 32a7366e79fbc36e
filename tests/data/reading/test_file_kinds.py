"""What may be a recording, by its name or its first bytes, is not passed over; what is passed over is told."""

from __future__ import annotations

import makers
import pytest

from audioft.audio.recording_kinds import may_be_recording
from audioft.data.inputs import unlabelled
from audioft.data.manifest import load
from audioft.errors import DataError


@pytest.mark.parametrize(
    "name",
    ["a.m4a", "a.M4A", "a.3gp", "a.amr", "a.webm", "a.wma", "a.mkv", "a.mov", "a.aac", "a.caf", "a.wav ", "a.mts"],
)
def test_by_its_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    assert may_be_recording(tmp_path / name)


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (b"\0\0\0\x1cftypM4A \0\0", True),
        (b"\0\0\0\x18ftyp3gp4\0\0", True),
        (b"\x1aE\xdf\xa3\x01", True),
        (b"0&\xb2u\x8ef\xcf\x11\xa6", True),
        (b"#!AMR\n\x3c\x91", True),
        (b"RIFF\x24\0\0\0WAVEfmt ", True),
        (b"\xff\xfb\x90\x64\0", True),
        (b"\xff\xf1\x50\x80\0", True),
        (b"ID3\x04\0\0", True),
        (b"G" + b"\0" * 187 + b"G" + b"\0" * 20, True),
        (b"\0\0\0\x18ftypheic\0\0", False),
        (b"RIFF\x24\0\0\0WEBPVP8 ", False),
        (b"\xff\xd8\xff\xe0", False),
        (b"\xff\xfeh\0i\0", False),  # text in UTF-16
        (b"ID3 is an algorithm", False),
        (b"MAC addresses:\n", False),
        (b"\x89PNG\r\n", False),
        (b"", False),
    ],
)
@pytest.mark.parametrize("name", ["noname", "a.dat", "a.wav.part"])
def test_by_its_first_bytes(tmp_path, name, head, is_one):
    (tmp_path / name).write_bytes(head)
    assert may_be_recording(tmp_path / name) == is_one


def test_what_is_passed_over_is_told_a_line_a_reason(tmp_path):
    makers.tone(tmp_path / "in" / "a.wav")
    (tmp_path / "in" / "phone.m4a").write_bytes(b"x")
    (tmp_path / "in" / "b.wav").symlink_to("a.wav")
    for name in ("c.txt", "d.md", "e.png", "f.zip", ".g.wav", "h.bin"):
        (tmp_path / "in" / name).write_text("x")
    (tmp_path / "in" / "i.txt").write_text("0.5\t1\trobin\n")
    makers.tone(tmp_path / "in" / ".noise" / "n.wav")
    notes: list[str] = []
    clips, failures = unlabelled([tmp_path / "in"], notes)
    assert [c.path.name for c in clips] == ["a.wav", "phone.m4a"]
    assert not failures
    assert [n.split(" left out: ")[0] for n in notes] == [
        "1 archive is",
        "1 file of another kind is",
        "1 hidden file is",
        "1 hidden folder with recordings is",
        "1 label file is",
        "1 link to a file that is there already is",
        "1 picture is",
        "2 text files are",
    ]


@pytest.mark.parametrize(
    ("fill", "said"),
    [
        (lambda folder: folder.mkdir(), "it is empty"),
        (lambda folder: makers.tone(folder / ".a.wav"), "nothing but 1 hidden file"),
        (lambda folder: makers.tone(folder / "a" / ".b.wav"), "nothing but 1 hidden file"),
        (lambda folder: folder.symlink_to("high"), "nothing but 1 link to a folder that is there already"),
    ],
)
def test_a_class_without_recordings_is_an_error(tmp_path, fill, said):
    makers.tones(tmp_path, each=2)
    fill(tmp_path / "owl")
    with pytest.raises(DataError, match=rf"the folder .*owl holds no recording: {said}"):
        load(tmp_path)
    makers.tones(tmp_path / "sides" / "train", each=2)
    makers.tones(tmp_path / "sides" / "valid", each=2)
    (tmp_path / "sides" / "valid" / "owl").mkdir()
    with pytest.raises(DataError, match=r"sides/valid/owl holds no recording: it is empty"):
        load(tmp_path / "sides")


def test_a_folder_of_texts_is_no_class(tmp_path):
    makers.tones(tmp_path, each=2)
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "about.txt").write_text("x")
    assert "the folder meta holds no recording and is no class: 1 text file" in load(tmp_path).notes


def test_a_link_counts_once_in_its_class_and_twice_in_two(tmp_path):
    makers.tones(tmp_path, each=2)
    (tmp_path / "high" / "again.wav").symlink_to("high_00.wav")
    (tmp_path / "low" / "other.wav").symlink_to("../high/high_00.wav")
    names = [c.name for c in load(tmp_path).clips]
    assert "high/again.wav" not in names
    assert {"high/high_00.wav", "low/other.wav"} <= set(names)
