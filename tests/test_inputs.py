"""The corpus of inputs as people have them: each comes out as is written beside it."""

from __future__ import annotations

import contextlib
import fnmatch
import importlib.util
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from golden.inputs.cases import Case, all_cases

from audioft.cli import main

FOUND = all_cases()


@pytest.fixture
def fill(tmp_path, request) -> Callable[[str], str]:
    """Names of what a case has for its own folder, an encoder and a model; these are made when asked for."""

    def filled(text: str) -> str:
        text = text.replace("{here}", str(tmp_path))
        if "{encoder}" in text:
            text = text.replace("{encoder}", str(request.getfixturevalue("small_encoder")))
        if "{model}" in text:
            text = text.replace("{model}", str(request.getfixturevalue("trained").folder))
        return text

    return filled


@pytest.mark.parametrize("name", FOUND)
def test_an_input_comes_out_as_it_must(name, tmp_path, monkeypatch, fill):
    case = FOUND[name]
    if missing := [n for n in case.needs if not (shutil.which(n) or importlib.util.find_spec(n))]:
        pytest.skip(f"there is no {', '.join(missing)}")
    case.make(tmp_path)
    monkeypatch.chdir(tmp_path)
    if callable(case.call):
        code, out, err = 0, case.call(tmp_path), ""
    else:
        code, out, err = _command(*map(fill, case.call))
    assert code == case.code, out + err
    for part in case.said:
        assert fill(part) in out + err, out + err
    for part in case.unsaid:
        assert fill(part) not in out + err, out + err
    if case.rows is not None:
        _alike(out.splitlines()[1:], [fill(r) for r in case.rows])
    for path, rows in case.files.items():
        lines = Path(tmp_path, path).read_text(encoding="utf-8").splitlines()
        if rows is not None:
            _alike(lines[1:], [fill(r) for r in rows])


def _command(*arguments: str) -> tuple[int, str, str]:
    """The command in this process; what it prints may hold bytes that are not UTF-8."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape", write_through=True) for _ in range(2)]
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        try:
            code = main(list(arguments))
        except SystemExit as e:
            code = int(e.code or 0)
    out, err = (stream.buffer.getvalue().decode("utf-8", "surrogateescape") for stream in streams)
    return code, out, err


def _alike(lines: list[str], patterns: list[str]) -> None:
    assert len(lines) == len(patterns), "\n".join(lines)
    for line, pattern in zip(lines, patterns, strict=True):
        assert fnmatch.fnmatchcase(line, pattern.replace("[", "[[]")), f"{line} is not as {pattern}"


def test_the_corpus_is_large_enough():
    assert all(isinstance(case, Case) for case in FOUND.values())
    assert len(FOUND) == len(set(FOUND))
