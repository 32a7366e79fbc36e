from __future__ import annotations

import pytest

from audioft.data.tables import read_table
from audioft.errors import DataError, UsageError


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "file_name,labels\na.wav,dog;bird\n"),
        ("t.csv", '\ufefffile_name;labels\r\na.wav;"dog;bird"\r\n'),
        ("t.csv", "file_name\tlabels\na.wav\tdog;bird\n\n"),
        ("t.tsv", "file_name\tlabels\na.wav\tdog;bird\n"),
        ("t.jsonl", '{"file_name": "a.wav", "labels": "dog;bird"}\n\n'),
    ],
)
def test_separators(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert [r.cells for r in read_table(tmp_path / name)] == [{"file_name": "a.wav", "labels": "dog;bird"}]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("t.csv", b"file_name,label\na.wav,x\nb.wav,y,z\n", "line 3: 3 cells"),
        ("t.csv", b"file_name,label\na.wav,\xff\n", "line 2: byte 0xff is not UTF-8"),
        ("t.csv", b"\xef\xbb\xbffile_name,label\n\xffa.wav,x\n", "line 2: byte 0xff is not UTF-8"),
        ("t.csv", b"file_name,label\na\0.wav,x\n", "line 2: a NUL byte"),
        ("t.csv", "file_name,label\na.wav,x\n".encode("utf-16")[:-1], "begins as UTF-16 and is none"),
        ("t.csv", b"file_name,label\n", "no rows"),
        ("t.csv", b"file_name,label,label\na,b,c\n", "appears twice"),
        ("t.csv", b'file_name,label\na.wav,"x\n', "quotes closed"),
        ("t.jsonl", b'{"file_name": "a"}\n{oops\n[1]\n', "line 2: not JSON"),
    ],
)
def test_broken_tables(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / name)


def test_other_files(tmp_path):
    with pytest.raises(UsageError, match="no such table"):
        read_table(tmp_path / "t.csv")
    with pytest.raises(UsageError, match="ending in"):
        read_table(tmp_path / "t.xlsx")
