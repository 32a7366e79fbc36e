from __future__ import annotations

import os

import pytest

from audioft.annotations.event import Event
from audioft.annotations.files import kind_of, read
from audioft.errors import DataError, UsageError

RAVEN = "Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\tBegin File\n1\t0\t1\tdog\ta.wav\n"
RTTM = "SPEAKER a 1 0 1 <NA> <NA> dog <NA> <NA>\n"
AUDACITY = "0\t1\tdog\n\\\t100\t200\n"


@pytest.fixture
def file(tmp_path):
    def write(name: str, content: str | bytes):
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    ("name", "content", "kind", "events"),
    [
        ("a.rttm", RTTM, "rttm", {"a": [Event("dog", 0, 1)]}),
        ("a.RTTM", RTTM, "rttm", {"a": [Event("dog", 0, 1)]}),
        ("a.txt", AUDACITY, "audacity", {"": [Event("dog", 0, 1)]}),
        ("a.TXT", "\ufeff\r\n" + AUDACITY, "audacity", {"": [Event("dog", 0, 1)]}),
        ("a.Table.1.selections.txt", RAVEN, "raven", {"a.wav": [Event("dog", 0, 1)]}),
        ("a.tsv", "\ufeff\n" + RAVEN, "raven", {"a.wav": [Event("dog", 0, 1)]}),
        ("a.csv", RAVEN, "raven", {"a.wav": [Event("dog", 0, 1)]}),
        ("a.tsv", "0\t1\tdog\n", "table", {"": [Event("dog", 0, 1)]}),
        ("a.csv", "0,1,dog\n", "table", {"": [Event("dog", 0, 1)]}),
        ("a.txt", "onset\toffset\tevent_label\n0\t1\tdog\n", "table", {"": [Event("dog", 0, 1)]}),
    ],
)
def test_kinds(file, name, content, kind, events):
    path = file(name, content)
    assert kind_of(path) == kind_of(str(path)) == kind
    assert read(path) == read(str(path)) == events


def test_the_label_column_is_that_of_a_raven_table(file):
    assert read(file("a.txt", RAVEN), "Selection") == {"a.wav": [Event("1", 0, 1)]}
    assert read(file("a.txt", AUDACITY), "Species") == {"": [Event("dog", 0, 1)]}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", AUDACITY),
        ("a.tsv", "file_name\tlabel\na.wav\tdog\n"),
        ("a.csv", RAVEN.replace("\t", ",")),
        ("a.csv", "file,start_time,end_time,dog,rain\na.wav,0,3,0.9,0.1\n"),
        ("a.csv", "file_name,label\na.wav,dog\n"),
        ("a.csv", "0.1,0.2,0.3\n0.1,0.2,0.3\n"),
        ("a.csv", "filename,fold,target\n1.wav,2,dog\n"),
        ("a.wav", AUDACITY),
        ("a.txt", "what was heard that day\n"),
        ("a.txt", "a.wav\t1\t2\n"),
        ("a.txt", "Begin Time (s)\n"),
        ("a.txt", ""),
        ("a.txt", "\n \n"),
        ("a", AUDACITY),
    ],
)
def test_other_files(file, name, content):
    path = file(name, content)
    assert kind_of(path) is None
    with pytest.raises(
        UsageError, match=r"no label file; expected a \.txt .* \(Audacity\).* \(Raven\), .* \(DCASE\), or a \.rttm"
    ):
        read(path)


def test_binary_files(file):
    path = file("a.txt", b"RIFF\0\0\0\0WAVE\xff\xfe")
    assert kind_of(path) is None
    with pytest.raises(DataError, match="line 1: a NUL byte"):
        read(path)
    assert kind_of(file("b.txt", bytes(range(1, 256)) * 100)) is None
    assert kind_of(file("c.tsv", os.urandom(20_000))) is None


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "away.txt").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.txt")  # opening it would wait for ever
    for name in ("none.txt", "folder.txt", "away.txt", "pipe.txt", "\0.txt", "x" * 300 + ".txt"):
        assert kind_of(tmp_path / name) is None
    for name, said in [("none.txt", "no such label file"), ("none.rttm", "no such label file"), ("folder.txt", "read")]:
        with pytest.raises(UsageError, match=said):
            read(tmp_path / name)


def test_no_right_to_read(file):
    path = file("a.txt", AUDACITY)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert kind_of(path) is None
    with pytest.raises(UsageError, match="cannot be read: Permission denied"):
        read(path)


def test_a_broken_file_is_still_of_its_kind_and_says_what_is_wrong(file):
    path = file("a.txt", "0\tx\tdog\n" + AUDACITY + "1\t2\tcat\n")
    assert kind_of(path) == "audacity"
    with pytest.raises(DataError, match="line 1: end 'x'"):
        read(path)
    path = file("a.txt", "0\t1\tcafé\n".encode("latin-1"))
    assert kind_of(path) == "audacity"
    with pytest.raises(DataError, match="line 1: byte 0xe9 is not UTF-8"):
        read(path)
    for text, kind in [(AUDACITY, "audacity"), (RAVEN, "raven")]:
        plain, wide = read(file("a.txt", text)), file("b.txt", text.encode("utf-16"))
        assert kind_of(wide) == kind
        assert read(wide) == plain


def test_the_beginning_of_a_long_file_is_enough(file):
    lines = "".join(f"{i}\t{i + 1}\tdög {i}\n" for i in range(10_000))
    assert kind_of(file("a.txt", lines)) == "audacity"
    path = file("b.txt", lines + "\0")
    assert kind_of(path) == "audacity"
    # what is cut off in the middle of a line is not held against the file
    assert kind_of(file("c.txt", "0\t1\t" + "x" * 8190 + "\n" + "no label\n" * 100)) == "audacity"
    assert kind_of(file("d.txt", "0\t1\t" + "x" * 8185 + "\n0." + "0" * 100 + "\t1\tdog\n")) == "audacity"
