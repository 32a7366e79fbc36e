"""A search that was begun in little time begins anew where there is time for more of it, and where it was moved."""

from __future__ import annotations

import shutil

import pytest
import small_auto

import audioft
from audioft.assembly import resolve
from audioft.tasks.auto import kept, settings_search, tables
from audioft.tasks.auto.kept import Done
from audioft.tasks.auto.places import PLACES
from audioft.tasks.auto.work import Work

QUIET = audioft.Console(quiet=True)


@pytest.fixture
def work(recordings, tmp_path):
    """As after the encoder, of 20 clips to learn from (10 s) that are heard at a second a second."""
    config = resolve.settings(recordings)
    found = Work(tmp_path, config, ("mini",), PLACES["server"], 60.0, QUIET, kept.Kept({}))
    about = {"learnt": 20, "tested": 4, "seconds": 10.0}
    found.kept.steps = {"data": Done("", [], found=about), "encoder": Done("", [], found={"seconds_per_minute": 60.0})}
    tables.write(found.data(), tmp_path)
    return found


def study(work, table: str):
    (work.folder / "search").mkdir(exist_ok=True)
    (work.folder / "search" / "study.json").write_text("{}")
    (work.folder / "search" / "config.yaml").write_text(f"data: {{source: {table}}}\n")


def free(work, seconds: float):
    """So that as much is left to find a model in."""
    work.seconds = (seconds + work.spent) / 0.85


def test_as_many_clips_are_searched_on_as_can_be_heard(work):
    free(work, 100)
    assert settings_search._table(work) == (work.at("clips.csv"), [])
    free(work, 10.2)
    table, told = settings_search._table(work)
    assert table == work.at("some.csv")
    assert "of 20 clips 6 are learnt from: to hear all of them takes 10 s" in told[0]
    assert tables.rows(work.folder / "some.csv") == 6 + 4
    study(work, table)
    free(work, 11)
    assert "in the time there was" in settings_search._table(work)[1][0]
    assert (work.folder / "search").is_dir()
    free(work, 20.2)
    assert "12 are learnt from" in settings_search._table(work)[1][0]
    assert not (work.folder / "search").exists()
    study(work, table)
    free(work, 100)
    table, _ = settings_search._table(work)
    assert table == work.at("clips.csv")
    assert settings_search._outgrown(work, work.folder / "search", table)
    assert not (work.folder / "some.csv").exists()


def test_a_search_of_all_clips_stays_one(work):
    study(work, work.at("clips.csv"))
    free(work, 5)
    assert settings_search._table(work) == (work.at("clips.csv"), [])
    assert not settings_search._outgrown(work, work.folder / "search", work.at("clips.csv"))


def test_with_time_a_search_of_heads_alone_is_outgrown(work):
    study(work, work.at("clips.csv"))
    (work.folder / "space.yaml").write_text(settings_search.FROZEN)
    place = work.folder / "search", work.at("clips.csv")
    free(work, 1400)  # of 2 trials, 4 times as many clips as there are, 6 epochs, 3 passes, 10 s each: 1,440
    assert not settings_search._outgrown(work, *place)
    assert settings_search._space(work, place[0], []) == {}
    free(work, 1441)
    assert settings_search._outgrown(work, *place)
    settings_search._forget(work)
    assert settings_search._space(work, place[0], []) == {}, "the space that ships"
    told: list[str] = []
    free(work, 1400)
    assert settings_search._space(work, place[0], told) == {"space": work.folder / "space.yaml"}
    assert "take about 24 min 00 s, and 23 min" in told[0]


def test_a_work_that_was_moved_searches_anew(whole, auto, tmp_path):
    out = shutil.copytree(whole.folder, tmp_path / "moved")
    found = auto(None, out, resume=True, minutes=3)
    assert not found.failed
    assert f"{small_auto.TRIALS} trials" in " ".join(found.steps["settings"].said)
    assert str(out / "clips.csv") in (out / "search" / "config.yaml").read_text()
    assert found.best.value >= whole.best.value


def test_rows_are_counted_whatever_is_in_them(recordings, tmp_path):
    table = tmp_path / "odd.csv"
    table.write_text('path,label\n"a\nb.wav",x\n"c, ""d"".wav",y\n')
    assert tables.rows(table) == 2
