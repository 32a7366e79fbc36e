"""`audioft.render`: copies of recordings with augmentations applied; and `audioft.probe` on them."""

from __future__ import annotations

import csv
import json

import makers
import numpy as np
import pytest
import soundfile
import torch

import audioft
from audioft.audio import io
from audioft.augmentation import Chain, augmentations
from audioft.core.runtime import generator
from audioft.data import manifest as manifests
from audioft.errors import ConfigError, DataError, UsageError

QUIET = audioft.Console(quiet=True)
CHANGES = [{"name": "noise", "p": 1, "min_snr_db": -20, "max_snr_db": -10}, "gain"]


def rows(folder):
    with open(folder / "metadata.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def table(tmp_path):
    """Two recordings: one whole, one from which two pieces are cut; with columns of their own."""
    for i, name in enumerate(("one.flac", "two.ogg")):
        makers.tone(tmp_path / "data" / "in" / name, seconds=1.0, seed=i)
    text = "file_name,label,place,start,end\nin/one.flac,a,x,,\nin/two.ogg,b,y,0.2,0.6\nin/two.ogg,a,z,0.6,\n"
    (tmp_path / "data" / "metadata.csv").write_text(text, encoding="utf-8")
    return tmp_path / "data"


def test_a_copy_is_what_the_augmentations_make_of_the_recording(table, tmp_path):
    out = audioft.render(table, tmp_path / "out", augment=CHANGES, seed=3, console=QUIET)
    chain = Chain([augmentations.build(spec) for spec in CHANGES])
    clips = manifests.load(table).clips
    assert [r["file_name"] for r in rows(out)] == ["in/one.wav", "in/two@0.2-0.6.wav", "in/two@0.6-.wav"]
    for clip, row in zip(clips, rows(out), strict=True):
        samples = torch.from_numpy(io.read(clip.path, 16000, clip.start, clip.end))
        heard = chain(samples, 16000, generator(3, "render", clip.key)).numpy()
        got, rate = soundfile.read(out / row["file_name"], dtype="float32")
        assert rate == 16000
        assert soundfile.info(out / row["file_name"]).subtype == "PCM_16"
        assert np.abs(got - heard / max(1, np.abs(heard).max())).max() <= 1 / 32768


def test_the_table_keeps_its_columns_and_loads(table, tmp_path):
    out = audioft.render(table, tmp_path / "out", augment=CHANGES, console=QUIET)
    assert list(rows(out)[0]) == ["file_name", "label", "place", "start", "end"]
    assert [(r["label"], r["place"], r["start"], r["end"]) for r in rows(out)] == [
        ("a", "x", "", ""),
        ("b", "y", "", ""),
        ("a", "z", "", ""),
    ]
    assert [c.labels for c in manifests.load(out).clips] == [("a",), ("b",), ("a",)]
    assert json.loads((out / "render.json").read_text(encoding="utf-8"))["augment"] == CHANGES


def test_a_table_may_lie_elsewhere_and_its_root_be_told(table, tmp_path):
    (tmp_path / "lists").mkdir()
    elsewhere = (table / "metadata.csv").rename(tmp_path / "lists" / "pieces.csv")
    with pytest.raises(DataError, match=r"in/one\.flac.*no such file"):
        audioft.render(elsewhere, tmp_path / "out", augment=[], console=QUIET)
    out = audioft.render(elsewhere, tmp_path / "out", augment=[], root=table, console=QUIET)
    assert [r["file_name"] for r in rows(out)] == ["in/one.wav", "in/two@0.2-0.6.wav", "in/two@0.6-.wav"]
    assert all((out / r["file_name"]).is_file() for r in rows(out))


def test_the_same_seed_gives_the_same_bytes(table, tmp_path):
    one, two, other = (
        makers.files(audioft.render(table, tmp_path / name, augment=CHANGES, seed=seed, console=QUIET))
        for name, seed in (("one", 1), ("two", 1), ("other", 2))
    )
    assert one == two
    assert one["in/one.wav"] != other["in/one.wav"]


def test_a_folder_of_classes_gets_a_table(two_tones, tmp_path):
    out = audioft.render(two_tones, tmp_path / "out", augment=["gain"], console=QUIET)
    assert rows(out)[0] == {"file_name": "high/high_00.wav", "label": "high"}
    assert len(manifests.load(out).clips) == 12


def test_several_labels_stay(chords, tmp_path):
    out = audioft.render(chords, tmp_path / "out", augment=["gain"], console=QUIET)
    before, after = manifests.load(chords).clips, manifests.load(out).clips
    assert [(c.labels, c.unknown, c.split) for c in before] == [(c.labels, c.unknown, c.split) for c in after]


def test_an_unreadable_recording_is_left_out_and_named(table, tmp_path, capsys):
    (table / "in" / "one.flac").write_bytes(b"no recording")
    out = audioft.render(table, tmp_path / "out", augment=[], console=audioft.Console())
    assert len(rows(out)) == 2
    assert "one.flac" in capsys.readouterr().err
    (table / "in" / "two.ogg").write_bytes(b"nor this")
    with pytest.raises(DataError, match="none of its 3 recordings"):
        audioft.render(table, tmp_path / "none", augment=[], console=QUIET)
    assert not (tmp_path / "none").exists()


def test_only_copies_are_replaced(table, tmp_path):
    before = makers.files(table)
    with pytest.raises(UsageError, match=r"exists already; give another folder$"):
        audioft.render(table, table, augment=[], overwrite=True, console=QUIET)
    assert makers.files(table) == before
    out = audioft.render(table, tmp_path / "out", augment=[], console=QUIET)
    with pytest.raises(UsageError, match="overwrite=True"):
        audioft.render(table, out, augment=[], console=QUIET)
    audioft.render(table, out, augment=["gain"], overwrite=True, console=QUIET)
    assert json.loads((out / "render.json").read_text(encoding="utf-8"))["augment"] == ["gain"]


def test_all_that_is_wrong_with_the_augmentations_is_told(table, tmp_path):
    with pytest.raises(ConfigError) as e:
        audioft.render(table, tmp_path / "out", augment=["nois", {"name": "gain", "p": 7}], console=QUIET)
    assert "augment.0" in str(e.value)
    assert "augment.1" in str(e.value)


def test_a_probe_learns_on_the_given_side_and_is_tested_on_the_other(small_encoder, tmp_path):
    text = ["file_name,label,split"]
    for label in ("high", "low"):
        for i in range(5):
            makers.tone(tmp_path / label / f"{i}.wav", makers.PITCHES[label], seed=i)
            text.append(f"{label}/{i}.wav,{label},{('train', 'train', 'test', 'test', 'valid')[i]}")
    (tmp_path / "metadata.csv").write_text("\n".join([*text, ""]), encoding="utf-8")
    found = audioft.probe(small_encoder, tmp_path, device="cpu")
    assert (found.clips, found.labels) == (4, 2)
    assert 0 <= found.low <= found.accuracy <= found.high <= 1
    with pytest.raises(ConfigError, match=r"probe\.clips"):
        audioft.probe(small_encoder, tmp_path, clips=1)
