"""Files and folders that are whole or not there, and whom they may be read by."""

from __future__ import annotations

import os

import pytest

from audioft.core import storage
from audioft.models import folder as folders
from audioft.models.architecture import save_encoder


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_files_are_as_the_umask_says(umask, trained, tmp_path):
    """safetensors and mkstemp make files that only their owner may read."""
    before = os.umask(umask)
    try:
        whole, card = folders.load(trained.model)
        folders.save(whole, card, tmp_path / "model", "about")
        (tmp_path / "encoder").mkdir()
        save_encoder(whole.encoder, tmp_path / "encoder")
        with storage.cache_file(tmp_path / "kept" / "a.bin") as file:
            file.write(b"x")
        storage.write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert {"model.safetensors", "a.bin", "a.txt"} <= {p.name for p in files}
    assert {p: oct(p.stat().st_mode & 0o777) for p in files} == dict.fromkeys(files, oct(0o666 & ~umask))


def test_what_a_link_leads_to_is_not_touched(tmp_path):
    with storage.new_folder(tmp_path / "a") as partial:
        (partial / "own").write_text("x")
        (partial / "own").chmod(0o600)
        (tmp_path / "elsewhere").write_text("x")
        (tmp_path / "elsewhere").chmod(0o600)
        (partial / "link").symlink_to(tmp_path / "elsewhere")
    assert (tmp_path / "a" / "own").stat().st_mode & 0o777 == (tmp_path / "a").stat().st_mode & 0o666
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o600, "what a link leads to is not touched"


def test_a_cache_file_that_fails_leaves_nothing(tmp_path):
    def fail():
        with storage.cache_file(tmp_path / "a") as file:
            file.write(b"x")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert list(tmp_path.iterdir()) == []
