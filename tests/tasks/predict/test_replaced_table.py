"""A table that a call was to replace, or to go on with, where the call ended before its first row."""

from __future__ import annotations

import makers
import pytest

from audioft.core import set_aside
from audioft.inference.predictor import Predictor
from audioft.tasks import arguments

WAYS = {
    "rows": ("labels.csv",),
    "rows as JSON": ("labels.jsonl",),
    "windows": ("labels.csv", "--what", "windows"),
    "segments": ("labels.csv", "--what", "segments"),
    "segments as JSON": ("labels.jsonl", "--what", "segments"),
    "summary": ("labels.csv", "--what", "summary"),
    "raven": ("labels.txt", "--format", "raven"),
    "rttm": ("labels.rttm",),
}
TABLES = [way for way in WAYS if way not in ("raven", "rttm")]


class Killed(BaseException):
    """Nothing answers it, as nothing does when a process is killed."""


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


@pytest.fixture
def label(audioft_command, model, tmp_path):
    """Label recordings into the file of a way; what the command ended with and said."""

    def call(way, inputs, *more):
        name, *options = way
        form = ("--what", "segments") if name.endswith("rttm") else ()
        code, _, err = audioft_command("predict", model, inputs, "--out", tmp_path / name, *options, *form, *more)
        assert "Traceback" not in err
        return code, err

    return call


@pytest.fixture
def before_its_first_row(monkeypatch):
    """End labelling there, with what is raised."""

    def end(error: BaseException):
        def raised(*args, **how):
            raise error
            yield

        for name in ("predict", "follow"):
            monkeypatch.setattr(Predictor, name, raised)

    return end


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("out of memory")])
def test_what_was_there_comes_back(label, way, turns, tmp_path, before_its_first_row, monkeypatch, error):
    assert label(way, turns)[0] == 0
    (tmp_path / "labels.failures.csv").write_text("path,reason\nmine,yes\n")
    before = makers.files(tmp_path)
    before_its_first_row(error)
    code, err = label(way, turns, "--overwrite")
    assert code == (130 if isinstance(error, KeyboardInterrupt) else 1)
    assert makers.files(tmp_path) == before
    assert isinstance(error, RuntimeError) or f"{tmp_path / way[0]} holds what it held before" in err


@pytest.mark.parametrize("way", [*TABLES, "by"])
@pytest.mark.parametrize("when", ["before the model is there", "after its first row"])
def test_what_is_there_is_told_to_who_interrupts(label, way, when, turns, tmp_path, monkeypatch):
    way = ("labels.csv", "--by", "site") if way == "by" else WAYS[way]
    assert label(way, turns)[0] == 0
    before = makers.files(tmp_path)
    if when == "before the model is there":
        monkeypatch.setattr(arguments, "model", interrupt)
    else:
        for name in ("predict", "follow"):
            monkeypatch.setattr(Predictor, name, interrupted_after(getattr(Predictor, name)))
    code, err = label(way, turns, "--overwrite")
    assert code == 130
    if when == "before the model is there":
        assert err.endswith(f"interrupted; {tmp_path / way[0]} holds what it held before\n")
        assert makers.files(tmp_path) == before
    else:
        told = f"the same call with --resume instead of --overwrite goes on with {tmp_path / way[0]}\n"
        assert err.endswith(f"interrupted; {told}")


def interrupt(*args):
    raise KeyboardInterrupt


def interrupted_after(labelled):
    """Labelling that is interrupted at its end."""

    def own(*args, **how):
        yield from labelled(*args, **how)
        raise KeyboardInterrupt

    return own


def test_so_it_does_where_nothing_can_be_labelled(label, way, turns, tmp_path):
    assert label(way, turns)[0] == 0
    before = makers.files(tmp_path)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.wav").write_text("no recording")
    code, err = label(way, tmp_path / "broken", "--overwrite")
    assert code == 1
    assert "which holds what it held before" in err
    assert {k: v for k, v in makers.files(tmp_path).items() if not k.startswith("broken")} == before


