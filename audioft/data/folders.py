"""Folders whose names are the labels."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from audioft.audio.io import EXTENSIONS
from audioft.data.clip import Clip
from audioft.data.rows import ROLES, Names, outside
from audioft.data.targets import clean
from audioft.errors import DataError, Problem


def to_clips(root: Path, allow_outside: bool, notes: list[str]) -> tuple[list[Clip], str]:
    """The clips of a folder without a table, sorted by name, and its layout, `classes` or `splits`.

    Raises:
        DataError: no recordings, no class folders, links out of the folder.
    """
    skipped: Counter[str] = Counter()
    names = sorted(
        (p.relative_to(root).as_posix() for p in recordings(root, skipped)),
        key=lambda n: unicodedata.normalize("NFC", n),
    )
    if skipped:
        kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(skipped.items()))
        notes.append(f"{skipped.total()} files were skipped: {kinds}")
    if not names:
        raise DataError(f"{root}: no recordings found; looked in all folders for {' '.join(sorted(EXTENSIONS))}")
    tops = sorted({n.split("/")[0] for n in names if "/" in n})
    roles = [t for t in tops if t.lower() in ROLES]
    by_side = len(roles) > 1 or (len(tops) == 1 and [t.lower() for t in roles] in (["train"], ["training"]))
    if by_side and len(roles) < len(tops):
        others = [t for t in tops if t not in roles]
        raise DataError(
            f"{root}: {', '.join(roles)} look like sides of a split, beside them lie {', '.join(others)}; "
            "move these elsewhere, or use a metadata.csv"
        )
    depth = 2 if by_side else 1
    flat = [n for n in names if n.count("/") < depth]
    if len(flat) == len(names) or (by_side and flat):
        place = "train/CLASS/file.wav" if by_side else "CLASS/file.wav"
        raise DataError(
            f"{root}: {len(flat)} recordings lie in no class folder, as {flat[0]}; expected {place}, or a "
            "metadata.csv with file_name and label"
        )
    if flat:
        notes.append(
            f"{len(flat)} recordings directly in {root} are left out, they have no class: {', '.join(flat[:3])}"
        )
    find = Names(root)
    problems, clips = [], []
    for name in names:
        parts = name.split("/")
        if len(parts) <= depth:
            continue
        if not (allow_outside or find.inside(root / name)):
            problems.append(outside(name, root))
        elif not _utf8(name):
            problems.append(Problem(repr(os.fsencode(name)), "the name is not UTF-8; rename the file"))
        else:
            side = ROLES[parts[0].lower()] if by_side else None
            clips.append(Clip(root / name, name, labels=(clean(parts[depth - 1]),), split=side, group=name))
    if problems:
        raise DataError(problems)
    return clips, "splits" if by_side else "classes"


def recordings(folder: Path, skipped: Counter[str] | None = None) -> Iterator[Path]:
    """All recordings below a folder by extension, without hidden ones; links are followed once.

    Args:
        folder: where to look.
        skipped: counts what was left out, by kind.
    """
    skipped = Counter() if skipped is None else skipped
    seen: set[str] = set()
    for here, subfolders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(here)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        subfolders[:] = sorted(d for d in subfolders if not d.startswith((".", "__MACOSX")))
        for name in sorted(files):
            suffix = Path(name).suffix.lower()
            if name.startswith("."):
                skipped["hidden"] += 1
            elif suffix in EXTENSIONS:
                yield Path(here, name)
            else:
                skipped[suffix or "without an extension"] += 1


def _utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
