"""`audioft render`: what the command reads, writes, refuses and says."""

from __future__ import annotations

import csv
import json
import shutil

import makers
import pytest

import audioft
from audioft.data import manifest as manifests
from audioft.errors import UsageError

TELEPHONE = "augment=[{name: telephone, p: 1}]"
NOISE = "augment=[{name: noise, p: 1}]"


@pytest.fixture
def table(tmp_path):
    """Three recordings of two labels, in a table with a column of its own."""
    rows = ["file_name,label,place"]
    for i, label in enumerate(("high", "low", "low")):
        makers.tone(tmp_path / "data" / f"{i}.wav", makers.PITCHES[label], seed=i)
        rows.append(f"{i}.wav,{label},place {i}")
    path = tmp_path / "data" / "clips.csv"
    path.write_text("\n".join([*rows, ""]), encoding="utf-8")
    return path


@pytest.fixture
def render(audioft_command, tmp_path):
    """`render(*arguments) -> messages`: into `tmp_path/out`, which it prints and nothing else."""
    out = tmp_path / "out"

    def call(*arguments, code=0):
        got, said, err = audioft_command("render", *arguments, "--out", out)
        assert (got, said) == (code, f"{out}\n"), err
        return err

    return call


def rows(out):
    return list(csv.DictReader((out / "metadata.csv").read_text(encoding="utf-8").splitlines()))


def test_a_table_is_copied_with_its_columns(render, table, tmp_path):
    err = render(table, TELEPHONE)
    assert "Traceback" not in err
    assert [(r["file_name"], r["label"], r["place"]) for r in rows(tmp_path / "out")] == [
        ("0.wav", "high", "place 0"),
        ("1.wav", "low", "place 1"),
        ("2.wav", "low", "place 2"),
    ]
    about = json.loads((tmp_path / "out" / "render.json").read_text(encoding="utf-8"))
    assert about == {"data": str(table), "augment": [{"name": "telephone", "p": 1}], "seed": 0, "rate": 16000}


def test_a_folder_of_classes_becomes_a_table_that_loads(render, two_tones, tmp_path):
    render(two_tones, TELEPHONE, "--rate", 8000)
    assert len(manifests.load(tmp_path / "out").clips) == 12
    assert json.loads((tmp_path / "out" / "render.json").read_text(encoding="utf-8"))["rate"] == 8000


def test_command_and_function_make_the_same_bytes(render, table, tmp_path):
    render(table, NOISE, "seed=3")
    again = audioft.render(
        table, tmp_path / "again", augment=[{"name": "noise", "p": 1}], seed=3, console=audioft.Console(quiet=True)
    )
    assert makers.files(again) == makers.files(tmp_path / "out")


def test_a_seed_decides_and_comes_from_the_config_if_not_given(render, table, tmp_path):
    (tmp_path / "c.yaml").write_text("seed: 3\naugment: [{name: noise, p: 1}]\ntrain: {epochs: 2}\n")
    found = []
    for given in ((NOISE,), (NOISE, "seed=3"), ("--config", tmp_path / "c.yaml")):
        render(table, *given, *(("--overwrite",) if found else ()))
        found.append(makers.files(tmp_path / "out"))
    assert found[0]["0.wav"] != found[1]["0.wav"]
    assert found[1] == found[2]


