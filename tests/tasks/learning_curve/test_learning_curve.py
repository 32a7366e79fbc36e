"""`audioft learning-curve` on tiny tones."""

from __future__ import annotations

import csv
import json
import shutil

import makers
import pytest

import audioft
from audioft.errors import DataError, UsageError
from audioft.evaluation import embedding_store
from audioft.tasks.learning_curve import api

SPLIT = ("data.valid=null", "data.test=0.25", "data.workers=0")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return makers.tones(tmp_path_factory.mktemp("curve") / "tones", each=12, labels=("high", "low", "mid"))


def call(command, data, encoder, *more):
    return command("learning-curve", data, "--encoder", encoder, "--draws", 4, *SPLIT, *more)


def test_the_command_prints_a_table_and_writes_all_of_it(audioft_command, data, small_encoder, tmp_path):
    out = tmp_path / "curve"
    code, printed, said = call(audioft_command, data, small_encoder, "--shots", "1,2,4", "--out", out)
    assert code == 0, said
    assert "drawn from 27 clips (train), tested on 9 (test), 3 labels, 4 draws" in printed
    assert [line.split()[0] for line in printed.splitlines()[3:7]] == ["1", "2", "4", "all"]
    assert {p.name for p in out.iterdir()} == {f"learning_curve.{x}" for x in ("csv", "json", "png")}
    assert (out / "learning_curve.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads((out / "learning_curve.json").read_text(encoding="utf-8"))
    assert printed.splitlines()[-len(found["said"]) :] == found["said"]
    with open(out / "learning_curve.csv", encoding="utf-8") as f:
        rows = [r for r in csv.DictReader(f) if r["kind"] == "measured"]
    assert [(r["method"], r["shots"], r["clips"]) for r in rows[:4]] == [
        ("prototypes", "1", "3"), ("prototypes", "2", "6"), ("prototypes", "4", "12"), ("prototypes", "all", "27")
    ]  # fmt: skip
    again = call(audioft_command, data, small_encoder, "--shots", "1,2,4", "--out", out)
    assert (again[0], "already holds results (learning_curve.csv," in again[2]) == (2, True)
    (out / "learning_curve.csv").write_text("old")
    code, again, said = call(audioft_command, data, small_encoder, "--shots", "1,2,4", "--out", out, "--overwrite")
    assert (out / "learning_curve.csv").read_text() != "old"
    assert (code, again) == (0, printed)
    assert "embeddings of 36 of 36 clips were kept" in said


def test_more_shots_than_there_are_clips(audioft_command, data, small_encoder):
    code, _, said = call(audioft_command, data, small_encoder, "--shots", 100)
    assert code == 0, said
    assert "note: labels have at most 9 clips to draw from; in place of 100 the last row has all" in said


def test_kept_embeddings_change_nothing_and_none_are_kept_unasked(data, small_encoder, monkeypatch, tmp_path):
    monkeypatch.setattr(embedding_store, "default_store", lambda: tmp_path / "store")

    def curve(cache: bool):
        return api.learning_curve(data, encoder=str(small_encoder), shots=[1, 3], draws=3, overrides=SPLIT,
                                           cache=cache, console=audioft.Console(quiet=True))  # fmt: skip

    first = str(curve(cache=False))
    assert not (tmp_path / "store").exists()
    assert [str(curve(cache=True)), str(curve(cache=True))] == [first, first]
    assert (tmp_path / "store").is_dir()


def test_weights_are_hashed_once_however_many_chunks_there_are(data, small_encoder, monkeypatch, tmp_path):
    from audioft.tasks.learning_curve import curve_run as engine

    hashed = []
    original = embedding_store.fingerprint_of
    monkeypatch.setattr(embedding_store, "fingerprint_of", lambda *a: hashed.append(1) or original(*a))
    monkeypatch.setattr(embedding_store, "default_store", lambda: tmp_path / "store")
    monkeypatch.setattr(engine, "CHUNK", 10)
    api.learning_curve(data, encoder=str(small_encoder), shots=[1], draws=2, overrides=SPLIT,
                                console=audioft.Console(quiet=True))  # fmt: skip
    assert hashed == [1]


def test_whole_groups_are_on_one_side(small_encoder, tmp_path, monkeypatch):
    folder = makers.tones(tmp_path / "g", each=8)
    rows = ["file_name,label,speaker"]
    for label in ("high", "low"):
        rows += [f"{label}/{label}_{i:02d}.wav,{label},{label}{i // 2}" for i in range(8)]
    (folder / "metadata.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    asked = []
    from audioft.tasks.learning_curve import draws

    def measure(features, labels, learn, test, **how):
        asked.append((learn, test))
        return original(features, labels, learn, test, **how)

    original = draws.measure
    monkeypatch.setattr(draws, "measure", measure)
    seen = []
    monkeypatch.setattr(draws, "outlook", lambda points, method, groups, seed: seen.append(groups) or "no")
    api.learning_curve(folder, encoder=str(small_encoder), shots=[1], draws=2, cache=False, overrides=SPLIT,
                                console=audioft.Console(quiet=True))  # fmt: skip
    ((learn, test),) = asked
    assert (len(learn), len(test)) == (12, 4)
    assert len(set(seen[0].tolist())) == 2  # of four clips, two speakers
    assert not set(learn.tolist()) & set(test.tolist())


def test_several_labels_no_side_and_wrong_calls_are_refused(refused, chords, data, small_encoder, tmp_path):
    refused("learning-curve", chords, "--encoder", small_encoder, "data.workers=0", code=1, said=("one label a clip",))
    refused("learning-curve", data, "--encoder", small_encoder, "data.valid=null", "data.test=null", "data.workers=0",
            code=1, said=("no side to test on", "data.test=0.2"))  # fmt: skip
    refused("learning-curve", data, "train.lr=1", code=2, said=("train.lr=1: the encoder is not trained here",))
    refused("learning-curve", code=2, said=("none given",))
    (tmp_path / "file").write_text("")
    refused("learning-curve", data, "--out", tmp_path / "file", code=2, said=("is a file",))
    with pytest.raises(UsageError, match="above 0"):
        api.learning_curve(data, draws=0)
    with pytest.raises(DataError, match="one label a clip"):
        api.learning_curve(chords, encoder=str(small_encoder), console=audioft.Console(quiet=True))


def test_a_label_of_few_clips_gets_a_remedy_that_works(audioft_command, refused, small_encoder, tmp_path):
    data = makers.tones(tmp_path / "data", each=6)
    (data / "low" / "low_00.wav").rename(data / "first.wav")
    shutil.rmtree(data / "low")
    (data / "low").mkdir()
    (data / "first.wav").rename(data / "low" / "first.wav")
    call = ("learning-curve", data, "--encoder", small_encoder, "--shots", 1, "--draws", 2, "data.workers=0")
    err = refused(*call, code=1, said=("only one clip, or one group of clips, of 'low'", "add recordings"))
    assert "null" not in err
    makers.tone(data / "low" / "second.wav", 310)
    err = refused(*call, code=1, said=("class 'low' has 2 clips", "fewer sides with data.valid=null"))
    assert "data.test=null" not in err
    code, printed, said = audioft_command(*call, "data.valid=null")
    assert code == 0, said
    assert "Caution: only 2 clips tested, each is worth 50 points: all figures are rough." in printed
    assert "\nprobe: logistic regression on the means of the last layer; `audioft probe` takes deviations" in printed


def test_shots_that_are_no_numbers_are_refused(audioft_command, data):
    code, _, said = audioft_command("learning-curve", data, "--shots", "1,x")
    assert code == 2
    assert "'x' is not a whole number above 0" in said
