"""What is set aside comes back whole, wherever a program is killed, or goes for good."""

from __future__ import annotations

import contextlib
import os

import makers
import pytest

from audioft.core import set_aside
from audioft.errors import UsageError


@pytest.fixture
def results(tmp_path):
    """Files, a folder and a link, in a folder and above it, and what is nobody's."""
    (tmp_path / "run" / "model").mkdir(parents=True)
    (tmp_path / "run" / "model" / "weights").write_text("old")
    (tmp_path / "run" / "report.json").write_text("old")
    (tmp_path / "run" / "notes.txt").write_text("mine")
    (tmp_path / "card.md").write_text("old")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "step").write_text("old")
    (tmp_path / "run" / "checkpoints").symlink_to(tmp_path / "elsewhere")
    return tmp_path


def places(results):
    names = ("run/model", "run/report.json", "card.md", "run/checkpoints", "run/gone")
    return [results / name for name in names]


def replaced(results):
    """Set aside, and something else in its place."""
    aside = set_aside.folder_of(results / "run")
    set_aside.set_aside(aside, places(results))
    assert not any(os.path.lexists(place) for place in places(results))
    (results / "run" / "model").write_text("a file now")
    (results / "run" / "report.json").mkdir()
    return aside


def test_it_comes_back_over_what_is_there(results):
    before = makers.files(results)
    assert set_aside.put_back(replaced(results))
    assert makers.files(results) == before
    assert (results / "run" / "checkpoints").is_symlink()
    assert not set_aside.put_back(set_aside.folder_of(results / "run"))


def test_what_is_to_stay_stays(results):
    aside = replaced(results)
    assert set_aside.put_back(aside, but=[results / "run" / "model"])
    assert (results / "run" / "model").read_text() == "a file now"
    assert (results / "card.md").read_text() == "old"


def test_let_go_it_does_not_come_back(results):
    aside = replaced(results)
    set_aside.let_go(aside)
    assert not set_aside.put_back(aside)
    assert not (results / "card.md").exists()
    assert sorted(p.name for p in (results / "run").iterdir()) == ["model", "notes.txt", "report.json"]


@pytest.mark.parametrize("aside_moves", range(1, 6))
@pytest.mark.parametrize("back_moves", range(1, 4))
def test_killed_anywhere_it_comes_back(results, monkeypatch, aside_moves, back_moves):
    """A move that never returns, once while it is set aside and once while it is put back."""
    before, real, left = makers.files(results), set_aside.shutil.move, [0]

    def move(source, to):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return real(source, to)

    monkeypatch.setattr(set_aside.shutil, "move", move)
    aside = set_aside.folder_of(results / "run")
    for left[0], step in (
        (aside_moves, lambda: set_aside.set_aside(aside, places(results))),
        (back_moves, lambda: set_aside.put_back(aside)),
    ):
        with contextlib.suppress(KeyboardInterrupt):
            step()
    monkeypatch.undo()
    set_aside.put_back(aside)
    assert makers.files(results) == before


def test_what_cannot_be_moved_is_where_it_was(results, monkeypatch):
    before, real = makers.files(results), set_aside.shutil.move

    def move(source, to):
        if str(source).endswith("card.md"):
            raise PermissionError(13, "Permission denied")
        return real(source, to)

    monkeypatch.setattr(set_aside.shutil, "move", move)
    with pytest.raises(UsageError, match="Permission denied; give another --out"):
        set_aside.set_aside(set_aside.folder_of(results / "run"), places(results))
    assert makers.files(results) == before


def test_a_file_is_set_aside_beside_it(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("old")
    aside = set_aside.folder_of(table)
    set_aside.set_aside(aside, [table])
    assert [p.name for p in tmp_path.iterdir()] == [".labels.csv.replaced"]
    set_aside.let_go(aside)
    assert not any(tmp_path.iterdir())
