from __future__ import annotations

import os
import unicodedata

import numpy as np
import pytest
import soundfile

from audioft.data.manifest import load, save, unlabelled
from audioft.errors import DataError, UsageError


def put(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.random.default_rng(len(name)).standard_normal(800) * 0.1, 16000)
    return root


def table(root, text, name="metadata.csv"):
    (root / name).write_text(text, encoding="utf-8")
    return root


def test_a_folder_a_class(tmp_path):
    put(
        tmp_path,
        "dog/a.wav",
        "dog/deep/er/b.wav",
        "cat/c.flac",
        "cat/.hidden.wav",
        ".git/x/d.wav",
        "loose.wav",
    )
    (tmp_path / "dog/readme.txt").write_text("x")
    m = load(tmp_path)
    assert [(c.name, c.labels) for c in m.clips] == [
        ("cat/c.flac", ("cat",)),
        ("dog/a.wav", ("dog",)),
        ("dog/deep/er/b.wav", ("dog",)),
    ]
    assert m.labels == ("cat", "dog")
    assert not m.multilabel
    assert m.layout == "classes"
    assert "1 hidden file is left out: cat/.hidden.wav" in m.notes
    assert "1 text file is left out: dog/readme.txt" in m.notes
    assert any(n.startswith("1 hidden folder with recordings is left out: .git;") for n in m.notes)
    assert any("loose.wav" in n for n in m.notes)
    assert all(c.path.is_absolute() and c.group == c.name for c in m.clips)


@pytest.mark.parametrize("side", ["", "train/"])
def test_blanks_around_names_of_folders_are_told_once(tmp_path, side):
    put(tmp_path, *(f"{side}{name}/{i}.wav" for name in ("dog ", " owl", "sea waves") for i in range(2)))
    m = load(tmp_path)
    assert m.labels == ("dog", "owl", "sea waves")
    (note,) = [n for n in m.notes if "blanks" in n]
    assert note.endswith("left out of labels: ' owl', 'dog '")


def test_folders_of_a_split(tmp_path):
    put(tmp_path, "training/a/1.wav", "training/b/1.wav", "Val/a/1.wav", "eval/b/1.wav")
    m = load(tmp_path)
    assert m.layout == "splits"
    assert {c.name: c.split for c in m.clips} == {
        "training/a/1.wav": "train",
        "training/b/1.wav": "train",
        "Val/a/1.wav": "valid",
        "eval/b/1.wav": "test",
    }
    put(tmp_path, "extra/b/1.wav")
    with pytest.raises(DataError, match="extra"):
        load(tmp_path)


def test_a_class_may_be_called_train(tmp_path):
    m = load(put(tmp_path, "train/1.wav", "bus/1.wav"))
    assert m.labels == ("bus", "train")


def test_a_table_wins_over_folders(tmp_path):
    put(tmp_path, "dog/a.wav", "cat/b.wav")
    table(tmp_path, "file_name,label,fold,speaker\ndog/a.wav,x,1,s1\ncat/b.wav, y ,2,s2\n")
    m = load(tmp_path)
    assert m.labels == ("x", "y")
    assert m.layout == "table"
    assert any("metadata.csv" in n for n in m.notes)
    assert [c.group for c in m.clips] == ["s1", "s2"]
    assert m.clips[0].columns["fold"] == "1"
    table(tmp_path, '{"file_name": "dog/a.wav", "label": "x"}\n', "metadata.jsonl")
    with pytest.raises(DataError, match=r"metadata\.csv, metadata\.jsonl"):
        load(tmp_path)
    assert load(tmp_path / "metadata.jsonl", least_labels=1).labels == ("x",)


def test_recordings_that_the_table_of_a_folder_does_not_name_are_told(tmp_path):
    put(tmp_path, "a.wav", "b.wav", "more/c.wav")
    table(tmp_path, "file_name,label\na.wav,x\nb.wav,y\n")
    assert "1 recording that the table does not name, left out: more/c.wav" in load(tmp_path).notes
    assert not any("does not name" in n for n in load(tmp_path / "metadata.csv").notes)


def test_several_labels_and_cuts(tmp_path):
    put(tmp_path, "a.wav")
    table(
        tmp_path,
        '{"path":"a.wav","labels":["dog","?bird"],"start":0,"end":0.02}\n'
        '{"path":"a.wav","labels":"","start":0.02,"end":null}\n',
        "t.jsonl",
    )
    m = load(tmp_path / "t.jsonl")
    assert m.multilabel
    assert m.labels == ("bird", "dog")
    assert [c.key for c in m.clips] == ["a.wav@0-0.02", "a.wav@0.02-"]
    assert m.clips[1].unknown == "rest"


def test_groups(tmp_path):
    put(tmp_path, "a.wav", "b.wav")
    table(tmp_path, "file_name,label,speaker,room\na.wav,x,x,1\nb.wav,y,y,1\n")
    assert load(tmp_path).grouping == "recording"
    assert [c.group for c in load(tmp_path, group="room").clips] == ["1", "1"]
    with pytest.raises(UsageError, match="did you mean 'room'"):
        load(tmp_path, group="rom")


