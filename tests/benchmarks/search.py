"""What a search takes, and whether it loses trials: `python tests/benchmarks/search.py DATA/esc10/metadata.csv`.

Rows: `cache`, 50 trials of heads, rates and losses below a frozen `mini` beside one run, and beside trials that share
nothing; `processes`, the same trials by one process and by two; `kills`, four processes, one of which is killed again
and again; `nulls`, which needs no data: how often one of 20 trials that are equally good is told to be better;
`gain`: what the best of `--trials` of the space that ships gains, beside the defaults, on the validation folds and on
the test side of DATA, of which `--each N` leaves N clips of a label to learn from.
"""

import argparse
import csv
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest

import audioft
from audioft.assembly.fitting import frozen_cache
from audioft.assembly.shared import Shared
from audioft.evaluation.predictions import Predictions, losses, tempered
from audioft.tasks.search import outcome, trial

HEADS = {
    "train.head_lr": {"log": [1e-5, 1e-2]},
    "train.epochs": {"int": [5, 15]},
    "train.weight_decay": {"log": [1e-3, 0.3]},
    "train.loss": {"choice": ["cross_entropy", {"name": "focal", "gamma": 2.0}]},
    "model.head": {"choice": ["own", "mlp"]},
    "freeze": "all",
}
QUIET = audioft.Console(quiet=True)
RUN = trial.run


def searched(options: argparse.Namespace, out: Path, trials: int, **given: object) -> tuple[float, Any]:
    began = time.perf_counter()
    how = {"space": HEADS, "seeds": 1, "overrides": {"data.test": "fold=5"}, "encoder": "mini", "console": QUIET}
    found = audioft.search(options.data, out=out, trials=trials, **{**how, **given})
    return time.perf_counter() - began, found


def cache(options: argparse.Namespace, folder: Path) -> None:
    passed: list[str] = []
    plain = frozen_cache.Cache._keep

    def keep(self, cut, name, *more):
        passed.append(name)
        return plain(self, cut, name, *more)

    frozen_cache.Cache._keep = keep
    frozen_cache.usual = lambda: folder / "states"  # nothing is kept of earlier runs
    began = time.perf_counter()
    one = {"freeze": "all", "train.epochs": 10, "data.test": "fold=5"}
    audioft.finetune(options.data, encoder="mini", out=folder / "run", overrides=one, console=QUIET)
    alone = time.perf_counter() - began
    for folds in (1, 5):
        passed.clear()
        frozen_cache.usual = lambda folds=folds: folder / f"states-{folds}"
        own = timed(None)
        took, found = searched(options, folder / f"shared-{folds}", options.trials, folds=folds, pruner="none")
        clips = len(set(passed))
        told = f"{took:.0f} s, {took / alone:.1f} times one run ({alone:.0f} s); {len(passed)} passes of {clips} clips"
        print(f"{len(found.trials)} trials on {folds} fold(s): {told}", flush=True)
        apart = timed(folder / f"apart-{folds}")
        searched(options, folder / f"few-{folds}", options.few, folds=folds, pruner="none")
        each, slow = sum(own) / len(own), sum(apart) / len(apart)
        told = f"{slow:.1f} s a trial ({len(apart)}) beside {each:.1f} s ({len(own)})"
        print(f"trials that share nothing, {folds} fold(s): {told}, {slow / each:.0f} times as long", flush=True)


def timed(apart: Path | None) -> list[float]:
    """The seconds of each trial from now on; with `apart` each has a cache of its own there, and shares nothing."""
    spent: list[float] = []

    def run(config, around, *more, **given):
        if apart is not None:
            around.shared = Shared()
            frozen_cache.usual = lambda: apart / str(len(spent))
        began = time.perf_counter()
        try:
            return RUN(config, around, *more, **given)
        finally:
            spent.append(time.perf_counter() - began)

    trial.run = run
    return spent


def processes(options: argparse.Namespace, folder: Path) -> None:
    shares = []
    for i in range(options.repeats):
        alone, a = searched(options, folder / f"one-{i}", options.trials, jobs=1, folds=5)
        both, b = searched(options, folder / f"two-{i}", options.trials, jobs=2, folds=5)
        same = [e.settings for e in a.trials] == [e.settings for e in b.trials]
        holders = {e.about["holder"] for e in b.trials}
        print(
            f"one process {alone:.0f} s, two {both:.0f} s; the same trials: {same}; {len(holders)} holders", flush=True
        )
        shares.append(both / alone)
    print(f"two take {statistics.median(shares):.2f} of the time of one (median of {options.repeats})")


