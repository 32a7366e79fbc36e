"""A table of failures is replaced with the table that it goes with, and no other file is."""

from __future__ import annotations

import makers
import pytest

SIBLINGS = [
    (("s.csv",), ("s.jsonl",)),
    (("s.jsonl", "--what", "segments"), ("s.csv", "--what", "segments")),
    (("s.txt", "--format", "raven"), ("s.rttm", "--format", "rttm")),
]


@pytest.fixture
def label(audioft_command, model, turns, tmp_path):
    """Label a recording, and one that is broken if asked, into a file; what is said."""

    def call(way, *more, broken: bool = False) -> str:
        name, *options = way
        inputs = [turns]
        if broken:
            inputs.append(tmp_path / "bad.wav")
            inputs[-1].write_text("no")
        code, _, err = audioft_command("predict", model, *inputs, "--out", tmp_path / name, *options, *more)
        assert (code, "Traceback" in err) == (int(broken), False), err
        return err

    return call


@pytest.mark.parametrize(("one", "other"), SIBLINGS)
def test_tables_of_one_name_have_their_own(label, tmp_path, one, other):
    label(one, broken=True)
    before = makers.files(tmp_path)
    kept = f"{tmp_path / 's.failures.csv'}, which was there, is not of this table"
    for more in ((), ("--overwrite",)):
        assert kept in label(other, *more)
        assert makers.files(tmp_path).items() >= before.items()
    assert f"1 failure in {tmp_path / other[0]}.failures.csv; {kept}" in label(other, "--overwrite", broken=True)
    assert makers.files(tmp_path).items() >= before.items()
    label(other, "--overwrite")
    assert not (tmp_path / f"{other[0]}.failures.csv").exists()
    assert makers.files(tmp_path).items() >= before.items()


@pytest.mark.parametrize("text", ["path,reason\nmine,yes\n", "notes of mine\n", ""])
@pytest.mark.parametrize("way", [("u.csv",), ("u.csv", "--what", "summary"), ("d", "--format", "audacity")])
def test_a_file_of_somebody_else_stays(label, tmp_path, way, text):
    mine = tmp_path / ("d/failures.csv" if way[0] == "d" else "u.failures.csv")
    mine.parent.mkdir(exist_ok=True)
    mine.write_text(text)
    assert f"{mine}, which was there, is not of this table" in label(way, broken=True)
    assert mine.read_text() == text
    if not text.startswith("path"):
        assert f"{mine}, which was there, is not of this table" in label(way, "--overwrite")
        assert mine.read_text() == text


def test_the_own_one_goes_with_its_table(label, tmp_path):
    label(("u.csv",), broken=True)
    assert (tmp_path / "u.failures.csv").is_file()
    assert "was there" not in label(("u.csv",), "--overwrite", broken=True)
    assert "was there" not in label(("u.csv",), "--overwrite")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".u.csv.made.json", "bad.wav", "u.csv"]
