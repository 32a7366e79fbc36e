"""Recordings to be labelled: files, folders and patterns as a user writes them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from audioft.audio.io import EXTENSIONS
from audioft.core import storage
from audioft.data.clip import Clip
from audioft.data.folders import recordings
from audioft.errors import AudioError


def unlabelled(inputs: Iterable[str | Path]) -> tuple[list[Clip], list[AudioError]]:
    """Find recordings to label.

    Args:
        inputs: files (tried whatever their extension), folders (searched in depth for recordings), or glob
            patterns (`**` reaches into depth).

    Returns:
        Whole recordings as clips in the order of the inputs, each file once, named as the input names it; and
        a failure at stage `open` for each input that led to none.
    """
    clips: dict[str, Clip] = {}
    failures: list[AudioError] = []
    for given in map(str, inputs):
        if "\0" in given:
            failures.append(AudioError(repr(given), "open", "a path cannot hold a NUL byte"))
            continue
        if not given:
            failures.append(AudioError("''", "open", "an empty name"))
            continue
        found = [given] if os.path.lexists(given) else sorted(glob.glob(given, recursive=True))
        if not found:
            what = "no file matches this pattern" if glob.has_magic(given) else "no such file or folder"
            failures.append(AudioError(given, "open", what))
        for name in found:
            _add(Path(name), clips, failures)
    return list(clips.values()), failures


def digest(path: Path) -> str:
    """What tells a recording wherever it lies and whatever it is called: 16 hex digits of its bytes' sha256.

    Empty where the file cannot be read, as `content`.
    """
    return content(path)[:16]


def content(path: Path) -> str:
    """The sha256 of a recording's bytes, in hex; empty where it cannot be read, which hearing it tells better."""
    try:
        return storage.digest(path)
    except OSError:
        return ""


def _add(path: Path, clips: dict[str, Clip], failures: list[AudioError]) -> None:
    if not path.exists():
        failures.append(AudioError(path, "open", "a link to a file that does not exist"))
        return
    files = list(recordings(path)) if path.is_dir() else [path]
    if not files:
        looked = " ".join(sorted(EXTENSIONS))
        failures.append(AudioError(path, "open", f"the folder holds no recordings; looked for {looked}"))
    for file in files:
        name = file.as_posix()
        try:
            name.encode()
        except UnicodeEncodeError:
            failures.append(AudioError(repr(os.fsencode(file)), "open", "the name is not UTF-8; rename the file"))
            continue
        clips.setdefault(os.path.realpath(file), Clip(Path(os.path.abspath(file)), name, group=name))