def test_all_problems_of_a_table_at_once(tmp_path):
    put(tmp_path / "data", "a.wav", "b.wav")
    put(tmp_path, "out.wav")
    os.symlink(tmp_path / "out.wav", tmp_path / "data/link.wav")
    table(
        tmp_path / "data",
        "file_name,label,start,end\na.wav,x,,\na.wav,x,,\nmissing.wav,x,,\n../out.wav,x,,\n"
        f"{tmp_path}/out.wav,x,,\nlink.wav,x,,\nb.wav,,,\nb.wav,x,2,1\nb.wav,x,one,\nb.wav,x,-1,\nb.wav,y,nan,\n",
    )
    with pytest.raises(DataError) as e:
        load(tmp_path / "data")
    found = e.value.problems
    for line, what in enumerate(
        [
            "already in",
            "no such file: missing.wav",
            "allow_outside",
            "allow_outside",
            "allow_outside",
            "its label is empty",
            "not before",
            "not a number",
            "at least 0",
            "at least 0",
        ],
        start=3,
    ):
        assert any(f"line {line}:" in p and what in p for p in found), (line, what, found)
    assert len(found) == 10
    table(tmp_path / "data", "file_name,label\n../out.wav,x\nlink.wav,y\n")
    assert len(load(tmp_path / "data", allow_outside=True).clips) == 2


def test_links_out_of_a_folder(tmp_path):
    put(tmp_path, "out/x.wav", "data/a/1.wav", "data/b/1.wav")
    os.symlink(tmp_path / "out", tmp_path / "data/c")
    os.symlink(tmp_path / "data", tmp_path / "data/a/loop")
    with pytest.raises(DataError, match=r"c/x\.wav leads out"):
        load(tmp_path / "data")
    assert load(tmp_path / "data", allow_outside=True).labels == ("a", "b", "c")


def test_unicode_names_in_either_form(tmp_path):
    nfd = unicodedata.normalize("NFD", "Zürich/é.wav")
    nfc = unicodedata.normalize("NFC", nfd)
    put(tmp_path, nfd, "b/ü.wav")
    assert load(tmp_path).labels == (unicodedata.normalize("NFC", "Zürich"), "b")
    table(tmp_path, f"file_name,label\n{nfc},é\nb/ü.wav,e\u0301x\n")
    m = load(tmp_path)
    assert m.clips[0].path.exists()
    assert m.labels == ("é", "éx")


def test_what_is_no_source(tmp_path):
    with pytest.raises(UsageError, match="no such file or folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no recordings found.*\.flac"):
        load(tmp_path)
    put(tmp_path, "only/a.wav", "only/b.wav")
    with pytest.raises(DataError, match="one label 'only'"):
        load(tmp_path)
    with pytest.raises(UsageError, match=r"data\.label"):
        load(tmp_path, label="species")
    table(tmp_path, "file_name,klass\nonly/a.wav,x\n")
    with pytest.raises(DataError, match=r"no label column.*klass"):
        load(tmp_path)
    with pytest.raises(DataError, match=r"no class folder"):
        load(put(tmp_path / "flat", "a.wav"))


def test_rows_in_python(tmp_path):
    put(tmp_path, "a.wav", "b.wav")
    m = load([{"file_name": "a.wav", "label": 3}, {"file_name": "b.wav", "label": "x"}], root=tmp_path)
    assert m.labels == ("3", "x")
    with pytest.raises(UsageError):
        load(["a.wav"])


def test_saved_and_loaded_again(tmp_path):
    from audioft.data.splits import split

    put(tmp_path / "d", *(f"{i}.wav" for i in range(12)))
    table(tmp_path / "d", "file_name,labels,mood\n" + "".join(f"{i}.wav,dog;?bird,m{i}\n" for i in range(12)))
    m = load(tmp_path / "d", label="labels")
    s = split(m.__class__(m.root, m.clips, ("dog",), True, "table"), seed=1)
    save(m, s, tmp_path / "manifest.csv")
    again = load(tmp_path / "manifest.csv", root=tmp_path / "d")
    assert [(c.name, c.labels, c.unknown, c.columns["mood"]) for c in again.clips] == [
        (c.name, c.labels, c.unknown, c.columns["mood"]) for c in m.clips
    ]
    assert [c.split for c in again.clips] == s.sides(12)


def test_unlabelled_inputs(tmp_path):
    put(tmp_path, "a.wav", "in/b.wav", "in/deep/c.flac", "glob/d1.wav", "glob/d2.wav", "[x].wav")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    inputs = [
        "a.wav",
        "in",
        "glob/d*.wav",
        "a.wav",
        "./in/b.wav",
        "[x].wav",
        "notes.txt",
        "gone.wav",
        "no*.wav",
        "empty",
    ]
    clips, failures = unlabelled([f"{tmp_path}/{i}" for i in inputs])
    assert [c.path.name for c in clips] == [
        "a.wav",
        "b.wav",
        "c.flac",
        "d1.wav",
        "d2.wav",
        "[x].wav",
        "notes.txt",
    ]
    assert [(f.path.rsplit("/", 1)[1], f.stage) for f in failures] == [
        ("gone.wav", "open"),
        ("no*.wav", "open"),
        ("empty", "open"),
    ]
    assert "no file matches" in failures[1].reason
