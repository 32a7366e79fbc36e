"""Two runs in one folder, and folders whose files come in another order."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
from pathlib import Path

import makers

import audioft
from audioft.core.folder_lock import LOCK, held
from audioft.errors import AudioftError, UsageError
from audioft.models import folder as model_folder
from torture.children import forked
from torture.outcome import Outcome
from torture.runs import Bench, differing, numbers


def shared(place: Path, times: int) -> Outcome:
    """Row 10: two runs cannot share a folder; a lock left by a kill is recovered; nothing is overwritten unasked.

    Args:
        place: a folder.
        times: how often a second run is begun beside a first.
    """
    bench, found, out = Bench(place), Outcome(), place / "run"
    for i in range(times):
        shutil.rmtree(out, ignore_errors=True)
        read, write = os.pipe()

        def hold(write: int = write) -> None:
            with held(out):
                os.write(write, b"x")
                signal.pause()

        with forked(hold) as first:
            os.read(read, 1)
            for resume, overwrite in ((False, False), (True, False), (False, True)):
                said = _refused(bench, out, resume, overwrite)
                found.count(f"process {first.pid} " in said, f"{i}: the second was told {said!r}")
        os.close(read)
        os.close(write)
        found.count((out / LOCK).exists(), "the killed one left no lock, so nothing was recovered")
    bench.train(out)
    whole = makers.files(out)
    found.count("already holds a run" in _refused(bench, out, False, False), "a run was overwritten unasked")
    found.count(makers.files(out) == whole, "a refused run changed files")
    found.count(LOCK not in whole, "a finished run left its lock")
    found.told = f"a second run beside a first {times} times, each with --resume, --overwrite and neither"
    return found


def _refused(bench: Bench, out: Path, resume: bool, overwrite: bool) -> str:
    try:
        audioft.finetune(
            bench.data,
            encoder=str(bench.encoder),
            out=out,
            resume=resume,
            config=None if not resume else audioft.settings(bench.data, str(bench.encoder)),
            overwrite=overwrite,
            console=audioft.Console(quiet=True),
        )
    except UsageError as e:
        return str(e)
    return "nothing"


def labels_stay(place: Path, times: int, seed: int = 0) -> Outcome:
    """Row 14: labels stay with their numbers, in whatever order a file system gives its files.

    Args:
        place: a folder.
        times: how many orders are tried.
        seed: of the orders.
    """
    bench, found, draw = Bench(place, 6), Outcome(), random.Random(seed)
    run = bench.train(place / "run", train__epochs=1)
    expected, labels = numbers(place / "run"), audioft.load_model(run).labels
    names = sorted(p.relative_to(bench.data) for p in bench.data.rglob("*.wav"))
    scandir, listdir = os.scandir, os.listdir
    for i in range(times):
        shuffled = place / f"shuffled-{i}" / "tones"
        order = draw.sample(names, len(names))
        for name in order:
            (shuffled / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bench.data / name, shuffled / name)

        def disordered(path: str = ".", draw: random.Random = draw) -> list[str]:
            return draw.sample(entries := listdir(path), len(entries))

        class Disordered:
            def __init__(self, path: str = ".", draw: random.Random = draw):
                self.inner = scandir(path)
                entries = list(self.inner)
                self.entries = iter(draw.sample(entries, len(entries)))

            def __iter__(self) -> Disordered:
                return self

            def __next__(self) -> os.DirEntry[str]:
                return next(self.entries)

            def __enter__(self) -> Disordered:
                return self

            def __exit__(self, *exc: object) -> None:
                self.inner.close()

            close = __exit__

        other = Bench.__new__(Bench)
        other.data, other.encoder = shuffled, bench.encoder
        os.listdir, os.scandir = disordered, Disordered  # type: ignore[assignment]
        try:
            again = other.train(place / f"run-{i}", train__epochs=1)
        finally:
            os.listdir, os.scandir = listdir, scandir
        same = differing(expected, numbers(again.folder))
        found.count(not same and audioft.load_model(again).labels == labels, f"order {i}: {same}")
    _ill_fitting(found, place, run)
    found.told = f"{times} orders of files and folders give the same run; ill-fitting heads are refused"
    return found


def _ill_fitting(found: Outcome, place: Path, run: audioft.Run) -> None:
    def changed(what: str, name: str, change) -> None:
        folder = Path(shutil.copytree(run.model, place / f"model {what}"))
        about = json.loads((folder / name).read_text())
        change(about)
        (folder / name).write_text(json.dumps(about))
        try:
            model_folder.load(folder)
            found.count(False, f"{what}: loaded")
        except AudioftError as e:
            found.count("label" in str(e) or "weights" in str(e) or "fit" in str(e), f"{what}: {e}")

    changed("labels in another order", "audioft.json", lambda a: a["labels"].reverse())
    changed("a label more", "audioft.json", lambda a: a["labels"].append("more"))
    changed("a label less", "audioft.json", lambda a: a["labels"].pop())
    changed("names swapped", "config.json", lambda a: a["id2label"].update({"0": "low", "1": "high"}))
    changed("a name less", "config.json", lambda a: (a["id2label"].pop("1"), a["label2id"].pop("low")))