def kills(options: argparse.Namespace, folder: Path) -> None:
    """Four helpers at work on one study; one of them is killed every second or so, and begun again."""
    searched(options, folder / "study", 1, folds=5)
    asked = json.dumps({"trials": options.trials, "minutes": None, "storage": None})
    command = [sys.executable, "-m", "audioft.tasks.search.helper", str(folder / "study"), asked]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    workers = [subprocess.Popen(command, env=environment) for _ in range(4)]
    rng, killed = random.Random(0), 0
    while killed < options.kills and any(w.poll() is None for w in workers):
        time.sleep(rng.uniform(4, 10))
        i = rng.randrange(4)
        if workers[i].poll() is None:
            workers[i].send_signal(signal.SIGKILL)
            workers[i].wait()
            killed += 1
            workers[i] = subprocess.Popen(command, env=environment)
    codes = [w.wait() for w in workers]
    _, found = searched(options, folder / "study", options.trials, resume=True, space=None, overrides=())
    states = [e.state for e in found.trials]
    again = sum(e.about.get("tried", 0) for e in found.trials)
    whole_numbers = sorted({e.number for e in found.trials}) == list(range(options.trials))
    done = f"{states.count('complete')} complete, {states.count('pruned')} pruned, each number once: {whole_numbers}"
    print(f"{killed} kills, {again} trials taken again; {len(states)} trials, {done}, exit codes {codes}", flush=True)
    _, whole = searched(options, folder / "whole", options.trials, folds=5)
    same = [e.settings for e in whole.trials] == [e.settings for e in found.trials]
    print(f"the same settings as without kills: {same}")


def gain(options: argparse.Namespace, folder: Path) -> None:
    data = options.data if options.each is None else few(options.data, options.each, folder / "few.csv")
    given = {"data.audio_root": str(options.data.parent)}
    began = time.perf_counter()
    found = audioft.search(
        data, encoder="mini", out=folder / "study", trials=options.trials, take="best", overrides=given, console=QUIET
    )
    took = time.perf_counter() - began
    run = audioft.finetune(data, encoder="mini", out=folder / "run", overrides=given, console=QUIET)
    print(found)
    print(f"{len(found.trials)} trials, {took:.0f} s")
    for name, one in (("defaults", run), ("best trial", found.run)):
        value = one.report.metrics[one.report.main]
        clips = f"{one.report.clips} clips of the {one.report.side} side"
        print(f"{name}: {one.report.main} {value.value:.3f} ({value.bounds}) of {clips}", flush=True)


def few(table: Path, each: int, out: Path) -> Path:
    """The table with so many clips of each label to learn from, drawn by a seed, and all that are tested."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    random.Random(0).shuffle(rows)
    left = {row["label"]: each for row in rows}
    kept = []
    for row in rows:
        left[row["label"]] -= row["split"] != "test"
        if row["split"] == "test" or left[row["label"]] >= 0:
            kept.append(row)
    with out.open("w", newline="", encoding="utf-8") as file:
        written = csv.DictWriter(file, kept[0].keys())
        written.writeheader()
        written.writerows(kept)
    return out


def nulls(options: argparse.Namespace, folder: Path) -> None:
    """Searches in which no trial is better than any other, as far as their predictions go."""
    for figure in ("refined_loss", "accuracy"):
        for groups, each in ((120, 1), (30, 4)):
            told, seen = 0, []
            for draw in range(options.nulls):
                found = outcome.gain(equals(groups, each, 20, draw, figure), figure, draw)
                told += found.beyond_chance
                seen.append(found.seen > 0)
            low, high = binomtest(told, options.nulls).proportion_ci()
            share = f"{100 * told / options.nulls:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
            ahead = f"a trial looked ahead in {100 * statistics.mean(seen):.0f} %"
            what = f"{figure}, {groups * each} clips in groups of {each}"
            print(f"{what}: {told} of {options.nulls} told better beyond chance, {share}; {ahead}", flush=True)


def equals(groups: int, each: int, trials: int, draw: int, figure: str) -> list[outcome.Said]:
    """Equal trials: how hard a clip is they share, what each makes of a clip and of a group is its own."""
    rng = np.random.default_rng([draw, groups])
    clips = groups * each
    hard = np.repeat(rng.normal(0, 1, groups), each) + rng.normal(0, 1, clips)
    targets = np.eye(2)[rng.integers(0, 2, clips)]
    about = [{"path": f"{i}", "start": None, "end": None, "group": f"{i // each}"} for i in range(clips)]
    found = []
    for number in range(trials):
        own = np.repeat(rng.normal(0, 0.5, groups), each) + rng.normal(0, 0.5, clips)
        right = 1 / (1 + np.exp(-(1 + hard + own)))
        scores = np.where(targets == 1, right[:, None], 1 - right[:, None])
        p = Predictions(("a", "b"), False, scores, targets, np.ones_like(targets, bool), about)
        cost = losses(tempered(scores, targets, p.known, False), targets, p.known, False)
        found.append(outcome.Said(number, p, np.arange(clips), cost if figure == "refined_loss" else None))
    return found


ROWS = {"cache": cache, "processes": processes, "kills": kills, "nulls": nulls, "gain": gain}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=["cache", "processes", "kills"])
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--few", type=int, default=5, help="trials that share nothing")
    parser.add_argument("--each", type=int, help="clips of a label that `gain` learns from; all if not given")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--nulls", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        for row in options.rows:
            (Path(place) / row).mkdir()
            ROWS[row](options, Path(place) / row)


if __name__ == "__main__":
    main()
