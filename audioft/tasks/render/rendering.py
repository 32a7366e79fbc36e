"""Copies of labelled recordings with augmentations applied once and for all: the steps behind `audioft.render`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from audioft.assembly.reading import Reading
from audioft.audio import io, writing
from audioft.augmentation import Chain, augmentations
from audioft.core import csv_tables
from audioft.core.progress import Console
from audioft.core.runtime import generator, one_thread
from audioft.core.storage import new_folder, write_json, write_text
from audioft.data.clip import Clip
from audioft.data.manifest import Manifest
from audioft.data.rows import label_cell
from audioft.data.tables import FILE_COLUMNS
from audioft.errors import AudioError, ConfigError, DataError, UsageError

NOTE = "render.json"  # what was done; also what says that a folder may be replaced


def render(
    data: Path,
    out: Path,
    augment: Sequence[Any],
    *,
    how: Reading,
    seed: int,
    rate: int,
    overwrite: bool,
    console: Console,
) -> Path:
    """See `audioft.render`."""
    wrong = [p for i, spec in enumerate(augment) for p in augmentations.check(spec, f"augment.{i}")]
    if wrong:
        raise ConfigError(wrong)
    if out.exists() and (out.is_file() or any(out.iterdir())) and not (overwrite and (out / NOTE).is_file()):
        told = ", or replace the copies in it (--overwrite; in Python overwrite=True)" * (out / NOTE).is_file()
        raise UsageError(f"{out} exists already; give another folder{told}")
    chain = Chain([augmentations.build(spec) for spec in augment])
    manifest = how.clips(data)
    for note in manifest.notes:
        console.say(f"note: {note}")
    place = out.resolve()
    if any(place in clip.path.resolve().parents for clip in manifest.clips):
        raise UsageError(f"{out} holds recordings of {data}, which their copies would replace; give another folder")
    if data.is_dir() and data.resolve() in place.parents:
        raise UsageError(f"{out} is within {data}, and its copies would be taken for data; give another folder")
    names = file_names(manifest.clips)
    written: list[tuple[Clip, str]] = []
    failures: list[AudioError] = []
    with new_folder(out) as partial, one_thread():
        with console.job(f"rendering {out}", len(names)) as job:
            for i, (clip, name) in enumerate(zip(manifest.clips, names, strict=True)):
                try:
                    samples = torch.from_numpy(io.read(clip.path, rate, clip.start, clip.end))
                    heard = chain(samples, rate, generator(seed, "render", clip.key))
                except AudioError as e:
                    failures.append(e)
                else:
                    # a file holds -1 to 1; what is louder is turned down as a whole
                    writing.write_wav(partial / name, (heard / max(1.0, float(heard.abs().max()))).numpy(), rate)
                    written.append((clip, name))
                job.at(i + 1)
        if not written:
            raise DataError(f"{data}: none of its {len(names)} recordings can be read; the first: {failures[0]}")
        write_text(partial / "metadata.csv", table(manifest, written, how.label, how.renames))
        about = {"data": str(data), "augment": list(augment), "seed": seed, "rate": rate}
        left_out = {"left_out": {f.path: f.reason for f in failures}} if failures else {}
        write_json(partial / NOTE, about | left_out)
    for failure in failures:
        console.say(f"note: left out: {failure}")
    return out


def file_names(clips: Sequence[Clip]) -> list[str]:
    """The name of each clip's copy, once: its own with the ending `.wav`, a cut's with its times.

    >>> file_names([Clip(Path("/d/a.ogg"), "x/a.ogg"), Clip(Path("/d/a.mp3"), "x/a.mp3", 1.5, 3.0)])
    ['x/a.wav', 'x/a@1.5-3.wav']
    """
    taken: set[str] = set()
    found = []
    for clip in clips:
        times = clip.key.removeprefix(clip.name)
        name = f"{Path(clip.name).with_suffix('')}{times}.wav"
        if name.lower() in taken:
            name = f"{clip.name}{times}.wav"
        taken.add(name.lower())
        found.append(name)
    return found


def table(
    manifest: Manifest, written: Sequence[tuple[Clip, str]], label: str | None = None, renamed: bool = False
) -> str:
    """The copies as a table with the columns of the source's; `start` and `end` are empty, as each cut is a file.

    Where labels are `renamed`, the column `label`, or that of its name, has them so; without one it is added.
    """
    columns = list(dict.fromkeys(c for clip, _ in written for c in clip.columns))
    names = next((c for c in FILE_COLUMNS if c in columns), "file_name")
    if not columns:
        columns = [names, "label", *(["split"] if any(c.split for c, _ in written) else [])]
    own_label = label if label in columns else "labels" if manifest.multilabel else "label"
    if renamed and own_label not in columns:
        columns.append(own_label)
    rows: list[list[str]] = [columns]
    for clip, name in written:
        own = clip.columns or {"label": label_cell(clip, manifest.multilabel), "split": clip.split or ""}
        new = {own_label: label_cell(clip, manifest.multilabel)} if renamed else {}
        cells = {**own, **new, names: name, "start": "", "end": ""}
        rows.append([cells.get(c, "") for c in columns])
    return csv_tables.text(rows)
