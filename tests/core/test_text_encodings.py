"""Whatever the locale says, tables are UTF-8 and names of files are bytes that work."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys

import makers
import pytest

from audioft.core import startup
from audioft.core.progress import Bar, Console

#: Which a shell, a service or Windows may have.
PLACES = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "a code page of Windows": {"PYTHONIOENCODING": "cp1252"},
    "the locale C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}
LATIN = b"caf\xe9.wav"  # a name that is not UTF-8


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Names in German, in Japanese and in no UTF-8, one of which is empty; their model has labels of that kind."""
    folder = tmp_path_factory.mktemp("names")
    makers.tones(folder / "data", labels=("high", "low"))
    os.rename(folder / "data" / "high", folder / "data" / "Grün specht")
    os.rename(folder / "data" / "low", folder / "data" / "シジュウカラ")
    new = folder / "new"
    makers.tone(new / "Grün.wav")
    makers.tone(new / "シ.wav", 300)
    try:
        shutil.copy(new / "Grün.wav", os.path.join(os.fsencode(new), LATIN))
        open(os.path.join(os.fsencode(new), b"empt\xe9.wav"), "wb").close()
    except OSError:  # a file system that has no such names
        pytest.skip("names are UTF-8 here")
    return folder


@pytest.fixture(scope="module")
def model(recordings, small_encoder, tmp_path_factory):
    return makers.train(recordings / "data", small_encoder, tmp_path_factory.mktemp("runs") / "run").folder


def called(environment, *arguments, cwd):
    command = [sys.executable, "-m", "audioft", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, env=os.environ | environment, cwd=cwd)


@pytest.mark.skipif(os.name != "posix", reason="names are bytes in posix")
@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_predict_writes_the_same_table_everywhere(place, recordings, model):
    done = called(PLACES[place], "predict", model, "new", cwd=recordings)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 1  # for the empty one
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode("utf-8", "surrogateescape"))))
    assert sorted(os.fsencode(r["path"]) for r in rows) == sorted(
        [b"new/" + LATIN, "new/Grün.wav".encode(), "new/シ.wav".encode()]
    )
    assert {r["label"] for r in rows} <= {"Grün specht", "シジュウカラ"}
    assert b"1 of 4 inputs could not be labelled" in done.stderr
    assert b"2 recordings have names that are not UTF-8, as b'new/caf\\xe9.wav'" in done.stderr


#: The verbs one after the other in one process, as what takes long is to start it.
SEVERAL = """
import json, sys
from audioft.cli import main
for call in json.loads(sys.argv[1]):
    try:
        code = main(call)
    except SystemExit as e:
        code = e.code
    print(end=f"\\f{code}\\f", flush=True)
"""


@pytest.mark.slow
def test_in_the_locale_c_names_are_text(recordings, small_encoder, tmp_path):
    out = tmp_path / "läuft"
    call = ("train", "data", "--encoder", small_encoder, *makers.QUICK_ARGUMENTS, "--out", out)
    done = called(PLACES["the locale C"], *call, cwd=recordings)
    assert (done.returncode, done.stdout.decode("utf-8").strip()) == (0, str(out)), done.stderr
    assert "Grün specht" in (out / "manifest.csv").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("place", [p for p in PLACES if "locale" not in p])
def test_the_other_verbs_speak_utf8_too(place, recordings, model, small_encoder, tmp_path):
    out, known = tmp_path / "läuft", tmp_path / "speakers.json"
    calls = [
        ("evaluate", model, "data"),
        ("train", "data", "--encoder", small_encoder, *makers.QUICK_ARGUMENTS, "--out", out),
        ("enroll", model, "Jörg", "new/Grün.wav", "--speakers", known, "--anyway"),
        ("enroll", model, "シ", "new/シ.wav", "--speakers", known, "--anyway"),
        ("identify", model, "new", "--speakers", known, "--threshold", 0),
    ]
    command = [sys.executable, "-c", SEVERAL, json.dumps([list(map(str, call)) for call in calls])]
    done = subprocess.run(command, capture_output=True, env=os.environ | PLACES[place], cwd=recordings)
    assert b"Traceback" not in done.stderr
    said = done.stdout.decode("utf-8", "surrogateescape").split("\f")
    measured, trained, first, second, identified = said[0:-1:2]
    assert said[1::2] == ["0", "0", "0", "0", "1"], done.stderr  # one recording is empty
    assert "シジュウカラ" in measured
    assert trained.strip() == str(out)
    assert "Grün specht" in (out / "manifest.csv").read_text(encoding="utf-8")
    assert first.startswith("Jörg: 1 recording(s)")
    assert second.startswith("シ: 1 recording(s)")
    assert "new/シ.wav" in identified


@pytest.mark.skipif(os.name != "posix", reason="names are bytes in posix")
def test_tables_on_disk_have_the_bytes_of_names(recordings, model, tmp_path, audioft_command, monkeypatch):
    monkeypatch.chdir(recordings)
    for out in ("p.csv", "e.csv"):
        what = ("--what", "windows") if out == "e.csv" else ()
        assert audioft_command("predict", model, "new", "--out", tmp_path / out, *what)[0] == 1
        assert b"\nnew/caf\xe9.wav," in (tmp_path / out).read_bytes()
        assert (tmp_path / out).with_suffix(".failures.csv").read_bytes().startswith(b"path,reason\nnew/empt\xe9.wav,")
    assert audioft_command("predict", model, "new", "--out", tmp_path / "p.jsonl")[0] == 1
    lines = (tmp_path / "p.jsonl").read_text(encoding="utf-8").splitlines()  # which is strict
    assert b"new/" + LATIN in [os.fsencode(json.loads(line)["path"]) for line in lines]
    for out in ("p.csv", "p.jsonl"):
        before = (tmp_path / out).read_bytes()
        assert audioft_command("predict", model, "new", "--out", tmp_path / out, "--resume")[0] == 1
        assert (tmp_path / out).read_bytes() == before


def test_streams_are_set_once_and_for_all(monkeypatch):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="cp1252") for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    startup.text_as_utf8()
    print("シ \udce9", end="", flush=True)
    Console().say("シ \udce9")
    assert out.buffer.getvalue() == "シ ".encode() + b"\xe9"
    assert err.buffer.getvalue().splitlines() == [rb"\u30b7 \udce9"]


@pytest.mark.parametrize(("encoding", "drawn"), [("utf-8", "█" * 12 + "·" * 12), ("cp1252", "#" * 12 + "." * 12)])
def test_a_bar_is_drawn_in_what_the_terminal_has(encoding, drawn):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Bar(stream).draw("half", 0.5)
    assert f"[{drawn}] half".encode(encoding) in stream.buffer.getvalue()
