"""What an earlier audioft has kept or begun is used and gone on with: caches and tables in `golden/formats`."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import transformers
from golden.older import CLOSE, EXPECTED, MADE_IN, NEAR, check_metrics, files, placed, rows

import audioft

#: The names of what is kept of an encoder depend on its config, to which another transformers may add settings.
same_transformers = pytest.mark.skipif(
    transformers.__version__ != EXPECTED["versions"]["transformers"],
    reason="transformers has another version, for which what an encoder gave is computed anew",
)


@pytest.fixture
def old(tmp_path, monkeypatch):
    return placed(tmp_path, monkeypatch)


def gone_bad(place: Path) -> None:
    """Recordings of the same size and time of change that nothing can decode: who needs them must have kept them."""
    for path in place.rglob("*.flac"):
        about = path.stat()
        path.write_bytes(b"x" * about.st_size)
        os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


@pytest.fixture
def cache(old, monkeypatch):
    """What an earlier audioft has kept in the user's cache folder.

    It knows recordings by their path, size and time of change, and checks them again elsewhere: so the table of the
    checking pass is moved with them. Everything else goes by contents.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(old / "caches"))
    with contextlib.closing(sqlite3.connect(old / "caches" / "audioft" / "checked.sqlite")) as db:
        known = [Path(os.fsdecode(path)) for (path,) in db.execute("SELECT DISTINCT path FROM checked")]
        assert len(known) == 8
        for path in known:
            here = old / path.relative_to(MADE_IN)
            change = "UPDATE checked SET path = ?, mtime_ns = ? WHERE path = ?"
            db.execute(change, (os.fsencode(here), here.stat().st_mtime_ns, os.fsencode(path)))
        db.commit()
    return old / "caches" / "audioft"


@pytest.mark.parametrize(
    ("name", "kept"), [("decoded", "audio"), pytest.param("frozen", "states", marks=same_transformers)]
)
def test_a_run_reads_what_was_kept(old, cache, audioft_command, name, kept):
    """Findings of the checking pass, and decoded clips or frozen states: of recordings that cannot be read any more."""
    gone_bad(old / "sounds" / "tones" / "train")
    before = files(cache / kept, "*.*")
    code, _, err = audioft_command("train", "--config", f"caches/{name}.yaml", "model.start=random", "--out", "new")
    assert code == 0, err
    assert files(cache / kept, "*.*").items() >= before.items()
    assert len(files(cache / kept, "*.pcm" if name == "decoded" else "*.safetensors")) == len(before)
    assert (" 0 are decoded now" in err) == (name == "decoded")
    assert rows(old / "new" / "bad_files.csv") == []
    digests = [{r["path"]: r["sha256"] for r in rows(old / f / "manifest.csv")} for f in ("new", "run_finished")]
    assert digests[0] == digests[1]
    check_metrics(audioft.Run(old / "new").history, EXPECTED[name], NEAR)


@same_transformers
def test_embeddings_are_used_again(old, cache):
    from audioft.data.clip import Clip
    from audioft.evaluation.embedding_store import Store
    from audioft.evaluation.embeddings import embed_clips
    from audioft.models.loading import load_encoder
    from audioft.models.log_mel import LogMel

    listed = rows(old / "run_finished" / "manifest.csv")
    clips = [Clip(old / "sounds" / "tones" / r["path"], r["path"]) for r in listed]
    about = {"max_seconds": 2.0, "batch_seconds": None, "digests": [r["sha256"] for r in listed]}
    encoders = [load_encoder("encoder")[0].eval(), LogMel()]
    computed = [embed_clips(e, clips, **about).features for e in encoders]
    gone_bad(old / "sounds")
    for encoder, expected in zip(encoders, computed, strict=True):
        with Store(cache / "embeddings", encoder, 2.0) as store:
            found = embed_clips(encoder, clips, store=store, **about)
        assert (found.reused, found.failures) == (8, {})
        np.testing.assert_allclose(found.features, expected, rtol=1e-4, atol=1e-4)


def check_rows(found, expected):
    """The same table up to the rounding of its numbers."""
    assert [r.keys() for r in found] == [r.keys() for r in expected]
    for a, b in zip(found, expected, strict=True):
        for column, cell in b.items():
            numeric = re.fullmatch(r"-?\d+\.\d+", cell)
            assert a[column] == cell or (numeric and float(a[column]) == pytest.approx(float(cell), abs=CLOSE)), (a, b)


def test_a_table_of_predictions_is_gone_on_with(old, audioft_command):
    table, whole = (old / "tables" / f"{name}.csv" for name in ("labels", "labels_whole"))
    head, first, second, broken = table.read_text(encoding="utf-8").splitlines(keepends=True)
    assert whole.read_text(encoding="utf-8").startswith(head + first + second + broken), "it breaks off within a row"
    second = "sounds/tones/test/low/low_0.flac,high,0.123456\n"  # what no model would say, so it is not made anew
    table.write_text(head + first + second + broken, encoding="utf-8")
    call = ("sounds/tones/test", "sounds/new", "--out", table, "--resume")
    code, _, err = audioft_command("predict", "models/own", *call)
    assert (code, "was begun with something else" in err) == (2, True), err
    assert "weights, labels or thresholds" in err
    code, _, err = audioft_command("predict", "run_finished", *call)
    assert code == 0, err
    found, expected = rows(table), rows(whole)
    assert found[1] == {"path": "sounds/tones/test/low/low_0.flac", "label": "high", "score": "0.123456"}
    check_rows([r for i, r in enumerate(found) if i != 1], [r for i, r in enumerate(expected) if i != 1])


def test_a_table_of_windows_is_gone_on_with(old, audioft_command):
    table, whole = (old / "tables" / f"{name}.csv" for name in ("windows", "windows_whole"))
    text = table.read_text(encoding="utf-8").replace("low,0.619532", "low,0.123456")
    assert len(text.splitlines()) == 6, "it breaks off within the second recording, whose rows are made anew"
    table.write_text(text, encoding="utf-8")
    call = ("sounds/new", "sounds/tones/test", "--out", table, "--resume", "--what", "windows", "--all-scores")
    code, _, err = audioft_command("predict", "models/own", *call, "--hop", "0.2")
    assert (code, "hop: was 0.1, is 0.2" in err) == (2, True), err
    code, _, err = audioft_command("predict", "models/own", *call, "--hop", "0.1")
    assert code == 0, err
    found, expected = rows(table), rows(whole)
    assert found[0].pop("score") == "0.123456"
    del expected[0]["score"]
    check_rows(found, expected)
