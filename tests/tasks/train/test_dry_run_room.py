"""What a run keeps on the disk is asked for by a dry run, too."""

from __future__ import annotations

import shutil
from collections import namedtuple

import makers
import pytest

from audioft.assembly.fitting import frozen_cache
from audioft.data.audio_cache import default_folder

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def train_arguments(small_encoder):
    return ("--encoder", small_encoder, *makers.QUICK_ARGUMENTS)


@pytest.fixture
def train(audioft_command, two_tones, train_arguments, tmp_path):
    """What `audioft train` answers, as it is and as a dry run."""

    def both(*settings):
        call = ("train", two_tones, *train_arguments, *settings)
        return [audioft_command(*call, *how) for how in (("--dry-run",), ("--out", tmp_path / "run"))]

    return both


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (("cache.audio=true", "cache.gigabytes=0.0001"), "decoded clips are more than cache.gigabytes=0.0001"),
        (("cache.views=1", "freeze=all", "cache.gigabytes=0"), "more than cache.gigabytes=0; raise cache.gigabytes or"),
    ],
    ids=["audio", "views"],
)
def test_more_than_the_setting_allows_is_refused(settings, said, train, tmp_path):
    for code, _, err in train(*settings):
        assert code == 2
        assert said in err
    assert not (tmp_path / "run").exists()


def test_more_than_the_disk_has_is_refused(train, monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(10**6, 10**6, 1000))
    for code, _, err in train("cache.audio=true"):
        assert code == 1
        assert "the decoded clips take up to 128,000 bytes, and 1,000 are free there; free some, set XDG_CACHE" in err
    assert not (tmp_path / "run").exists()


def test_what_is_kept_already_may_be_of_these_clips(audioft_command, two_tones, train_arguments, monkeypatch):
    (default_folder() / "aa").mkdir(parents=True)
    (default_folder() / "aa" / "b.pcm").write_bytes(bytes(127_500))
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(10**6, 10**6, 1000))
    code, out, err = audioft_command("train", two_tones, *train_arguments, "--dry-run", "cache.audio=true")
    assert (code, err) == (0, "")
    assert "decoded clips: 8, 0 MB in" in out


def test_nothing_is_written_and_what_is_not_asked_for_is_no_problem(
    audioft_command, two_tones, train_arguments, own_cache
):
    call = ("train", two_tones, *train_arguments, "--dry-run", "freeze=all", "cache.audio=true")
    code, out, _ = audioft_command(*call)
    assert code == 0
    assert f"MB in {frozen_cache.usual()}" in out
    assert makers.files(own_cache) == {}
    code, out, _ = audioft_command(*call, "cache.audio=false", "cache.gigabytes=0")
    assert code == 0
    assert "it is computed anew in every epoch" in out
