"""What an encoder is pretrained on: folders, tables and recordings from several places, each recording once."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest
import soundfile

from audioft.data.unlabelled_pool import Pool, Source, gather, shares
from audioft.errors import DataError, UsageError


def put(root, *names):
    for i, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.random.default_rng(i).standard_normal(800) * 0.1, 16000)
    return root


def names(pool: Pool) -> list[str]:
    return [c.key for c in pool.clips]


def sources(*given) -> list[Source]:
    return [g if isinstance(g, Source) else Source(str(g)) for g in given]


@pytest.fixture
def birds(tmp_path):
    put(tmp_path / "birds", "a.wav", "b.wav", "c.wav", "d.wav")
    text = "file_name,label,fold,licence,split\na.wav,robin,1,CC0,train\nb.wav,wren,2,CC0,valid\n"
    text += "c.wav,wren,3,NC,test\nd.wav,,1,NC,\n"
    (tmp_path / "birds" / "metadata.csv").write_text(text, encoding="utf-8")
    return tmp_path / "birds"


def test_folders_are_searched_in_depth(tmp_path):
    put(tmp_path / "forest", "x.wav", "deep/er/y.flac", ".hidden/z.wav")
    (tmp_path / "forest" / "notes.txt").write_text("x")
    pool = gather(sources(tmp_path / "forest"))
    assert names(pool) == ["forest/x.wav", "forest/deep/er/y.flac"]
    assert pool.source == (0, 0)


def test_labels_and_groups_are_forgotten(birds):
    for clip in gather(sources(birds)).clips:
        assert (clip.labels, clip.unknown, clip.group) == ((), (), "")


def test_a_table_wins_and_its_test_side_is_left_out(birds):
    pool = gather(sources(birds))
    assert names(pool) == ["birds/a.wav", "birds/b.wav", "birds/d.wav"]
    assert len(pool.notes) == 1
    assert "1 clips of its test side are left out (test: true takes them)" in pool.notes[0]
    assert len(gather([Source(str(birds), test=True)]).clips) == 4
    assert len(gather(sources(birds / "metadata.csv")).clips) == 3


def test_the_test_side_of_folders_is_left_out(tmp_path):
    put(tmp_path / "x", "train/a.wav", "Test/b.wav", "valid/c.wav", "d.wav")
    assert names(gather(sources(tmp_path / "x"))) == ["x/d.wav", "x/train/a.wav", "x/valid/c.wav"]
    assert len(gather([Source(str(tmp_path / "x"), test=True)]).clips) == 4


@pytest.mark.parametrize(
    ("where", "without", "expected"),
    [
        ({"fold": 1}, {}, "ad"),
        ({"fold": [1, 2]}, {}, "abd"),
        ({"fold": ["1", 2], "licence": "CC0"}, {}, "ab"),
        ({}, {"licence": "NC"}, "ab"),
        ({}, {"fold": (2, 3)}, "ad"),
        ({"split": "test"}, {}, "c"),  # who asks for it by name means it
        ({}, {"split": "test"}, "abd"),
    ],
)
def test_rows_by_their_columns(birds, where, without, expected):
    pool = gather([Source(str(birds), where=where, without=without)])
    assert names(pool) == [f"birds/{x}.wav" for x in expected]


def test_cuts_of_one_recording_are_clips_of_their_own(tmp_path):
    put(tmp_path / "long", "a.wav")
    (tmp_path / "long" / "metadata.csv").write_text("file_name,start,end\na.wav,0,0.02\na.wav,0.02,\na.wav,0,0.02\n")
    assert names(gather(sources(tmp_path / "long"))) == ["long/a.wav@0-0.02", "long/a.wav@0.02-"]


def test_what_lies_in_two_sources_counts_once(birds, tmp_path):
    (tmp_path / "link").symlink_to(birds / "b.wav")
    pool = gather(sources(birds / "a.wav", birds, birds / "b.wav"))
    assert Counter(c.path.name for c in pool.clips) == {"a.wav": 1, "b.wav": 1, "d.wav": 1}
    assert pool.source == (0, 1, 1)
    assert len(gather(sources(tmp_path / "link", birds / "b.wav")).clips) == 1


def test_sources_of_one_name_keep_apart(tmp_path):
    put(tmp_path / "one" / "train", "a.wav")
    put(tmp_path / "two" / "train", "a.wav")
    pool = gather(sources(tmp_path / "one" / "train", tmp_path / "two" / "train"))
    assert names(pool) == ["train-1/a.wav", "train-2/a.wav"]


def test_a_single_recording(tmp_path):
    put(tmp_path, "a.wav")
    pool = gather(sources(tmp_path / "a.wav"))
    assert [c.path for c in pool.clips] == [tmp_path / "a.wav"]


def test_variables_and_home(tmp_path, monkeypatch):
    put(tmp_path / "here", "a.wav")
    monkeypatch.setenv("RECORDINGS", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(gather(sources("$RECORDINGS/here", "~/here")).clips) == 1
    with pytest.raises(UsageError, match=r"\$NOWHERE_SET.*no such file or folder"):
        gather(sources("$NOWHERE_SET/here"))


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        (Source("nowhere"), UsageError, "nowhere: no such file or folder"),
        (Source("birds", where={"fodl": 1}), DataError, "'fodl'.*no such column.*did you mean 'fold'"),
        (Source("birds", without={"fodl": 1}), DataError, "'fodl'.*no such column.*did you mean 'fold'"),
        (Source("birds", where={"fold": 9}), DataError, "no recordings are left of 0; look at where"),
        (Source("birds", where={"fold": 3}), DataError, "no recordings are left of 1; .* test"),
        (Source("plain", where={"fold": 3}), UsageError, "the folder has no metadata.csv"),
        (Source("empty"), DataError, "empty: no recordings in this folder or below it"),
    ],
)
def test_what_cannot_be_gathered(birds, tmp_path, monkeypatch, source, error, said):
    put(tmp_path / "plain", "a.wav")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=said):
        gather([source])


def test_all_bad_rows_at_once(birds):
    with (birds / "metadata.csv").open("a") as table:
        table.write("gone.wav,wren,1,CC0,\n../out.wav,wren,1,CC0,\n")
    with pytest.raises(DataError) as e:
        gather(sources(birds))
    assert "gone.wav" in str(e.value)
    assert "leads out of" in str(e.value)


def test_links_out_of_a_folder(tmp_path):
    put(tmp_path, "far/a.wav", "near/b.wav")
    (tmp_path / "near" / "c.wav").symlink_to(tmp_path / "far" / "a.wav")
    with pytest.raises(DataError, match=r"c\.wav leads out of"):
        gather(sources(tmp_path / "near"))
    assert len(gather(sources(tmp_path / "near"), allow_outside=True).clips) == 2


def test_long_recordings_and_heavy_sources_are_drawn_more_often(birds, tmp_path):
    put(tmp_path / "more", "x.wav")
    chosen = [Source(str(birds)), Source(str(tmp_path / "more"), weight=3)]
    pool = gather(chosen)
    assert shares(pool, [1, 2, 8, 4], chosen, crop=2.0).tolist() == pytest.approx([1 / 12, 1 / 12, 4 / 12, 6 / 12])
    assert shares(dataclasses.replace(pool), [1] * 4, chosen, 2.0).sum() == pytest.approx(1)
