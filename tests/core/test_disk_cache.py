"""What was used longest ago is thrown away first, within a limit; nothing that is in use, in whatever process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audioft.core import disk_cache
from audioft.errors import UsageError

HOLD = "import sys; from pathlib import Path; from audioft.core import disk_cache\n" \
       "with disk_cache.using(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()"  # fmt: skip


def entry(path: Path, hours_ago: float, size: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    then = time.time() - 3600 * hours_ago
    os.utime(path, (then, then))
    return path


def test_the_oldest_are_thrown_away_until_the_rest_is_within_the_limit(tmp_path):
    old, older, new = (entry(tmp_path / f"{n}/{n}.x", n) for n in (5, 9, 1))
    assert disk_cache.trim(tmp_path, 300) == 0
    assert disk_cache.trim(tmp_path, 250) == 100
    assert [p.exists() for p in (older, old, new)] == [False, True, True]
    assert disk_cache.trim(tmp_path, 0) == 200


def test_what_was_used_again_or_is_to_be_kept_stays(tmp_path):
    old, older, oldest = (entry(tmp_path / f"{n}.x", n) for n in (1, 2, 3))
    disk_cache.used(oldest)
    assert disk_cache.trim(tmp_path, 0, keep=[older]) == 100
    assert [p.exists() for p in (oldest, older, old)] == [True, True, False]


def test_a_folder_in_use_by_another_process_is_left_alone_until_it_ends(tmp_path):
    mine, theirs = entry(tmp_path / "mine" / "a" / "x", 1), entry(tmp_path / "theirs" / "a" / "x", 9)
    call = [sys.executable, "-c", HOLD, str(tmp_path / "theirs")]
    with subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        assert disk_cache.trim(tmp_path, 50) == 100
        assert [mine.exists(), theirs.exists()] == [False, True]
        other.kill()
    assert disk_cache.trim(tmp_path, 50) == 100
    assert not theirs.exists()


def test_a_folder_in_use_here_is_left_alone_and_may_be_used_twice(tmp_path):
    x = entry(tmp_path / "e" / "x", 9)
    with disk_cache.using(tmp_path / "e"), disk_cache.using(tmp_path / "e"):
        assert disk_cache.trim(tmp_path, 0) == 0
        assert x.exists()


def test_only_one_process_trims_at_a_time(tmp_path):
    entry(tmp_path / "x", 9)
    with disk_cache.locked(tmp_path / ".trimming", alone=True):
        assert disk_cache.trim(tmp_path, 0) == 0
    assert disk_cache.trim(tmp_path, 0) == 100


def test_a_folder_that_is_not_there_or_cannot_be_made_stops_nothing(tmp_path):
    assert disk_cache.trim(tmp_path / "none", 0) == 0
    assert not (tmp_path / "none").exists()
    (tmp_path / "file").write_text("x")
    with disk_cache.using(tmp_path / "file" / "e"):
        pass


def test_the_limit_is_read_from_the_environment(monkeypatch):
    monkeypatch.delenv("AUDIOFT_X_GB", raising=False)
    assert disk_cache.limit_of("AUDIOFT_X_GB", 2.5) == 2_500_000_000
    monkeypatch.setenv("AUDIOFT_X_GB", "0.5")
    assert disk_cache.limit_of("AUDIOFT_X_GB", 2.5) == 500_000_000
    for wrong in ("much", "-1", "nan", "inf"):
        monkeypatch.setenv("AUDIOFT_X_GB", wrong)
        with pytest.raises(UsageError, match=f"AUDIOFT_X_GB={wrong}: expected a number of GB"):
            disk_cache.limit_of("AUDIOFT_X_GB", 2.5)
