"""Runs killed at any moment, and told to stop."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

from torture.children import Child, forked
from torture.outcome import Outcome
from torture.runs import Bench, differing, numbers

SAVING = (".step-*.partial", ".best-*.partial", "../.model.partial")


def killed_and_resumed(place: Path, kills: int, inside: int, seed: int = 0) -> Outcome:
    """Row 1: killed at any moment, `--resume` gives the very same run.

    Args:
        place: a folder.
        kills: how many SIGKILLs.
        inside: how many of them at least inside a save.
        seed: of the moments.
    """
    bench, draw, found = Bench(place), random.Random(seed), Outcome()
    began = time.monotonic()
    with forked(lambda: bench.train(place / "whole")) as child:
        assert child.wait() == 0
    length, expected = time.monotonic() - began, numbers(place / "whole")
    done = saving = runs = 0
    while done < kills:
        runs += 1
        workers, out = (0, 2)[runs % 2], place / f"run-{runs}"
        while True:
            with forked(
                lambda w=workers, o=out: bench.train(o, (o / "config.yaml").is_file(), data__workers=w)
            ) as child:
                if done >= kills:
                    died = False
                elif saving < inside:
                    died = _kill_in_a_save(child, out / "checkpoints", draw)
                else:
                    died = _kill_after(child, draw.uniform(0, length))
                code = child.wait()
            if not died:
                break
            done += 1
            saving += any(True for pattern in SAVING for _ in (out / "checkpoints").glob(pattern))
        same = [] if code else differing(expected, numbers(out))
        found.count(code == 0 and not same, f"{out}: ended with {code}, differs in {same}")
    found.told = f"{done} kills, {saving} of them inside a save, in {runs} runs with 0 and 2 workers"
    return found


def _kill_after(child: Child, seconds: float) -> bool:
    if child.wait(seconds) is not None:
        return False
    child.kill()
    return child.wait() == -signal.SIGKILL


def _kill_in_a_save(child: Child, folder: Path, draw: random.Random) -> bool:
    """Wait until one is under way, some of them later than the first, and kill within the time it takes."""
    let = draw.randrange(4)
    while child.poll() is None:
        if any(True for pattern in SAVING for _ in folder.glob(pattern)):
            if let == 0:
                time.sleep(draw.uniform(0, 0.004))
                child.kill()
                return child.wait() == -signal.SIGKILL
            let -= 1
            while child.poll() is None and any(True for p in SAVING for _ in folder.glob(p)):
                time.sleep(0.0002)
        time.sleep(0.0002)
    return False


def stopped(place: Path, times: int, seed: int = 1) -> Outcome:
    """Row 12: after Ctrl-C and SIGTERM a checkpoint is written, and the program ends with the code it documents."""
    bench, draw, found = Bench(place), random.Random(seed), Outcome()
    began = time.monotonic()
    more = {"train__epochs": 10}
    with forked(lambda: bench.train(place / "whole", **more)) as child:
        assert child.wait() == 0
    length, expected, longest = time.monotonic() - began, numbers(place / "whole"), 0.0
    tried = 0
    while found.tried < times:
        number = (signal.SIGINT, signal.SIGTERM)[tried % 2]
        out, workers = place / f"run-{tried}", (0, 2)[tried // 2 % 2]
        tried += 1
        more["data__workers"] = workers
        with forked(lambda o=out, m=dict(more): _terminable(lambda: bench.train(o, **m))) as child:
            if child.wait(draw.uniform(0.1, 0.9) * length) is not None:
                continue
            asked = time.monotonic()
            child.kill(number)
            code = child.wait(30)
            longest = max(longest, time.monotonic() - asked)
            left = child.left()
        if code == 0:  # it came when there was nothing left to stop
            continue
        begun = (out / "config.yaml").is_file()
        with forked(lambda o=out, b=begun, m=dict(more): bench.train(o, b, **m)) as child:
            went_on = child.wait() == 0
        same = differing(expected, numbers(out)) if went_on else ["everything"]
        held = code == 128 + number and not same and not left
        found.count(held, f"signal {number}: ended with {code}, {same}, {'left a process' if left else ''}")
    found.told = f"ended after at most {longest:.2f} s, with 130 and 143, left no process, went on to the very same run"
    return found


def _terminable(work) -> None:
    from audioft.core.startup import terminable

    with terminable():
        work()