def test_a_table_elsewhere_is_given_its_root(render, refused, table, tmp_path):
    (tmp_path / "lists").mkdir()
    moved = table.rename(tmp_path / "lists" / "clips.csv")
    refused("render", moved, TELEPHONE, "--out", tmp_path / "out", code=1, said=("no such file", "0.wav"))
    assert not (tmp_path / "out").exists()
    render(moved, TELEPHONE, "--root", tmp_path / "data")
    assert len(rows(tmp_path / "out")) == 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("augment=[{name: telefone, p: 1}]",), ("augment.0: unknown augmentation 'telefone'", "'telephone'")),
        (("augment=[telephone, {name: gain, p: 7}]",), ("augment.1.p",)),
        (("augment=[{name: noise, dir: there}]",), ("augment.0.dir: augmentation 'noise' has no such argument",)),
        ((), ("nothing to apply", "augment='[{name: telephone, p: 1}]'", "--config")),
        (("augment=[]",), ("nothing to apply",)),
        ((TELEPHONE, "train.lr=1"), ("train.lr=1: copies are only augmented", "augment, data, events, seed")),
        ((TELEPHONE, "seed=many"), ("seed",)),
        ((TELEPHONE, "--config", "none.yaml"), ("none.yaml",)),
        ((TELEPHONE, "another"), ("2 given", "audioft render DATA --out DIR")),
    ],
)
def test_wrong_calls_make_nothing(refused, table, tmp_path, monkeypatch, given, said):
    monkeypatch.chdir(tmp_path)
    refused("render", table, *given, "--out", tmp_path / "out", code=2, said=said)
    assert not (tmp_path / "out").exists()


def test_a_rate_must_be_one(audioft_command, table, tmp_path):
    code, out, err = audioft_command("render", table, TELEPHONE, "--out", tmp_path / "out", "--rate", 0)
    assert (code, out) == (2, "")
    assert "'0' is not a whole number above 0" in err


def test_data_must_be_named_and_there(refused, tmp_path):
    refused("render", TELEPHONE, "--out", tmp_path / "out", code=2, said=("none given", "audioft render DATA"))
    refused("render", tmp_path / "none", TELEPHONE, "--out", tmp_path / "out", code=2, said=("none",))
    assert not any(tmp_path.iterdir())


def test_only_copies_are_replaced_and_only_when_asked(render, refused, table, tmp_path):
    out = tmp_path / "out"
    render(table, NOISE)
    before = makers.files(out)
    said = (f"{out} exists already; give another folder", "--overwrite")
    refused("render", table, TELEPHONE, "--out", out, code=2, said=said)
    assert makers.files(out) == before
    render(table, TELEPHONE, "--overwrite")
    assert makers.files(out)["0.wav"] != before["0.wav"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    (tmp_path / "file").touch()
    for place in ("mine", "file"):
        call = ("render", table, TELEPHONE, "--overwrite", "--out", tmp_path / place)
        assert "--overwrite" not in refused(*call, code=2, said=(f"{place} exists already; give another folder",))
    assert (tmp_path / "mine" / "letter.txt").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    audioft.render(table, tmp_path / "empty", augment=[], console=audioft.Console(quiet=True))
    assert len(rows(tmp_path / "empty")) == 3


def test_copies_replace_no_recording_that_they_are_made_of(render, refused, table, two_tones, tmp_path):
    out = tmp_path / "out"
    render(table, TELEPHONE)
    before = makers.files(out)
    call = ("render", out, NOISE, "--overwrite", "--out", out)
    refused(*call, code=2, said=(f"{out} holds recordings of {out}, which their copies would replace",))
    assert makers.files(out) == before
    own = shutil.copytree(two_tones, tmp_path / "own")
    said = (f"{own / 'copies'} is within {own}, and its copies would be taken for data",)
    refused("render", own, TELEPHONE, "--out", own / "copies", code=2, said=said)
    assert makers.files(own) == makers.files(two_tones)
    with pytest.raises(UsageError, match="would be taken for data"):
        audioft.render(own, own / "a" / "b", augment=["gain"], console=audioft.Console(quiet=True))


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_a_recording_that_cannot_be_read_is_left_out_named_and_ends_with_1(render, table, tmp_path, quiet):
    (table.parent / "1.wav").write_bytes(b"no recording")
    err = render(table, TELEPHONE, *quiet, code=1)
    assert len([line for line in err.splitlines() if "1.wav" in line]) == 1, err
    assert [r["file_name"] for r in rows(tmp_path / "out")] == ["0.wav", "2.wav"]
    about = json.loads((tmp_path / "out" / "render.json").read_text(encoding="utf-8"))
    assert [name.rpartition("/")[2] for name in about["left_out"]] == ["1.wav"]


def test_quiet_says_nothing_where_all_went_well(render, table):
    assert render(table, TELEPHONE, "--quiet") == ""