def test_a_call_that_goes_well_replaces_it(label, way, turns, tmp_path):
    assert label(way, turns)[0] == 0
    before = makers.files(tmp_path)
    assert label(way, turns, "--overwrite", "--hop", "0.3", "--window", "0.5")[0] == 0
    after = makers.files(tmp_path)
    assert after.keys() == before.keys()
    assert after != before


def test_through_a_link(label, turns, tmp_path, before_its_first_row, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "labels.csv").symlink_to(tmp_path / "elsewhere" / "real.csv")
    assert label(WAYS["rows"], turns)[0] == 0
    before = makers.files(tmp_path)
    before_its_first_row(KeyboardInterrupt())
    assert label(WAYS["rows"], turns, "--overwrite")[0] == 130
    assert makers.files(tmp_path) == before
    assert (tmp_path / "labels.csv").is_symlink()
    monkeypatch.undo()
    assert label(WAYS["rows"], turns, "--overwrite", "--window", "0.3")[0] == 0
    assert makers.files(tmp_path) != before
    assert (tmp_path / "labels.csv").is_symlink()


@pytest.mark.parametrize("way", TABLES)
def test_after_a_kill_the_next_call_puts_it_back(label, way, turns, tmp_path, before_its_first_row, monkeypatch):
    way = WAYS[way]
    assert label(way, turns)[0] == 0
    before = makers.files(tmp_path)
    before_its_first_row(Killed())
    with monkeypatch.context() as nobody:
        nobody.setattr(set_aside, "put_back", lambda aside, but=(): False)
        with pytest.raises(Killed):
            label(way, turns, "--overwrite")
    monkeypatch.undo()
    assert makers.files(tmp_path) != before
    code, err = label(way, turns)
    assert code == 2
    assert "is there already" in err
    assert makers.files(tmp_path) == before


@pytest.mark.parametrize("way", TABLES)
@pytest.mark.parametrize("cut", [None, 0, 3])
def test_what_ended_before_its_first_row_is_gone_on_with(
    label, way, turns, tmp_path, before_its_first_row, monkeypatch, cut
):
    """Interrupted, or killed with no or a part of the header, or the whole one; the same as in one go."""
    way = WAYS[way]
    assert label(way, turns)[0] == 0
    table = tmp_path / way[0]
    before = makers.files(tmp_path)
    table.unlink()
    before_its_first_row(KeyboardInterrupt() if cut is None else Killed())
    with monkeypatch.context() as nobody:
        if cut is None:
            assert label(way, turns)[0] == 130
        else:
            nobody.setattr(type(table), "unlink", lambda path, missing_ok=False: None)
            with pytest.raises(Killed):
                label(way, turns)
    monkeypatch.undo()
    if cut is not None:
        assert table.is_file()
        table.write_bytes(before[way[0]][:cut] if cut else table.read_bytes())
    code, err = label(way, turns, "--resume")
    assert code == 0, err
    assert makers.files(tmp_path) == before


@pytest.mark.parametrize(
    ("table", "out", "options"),
    [
        ("t.csv", "t.csv", ("--by", "site")),
        ("t.recordings.csv", "t.csv", ("--by", "site")),
        ("t.jsonl", "link.jsonl", ("--by", "hour")),
        ("t.csv", "t.csv", ("--what", "summary", "--clock")),
        ("t.csv", "sub/../t.csv", ("--what", "segments", "--clock")),
    ],
)
def test_what_says_when_and_where_is_not_replaced(refused, model, turns, tmp_path, table, out, options):
    text = "file_name,datetime,site\nodd.wav,2024-01-31 05:30,A\n"
    row = '{"file_name": "odd.wav", "datetime": "2024-01-31 05:30", "site": "A"}\n'
    (tmp_path / table).write_text(row if table.endswith("jsonl") else text)
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.jsonl").symlink_to(table)
    before = makers.files(tmp_path)
    call = ("predict", model, turns, "--recorded", tmp_path / table, "--out", tmp_path / out)
    refused(*call, *options, "--overwrite", code=2, said=(f"would replace --recorded {tmp_path / table}",))
    assert makers.files(tmp_path) == before
