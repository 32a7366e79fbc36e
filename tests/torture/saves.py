"""Checkpoints on a disk that fails, is full, or loses bits."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from audioft.errors import AudioftError, CheckpointError
from audioft.training.checkpoint import Checkpoints
from audioft.training.state import State
from torture.children import forked
from torture.faults import KINDS, Faults
from torture.outcome import Outcome
from torture.runs import Bench, differing, numbers

IN_A_SMALL_PLACE = ["unshare", "-rm", "sh", "-c"]


def _state(step: int) -> tuple[nn.Module, torch.optim.Optimizer, State]:
    """Weights, an optimiser and a state that belong to a step."""
    model = nn.Linear(40, 30)
    for p in model.parameters():
        nn.init.constant_(p, float(step))
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.full((1, 40), float(step))).sum().backward()
    optimizer.step()
    return model, optimizer, State(step=step, epoch=step, best_epoch=step)


def _save(folder: Path, step: int) -> None:
    model, optimizer, state = _state(step)
    saved = Checkpoints(folder, "the run", keep=2)
    saved.save_best(model, {"epoch": step})
    saved.save(model, optimizer, state)


def _loads(folder: Path) -> int:
    """The step of the checkpoint that is gone on from, whose numbers are all that step's; 0 where that is not so."""
    model, optimizer, _ = _state(99)
    state, _ = Checkpoints(folder, "the run", keep=2).load_last(model, optimizer)
    right, _, _ = _state(state.step)
    best, _, _ = _state(98)
    about = Checkpoints(folder, "the run", keep=2).load_best(best, state.step)
    whole = torch.equal(model.weight, right.weight) and torch.equal(best.weight, right.weight)
    return state.step if whole and about["epoch"] == state.step else 0


def torn(place: Path, kinds: tuple[str, ...] = tuple(KINDS), every: int = 1) -> Outcome:
    """Row 2: each file operation of a save fails in turn, in each way; an older or the newer checkpoint loads.

    Args:
        place: a folder.
        kinds: of failure.
        every: take every so many operations.
    """
    found = Outcome()
    whole = place / "whole"
    for step in (1, 2):
        _save(whole, step)
    shutil.copytree(whole, place / "counted")
    count = Faults()
    with count.installed():
        _save(place / "counted", 3)
    for kind in kinds:
        for at in range(0, count.count, every):
            folder = place / "tried"
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(whole, folder)
            told = place / "told"
            told.unlink(missing_ok=True)

            def fail(folder: Path = folder, at: int = at, kind: str = kind, told: Path = told) -> None:
                faults, said = Faults(at, kind), ""
                with faults.installed():
                    try:
                        _save(folder, 3)
                        said = "nothing"  # what failed was no more than clearing away
                    except AudioftError as e:
                        said = str(e)
                told.write_text(said)

            with forked(fail) as child:
                code = child.wait()
            step = _loads_or_not(folder)
            named = kind == "kill" or (code == 0 and (told.read_text() == "nothing" or str(folder) in told.read_text()))
            ended = code == -9 if kind == "kill" else code == 0
            held = step in (2, 3) and named and ended
            found.count(held, f"{kind} at {at} ({count.names[at]}): ended with {code}, step {step} loads")
    found.told = f"{count.count} file operations a save ({', '.join(kinds)}), saved beside the one before"
    return found


def _loads_or_not(folder: Path) -> int:
    try:
        return _loads(folder)
    except CheckpointError:
        return -1


def damaged(place: Path, cuts: int, flips: int, seed: int = 0) -> Outcome:
    """Row 4: a checkpoint or an entry of the cache that was cut or changed is found, and the one before it used.

    Args:
        place: a folder.
        cuts: lengths that files are cut to, of a checkpoint and of a cache entry each.
        flips: bytes that are changed, likewise.
        seed: of places and values.
    """
    found, draw = Outcome(), random.Random(seed)
    whole = place / "checkpoints"
    for step in (1, 2):
        _save(whole, step)
    newest = sorted(p for name in ("step-00000002", "best-000002") for p in (whole / name).iterdir())

    def goes_back(what: str, file: Path) -> None:
        model, optimizer, _ = _state(99)
        try:
            state, said = Checkpoints(whole, "the run").load_last(model, optimizer)
        except CheckpointError as e:
            found.count(False, f"{what}: {e}")
            return
        right = state.step == 1 and torch.equal(model.weight, _state(1)[0].weight)
        found.count(right and any("step-00000002" in s for s in said), f"{what}: step {state.step}, {said}")

    _damage(newest, cuts, flips, draw, goes_back)
    for made, reads in (_states(place / "states"), _decoded(place / "audio")):
        _damage(
            [made], cuts, flips, draw, lambda what, file, reads=reads: found.count(not reads(), f"{what}: was used")
        )
    of = "a checkpoint, of frozen states and of decoded audio"
    found.told = f"{cuts:,} cuts and {flips:,} changed bytes each of {of}"
    return found


