from __future__ import annotations

import json
import os

import pytest

from audioft.core.folder_lock import LOCK, held
from audioft.errors import UsageError


def test_a_second_one_is_told_who_holds_it(tmp_path):
    with held(tmp_path / "run"), pytest.raises(UsageError) as e, held(tmp_path / "run"):
        pass
    assert f"process {os.getpid()} on " in str(e.value)
    assert "give another --out" in str(e.value)
    with held(tmp_path / "run"):
        pass


def test_nothing_is_left_of_a_folder_that_was_made_for_nothing(tmp_path):
    with held(tmp_path / "deep" / "run"):
        assert (tmp_path / "deep" / "run" / LOCK).exists()
    assert list(tmp_path.iterdir()) == []


def test_what_is_in_the_folder_stays(tmp_path):
    (tmp_path / "own").write_text("x")
    with pytest.raises(ZeroDivisionError), held(tmp_path):
        raise ZeroDivisionError
    assert [p.name for p in tmp_path.iterdir()] == ["own"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xff", json.dumps({"process": 1}).encode()])
def test_a_lock_file_that_nobody_holds_is_recovered_whatever_it_holds(tmp_path, content):
    (tmp_path / LOCK).write_bytes(content)
    with held(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["process"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_run_folder(tmp_path):
    (tmp_path / "run").write_text("x")
    with pytest.raises(UsageError, match="is a file"), held(tmp_path / "run"):
        pass


def test_of_several_processes_the_first_holds_it_for_all(tmp_path, monkeypatch):
    with held(tmp_path):
        monkeypatch.setenv("RANK", "1")
        with held(tmp_path):
            pass
        assert (tmp_path / LOCK).exists()
