"""Ensembles of five and their soups against the best single one, and what a stack of training scores costs.

    python tests/benchmarks/ensembles.py DATA/esc10/metadata.csv [--folds 1 2] [--unlike | --stack | --default | --cost]

The table's own `fold` gives the outer folds: one is tested, the next one validates. Runs that are there in DIR are not
made again.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy import stats

import audioft
from audioft.assembly.joining import given, out_of_fold, plan, sides
from audioft.assembly.joining.joined import Joined
from audioft.data import manifest as manifests
from audioft.data.sides import Split
from audioft.evaluation.joining import fitted
from audioft.evaluation.joining.member_scores import combined
from audioft.evaluation.linear import Labels
from audioft.evaluation.predictions import log_loss
from audioft.inference.predictor import Predictor

QUIET = audioft.Console(quiet=True)
LIGHT = {"data.workers": 0, "train.tensorboard": False, "evaluate.resamples": 0, "evaluate.players": 0}
TUNED = {"freeze": {"top": 1}, "train.lr": 3e-4, "train.head_lr": 3e-4, "train.epochs": 5}
HOWS = ("average", "weighted", "vote", "soup", "greedy-soup")
NOBODY = np.zeros(0, np.int64)


def run(data: str, out: Path, start: Path | None = None, **settings) -> audioft.Run:
    if (out / "report.json").is_file():
        return audioft.Run(out)
    how = {"encoder": "mini"} if start is None else {"start": start}
    return audioft.finetune(data, out=out, overrides=LIGHT | settings, console=QUIET, overwrite=True, **how)


def members(data: str, work: Path, fold: int) -> list[audioft.Run]:
    """Five runs that go on from one: other draws, the same sides."""
    own = {"data.test": f"fold={fold}", "data.valid": f"fold={fold % 5 + 1}"}
    first = TUNED | own | {"train.epochs": 1, "train.metric": "last"}
    base = run(data, work / f"{fold}" / "base", **first)
    return [run(data, work / f"{fold}" / f"m{i}", base.folder, **TUNED | own | {"seed": i}) for i in range(5)]


def unlike(data: str, work: Path, fold: int) -> list[audioft.Run]:
    """Five frozen ones with other layers, poolings and heads, the same sides."""
    own = {"data.test": f"fold={fold}", "data.fold": "1/4", "freeze": "all"}
    trained = {"model.start": "random", "train.epochs": 15}
    ways = (
        {},
        {"model.layers": 3},
        {"model.layers": "weighted", **trained},
        {"model.head": "mlp", **trained, "seed": 0},
        {"model.pooling": "attentive_stats", **trained},
    )
    return [run(data, work / f"{fold}" / f"u{i}", **own | way) for i, way in enumerate(ways)]


def against_single(
    data: str, work: Path, folds: list[int], among: Callable[[str, Path, int], list[audioft.Run]]
) -> None:
    rows: dict[str, list[float]] = {}
    for fold in folds:
        runs = among(data, work, fold)
        found: dict[str, float] = {}
        for how in HOWS if among is members else HOWS[:3]:
            with tempfile.TemporaryDirectory() as place:
                joined = audioft.ensemble(runs, Path(place) / "joined", how=how, resamples=0, console=QUIET)
            found[how] = joined.value
            alone = [c.alone for c in joined.contributions]
            if how == "average":
                differ = joined.diversity.disagreement
        chosen = min(range(5), key=lambda i: min(r["refined_loss"] for r in runs[i].history if "refined_loss" in r))
        found |= {"mean single": float(np.mean(alone)), "best on validation": alone[chosen], "best on test": max(alone)}
        found["disagreement"] = differ
        print(f"fold {fold}: " + ", ".join(f"{k} {v:.3f}" for k, v in found.items()), flush=True)
        for name, value in found.items():
            rows.setdefault(name, []).append(value)
    single = np.array(rows["best on validation"])
    print(f"\n{'':20} accuracy  beside the best on validation, 95 % over {len(folds)} outer folds")
    for name, values in rows.items():
        beside = "" if name == "disagreement" else paired(np.array(values) - single)
        print(f"{name:20} {np.mean(values):8.3f}  {beside}")


def against_default(data: str, work: Path, folds: list[int]) -> None:
    """`train --folds 5` beside `train`, both with the defaults, whose probe learns from all that is not tested."""
    rows = []
    for fold in folds:
        own = {"data.test": f"fold={fold}"}
        one = run(data, work / f"{fold}" / "default", **own)
        five = run(data, work / f"{fold}" / "five", **own, **{"train.folds": 5})
        joined = Joined.load(five.model)
        alone = [c.alone for c in joined.contributions]
        assert joined.diversity is not None
        found = (
            one.report.figures["accuracy"],
            joined.value,
            np.mean(alone),
            max(alone),
            joined.diversity.disagreement,
        )
        rows.append(found)
        print(f"fold {fold}: " + ", ".join(f"{x:.3f}" for x in found), flush=True)
    table = np.array(rows)
    named = ("one, of all clips", "five folds joined", "mean of the five", "best of the five on test", "disagreement")
    for name, column in zip(named, table.T, strict=True):
        beside = "" if name == "disagreement" else f"beside one: {paired(column - table[:, 0])}"
        print(f"{name:25} {column.mean():.3f}  {beside}")


def paired(differences: np.ndarray) -> str:
    mean, count = differences.mean(), len(differences)
    if count < 2 or not differences.any():
        return f"{mean:+.3f}"
    half = stats.t.ppf(0.975, count - 1) * differences.std(ddof=1) / np.sqrt(count)
    return f"{mean:+.3f} ({mean - half:+.3f} to {mean + half:+.3f})"


def leak(data: str, work: Path, folds: list[int]) -> None:
    """A stack of out-of-fold scores, and one of what the same models say of the clips that they were trained on."""
    found: dict[str, list[tuple[float, float]]] = {}
    for fold in folds:
        own = {"data.test": f"fold={fold}", "train.folds": 3}
        probe = run(data, work / f"{fold}" / "probe", **own)
        tuned = run(data, work / f"{fold}" / "tuned", **own, **TUNED | {"train.metric": "last"})
        opened = given.opened([probe.folder, tuned.folder])
        labels, _ = given.labels(opened, may_differ=False)
        common = sides.common(opened, labels, QUIET, needed=True)
        assert common is not None
        tested = plan.Joining(opened, labels, "stack", common.data)
        asked, rows = tested.said("test")
        held = out_of_fold.of_runs([probe.folder, tuned.folder], labels, False)
        test = common.data.side("test")[rows]
        learnt = np.setdiff1d(np.arange(len(common.data.manifest.clips)), common.data.side("test"))
        trained = dataclasses.replace(common.data, split=Split(NOBODY, learnt, NOBODY))
        said, _ = plan.Joining(opened, labels, "stack", trained).said("valid")
        wanted = Labels(trained.targets[learnt], trained.known[learnt], False)
        groups = [trained.manifest.clips[i].key for i in learnt]
        stacks = {
            "out-of-fold scores": fitted.stacked(held.scores, held.labels, held.groups, 0),
            "training scores": fitted.stacked(said, wanted, groups, 0),
        }
        scores = {name: combined(fit.combination, asked) for name, fit in stacks.items()}
        scores |= {"mean of both": asked.mean(1), "probe": asked[:, 0], "tuned": asked[:, 1]}
        truth = common.data.targets[test]
        for name, own_scores in scores.items():
            right = float((own_scores.argmax(1) == truth.argmax(1)).mean())
            loss = log_loss(own_scores, truth, np.ones_like(truth, bool), False)
            found.setdefault(name, []).append((right, loss))
        told = ", ".join(f"{name} {fit.loss:.3f}" for name, fit in stacks.items())
        print(f"fold {fold}: log loss by its own cross-validation: {told}", flush=True)
    print(f"\n{'':20} accuracy  log loss   on {len(folds)} test folds")
    for name, both in found.items():
        right, loss = np.mean(both, 0)
        print(f"{name:20} {right:8.3f}  {loss:8.3f}")


def cost(data: str, work: Path, fold: int) -> None:
    """Seconds for the same recordings, the least of three: what sharing a frozen encoder saves, and a soup."""
    runs = members(data, work, fold)
    frozen = run(data, work / f"{fold}" / "probe", **{"data.test": f"fold={fold}", "train.folds": 3})
    with tempfile.TemporaryDirectory() as place:
        made = {how: audioft.ensemble(runs, Path(place) / how, how=how, console=QUIET) for how in ("average", "soup")}
        models = {
            "one model": Predictor(runs[0]),
            "five, each with an encoder of its own": Predictor(made["average"]),
            "soup of five": Predictor(made["soup"]),
            "three with one frozen encoder": Predictor(frozen),
        }
        clips = manifests.load(data).clips[:40]
        seconds: dict[str, list[float]] = {name: [] for name in models}
        for _ in range(3):
            for name, model in models.items():
                began = time.perf_counter()
                list(model.scores(clips))
                seconds[name].append(time.perf_counter() - began)
    for name, own in seconds.items():
        print(f"{name:40} {min(own):6.2f} s  {min(own) / min(seconds['one model']):.2f} times one")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--folds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--stack", action="store_true", help="the leak of training scores alone")
    parser.add_argument("--default", action="store_true", help="a model a fold beside one model")
    parser.add_argument("--unlike", action="store_true", help="five frozen ones with other heads")
    parser.add_argument("--cost", action="store_true", help="seconds alone, of the first of the folds")
    parser.add_argument("--work", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        where = options.work or Path(place)
        if options.cost:
            cost(options.data, where, options.folds[0])
        elif options.default:
            against_default(options.data, where, options.folds)
        elif options.stack:
            leak(options.data, where, options.folds)
        else:
            among = unlike if options.unlike else members
            against_single(options.data, where, options.folds, among)