def _damage(files: list[Path], cuts: int, flips: int, draw: random.Random, then: Callable[[str, Path], object]) -> None:
    """Cut and change the files, one at a time, each time from what they were."""
    before = {f: f.read_bytes() for f in files}
    for i in range(cuts + flips):
        file = files[i % len(files)]
        data = bytearray(before[file])
        at = draw.randrange(len(data))
        if i < cuts:
            del data[at:]
            what = f"{file.name} cut to {at} bytes"
        else:
            data[at] ^= draw.randrange(1, 256)
            what = f"byte {at} of {file.name} changed"
        file.write_bytes(data)
        then(what, file)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(before[file])


def _states(folder: Path) -> tuple[Path, Callable[[], bool]]:
    """An entry of the cache of frozen states, and whether it is used."""
    from audioft.models.boundary import Crossing
    from audioft.models.boundary_store import Crossings

    states = torch.randn(20, 16, generator=torch.Generator().manual_seed(1))
    crossing = Crossing(states, 6400, (20, 20))
    Crossings(folder, "float16").put("a" * 64, [crossing])
    (file,) = folder.rglob("*.safetensors")
    return file, lambda: Crossings(folder, "float16").get("a" * 64) is not None


def _decoded(folder: Path) -> tuple[Path, Callable[[], bool]]:
    """A decoded clip that is kept, and whether it is used."""
    import numpy as np

    from audioft.data import audio_file

    path, key = folder / "clip.pcm", bytes(range(32))
    audio_file.write(path, key, lambda: [np.sin(np.arange(8000, dtype=np.float32) / 30)])

    def used() -> bool:
        try:
            audio_file.read(path, key)
        except audio_file.NotThere:
            return False
        return True

    return path, used


FULL = """
import shutil, sys
sys.path[:0] = {paths!r}
from pathlib import Path
from torture import runs
from audioft.errors import AudioftError
from audioft.training.state import State
import audioft.core.places
bench = runs.Bench.__new__(runs.Bench)
bench.data, bench.encoder, out = Path({data!r}), Path({encoder!r}), Path({out!r})
if {blind}:
    audioft.core.places.need = lambda *a: None  # it could not be known beforehand
    import audioft.training.checkpoint
    audioft.training.checkpoint.need = lambda *a: None
filled = out.parent / "others"
filled.write_bytes(bytes({fill}))
try:
    bench.train(out, resume=(out / "config.yaml").is_file())
    print("finished")
except AudioftError as e:
    print(f"refused: {{e}}")
"""


def full(place: Path, fills: tuple[int, ...]) -> Outcome:
    """Row 3: on a file system that is full the program says so, and loses nothing.

    Args:
        place: a folder.
        fills: bytes that others have taken of a small file system, see `SMALL`.
    """
    found, bench = Outcome(), Bench(place)
    with forked(lambda: bench.train(place / "whole")) as child:
        assert child.wait() == 0
    expected = numbers(place / "whole")
    if not _can_mount():
        found.told = "this machine lets nobody mount a small file system: left out"
        found.tried = found.kept = 1
        return found
    for fill in fills:
        for blind in (False, True):
            small = place / "small"
            small.mkdir(exist_ok=True)
            first = _program(bench, small / "run", blind, fill)
            then = _program(bench, small / "run", False, 0)
            script = f"mount -t tmpfs -o size={SMALL} tmpfs {small} && {first}; {then}; cp -r {small}/run {place}/kept"
            shutil.rmtree(place / "kept", ignore_errors=True)
            done = subprocess.run([*IN_A_SMALL_PLACE, script], capture_output=True, text=True, check=False)
            said = done.stdout.strip().splitlines() or [done.stderr]
            told = said[0].startswith("refused") and "bytes" in said[0] and str(small / "run") in said[0]
            whole = (place / "kept" / "model").exists() and not differing(expected, numbers(place / "kept"))
            asked_before = blind or "free there" in said[0]
            found.count(told and asked_before and whole, f"{fill} bytes taken: {said}")
    found.told = "asked before the first epoch and, where it could not be known, at the save that found no room"
    return found


SMALL = 1_000_000


def _program(bench: Bench, out: Path, blind: bool, fill: int) -> str:
    paths = [str(Path(__file__).parents[1]), *sys.path]
    given = {"data": str(bench.data), "encoder": str(bench.encoder), "out": str(out)}
    code = FULL.format(paths=paths, blind=blind, fill=fill, **given)
    file = out.parents[1] / f"program-{blind}-{fill}.py"
    file.write_text(code)
    return f"{sys.executable} {file}"


def _can_mount() -> bool:
    try:
        script = "mount -t tmpfs -o size=100k tmpfs /mnt"
        return subprocess.run([*IN_A_SMALL_PLACE, script], capture_output=True, check=False).returncode == 0
    except OSError:
        return os.name == "nt"
