"""Recordings to be labelled: files, folders and patterns as a user writes them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from audioft.audio.recording_kinds import LOOKED_FOR
from audioft.core import storage
from audioft.core.places import spelled
from audioft.data.clip import Clip
from audioft.data.folders import recordings
from audioft.data.reading.file_kinds import LeftOut
from audioft.data.reading.file_names import not_utf8
from audioft.errors import AudioError


def unlabelled(inputs: Iterable[str | Path], notes: list[str] | None = None) -> tuple[list[Clip], list[AudioError]]:
    """Find recordings to label.

    Args:
        inputs: files (tried whatever their extension), folders (searched in depth for recordings), or glob
            patterns (`**` reaches into depth).
        notes: is told what was passed over in folders, a sentence a reason.

    Returns:
        Whole recordings as clips in the order of the inputs, each file once, named as the input names it; and
        a failure at stage `open` for each input that led to none.
    """
    clips: dict[str, Clip] = {}
    failures: list[AudioError] = []
    left_out = LeftOut()
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
            _add(Path(name), clips, failures, left_out)
    if notes is not None:
        notes += left_out.notes()
        notes += not_utf8([c.name for c in clips.values()])
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


def _add(path: Path, clips: dict[str, Clip], failures: list[AudioError], left_out: LeftOut) -> None:
    if not path.exists():
        failures.append(AudioError(path, "open", "a link to a file that does not exist"))
        return
    files, here = [path], LeftOut()
    if path.is_dir():
        files = list(recordings(path, here))
        left_out.join(here, path)
        failures += [AudioError(p, "open", f"the folder cannot be read: {why}") for p, why in here.unreadable]
    if not files and not here.unreadable:
        said = f"the folder holds no recordings; looked for {LOOKED_FOR}{here.instead()}"
        failures.append(AudioError(path, "open", said))
    own = {os.path.realpath(f) for f in files if not f.is_symlink()}
    for file in files:
        name, real = spelled(file), os.path.realpath(file)
        known = clips.get(real)
        if file.is_symlink() and (real in own or (known is not None and known.name != name)):
            left_out.add("link to a file that is there already", name)
        else:
            clips.setdefault(real, Clip(Path(os.path.abspath(file)), name, group=name))
