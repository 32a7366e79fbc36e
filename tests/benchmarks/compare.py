"""How often tests of two models err, and `mini` beside another encoder: `python tests/benchmarks/compare.py`.

nulls    of models that are alike, how often each test tells them apart at 0.05: 2,000 draws of each
coverage how often 95 % intervals of a difference hold it, whole groups drawn anew and clips alone: 2,000 draws
equals   100 draws of four models that are alike: in how many `compare` finds a difference
models   DATA with a column fold: frozen runs of `mini` and of --encoder on each fold, compared
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy import stats

import audioft
from audioft.evaluation.effective_size import of_clips
from audioft.evaluation.paired import delong, exact, folds, gaps, resampled
from audioft.evaluation.predictions import Predictions

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation" / "paired"))

import made_pairs

SHAPES = {"400 clips alone": (400, 1, 0.0), "80 clips alone": (80, 1, 0.0), "40 groups of 10": (40, 10, 0.6)}
RESAMPLES = 500


def told(name: str, found: np.ndarray) -> None:
    low, high = of_clips(found, np.arange(len(found)))
    print(f"{name:<64} {100 * found.mean():5.1f} %  ({100 * low:.1f} to {100 * high:.1f})", flush=True)


def nulls(count: int) -> None:
    for shape, (groups, each, together) in SHAPES.items():
        random, p = np.random.default_rng(0), []
        for _ in range(count):
            first, second, member = made_pairs.alike(random, groups, each, together)
            naive = exact.exchanged(first.astype(int) - second)
            p.append((exact.exchanged(exact.leads(first, second, member)), naive))
        exchanged, naive = np.array(p).T < 0.05
        told(f"{shape}: {'McNemar, exact' if each == 1 else 'groups exchanged, exact'}", exchanged)
        if each > 1:
            told(f"{shape}: McNemar, which takes clips for alone", naive)
    for shape, (groups, each, together) in {k: v for k, v in SHAPES.items() if not k.startswith("400")}.items():
        random, p = np.random.default_rng(1), []
        for _ in range(count):
            one, other, member = made_pairs.scored(random, groups, each, labels=4, together=together)
            clips, area = np.arange(len(member)), delong.compare(one, other, member).p
            p.append((area, delong.compare(one, other, clips).p, *(_by_draws(one, other, m) for m in (member, clips))))
        area, naive_area, drawn, naive = np.array(p).T < 0.05
        told(f"{shape}: DeLong", area)
        told(f"{shape}: macro F1, paired bootstrap", drawn)
        if each > 1:
            told(f"{shape}: DeLong, which takes clips for alone", naive_area)
            told(f"{shape}: macro F1, paired bootstrap of clips", naive)
    random, p = np.random.default_rng(2), []
    for _ in range(count):
        changes = _fold_changes(random)
        p.append((folds.corrected(changes, 180, 20).p, stats.ttest_1samp(changes, 0).pvalue))
    corrected, plain = np.array(p).T < 0.05
    told("30 divisions of 200 clips, 1 in 10 tested: Nadeau and Bengio", corrected)
    told("30 divisions of 200 clips, 1 in 10 tested: plain t-test", plain)


def _by_draws(one: Predictions, other: Predictions, member: np.ndarray) -> float:
    a, b = resampled.draws([one, other], [None, None], "f1_macro", member, RESAMPLES)
    value = resampled.METRICS["f1_macro"](other) - resampled.METRICS["f1_macro"](one)
    return resampled.p_value(value, b - a, int(member.max()) + 1)


def _fold_changes(random: np.random.Generator, clips: int = 200, divisions: int = 30, share: float = 0.1) -> np.ndarray:
    """Nearest class means by one half of the features less those by the other half, alike by how they are drawn."""
    label = np.arange(clips) % 2
    features = random.normal(size=(clips, 12)) + 0.35 * label[:, None]
    found = []
    for _ in range(divisions):
        order = random.permutation(clips)
        tested, learnt = order[: round(share * clips)], order[round(share * clips) :]
        scores = []
        for half in (slice(0, 6), slice(6, 12)):
            means = np.stack([features[learnt][label[learnt] == k][:, half].mean(0) for k in (0, 1)])
            apart = ((features[tested][:, None, half] - means) ** 2).sum(2)
            scores.append((apart.argmin(1) == label[tested]).mean())
        found.append(scores[1] - scores[0])
    return np.array(found)


def coverage(count: int) -> None:
    for shape, (groups, each, together) in SHAPES.items():
        for gap in (0.0, 0.4):
            random = np.random.default_rng(3)
            first, second, _ = made_pairs.alike(random, 200_000, 1, 0.0, gap)
            truth, held = float(second.mean() - first.mean()) if gap else 0.0, []
            for _ in range(count):
                first, second, member = made_pairs.alike(random, groups, each, together, gap)
                held.append([_holds(random, first, second, m, truth) for m in (member, np.arange(len(member)))])
            grouped, naive = np.array(held).T
            told(f"{shape}, {100 * truth:.1f} points apart: paired interval", grouped)
            if each > 1:
                told(f"{shape}, {100 * truth:.1f} points apart: of clips drawn alone", naive)


def _holds(
    random: np.random.Generator, first: np.ndarray, second: np.ndarray, member: np.ndarray, truth: float
) -> bool:
    groups, off = int(member.max()) + 1, second.astype(float) - first
    weights = random.multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES)
    drawn = (weights @ np.bincount(member, off)) / (weights @ np.bincount(member))
    found = resampled.interval(float(off.mean()), drawn, int((off != 0).sum()), len(member), groups)
    return found.low <= truth <= found.high


def equals(count: int) -> None:
    for groups, each, together in ((200, 1, 0.0), (40, 5, 0.6)):
        random, any_told, pairs = np.random.default_rng(4), [], []
        for _ in range(count):
            one, other, _ = made_pairs.scored(random, groups, each, labels=4, together=together)
            more = [_again(random, one, together) for _ in range(2)]
            found = gaps.gaps([one, other, *more], [None] * 4, "accuracy", 200)
            any_told.append(any(g.told for g in found))
            pairs += [g.p < 0.05 for g in found]
        shape = f"four models, {groups * each} clips in {groups} groups"
        told(f"{shape}: draws with a difference that is told", np.array(any_told))
        told(f"{shape}: pairs below 0.05 before correction", np.array(pairs))


def _again(random: np.random.Generator, like: Predictions, together: float) -> Predictions:
    """Another model that is alike, on the same clips."""
    groups = np.unique([c["group"] for c in like.clips], return_inverse=True)[1]
    common = np.sqrt(together) * random.normal(size=(groups.max() + 1, len(like.labels)))[groups]
    odds = np.exp(like.targets + common + np.sqrt(1 - together) * random.normal(size=like.targets.shape))
    scores = odds / odds.sum(1, keepdims=True)
    return Predictions(like.labels, False, scores, like.targets, like.known, like.clips)


def models(data: Path, encoder: str, tested: list[str], place: Path) -> None:
    names = {"mini": place / "mini", encoder: place / Path(encoder).name}
    for name, folder in names.items():
        for fold in tested:
            if not (folder / f"fold-{fold}" / "model").is_dir():
                how = {"data.test": f"fold={fold}", "freeze": "all"}
                out = folder / f"fold-{fold}"
                audioft.finetune(data, encoder=name, out=out, overrides=how, console=audioft.Console(quiet=True))
    one = [folder / f"fold-{tested[-1]}" for folder in names.values()]
    print(audioft.compare(one, data, side="test", out=place / "one", overwrite=True), end="\n\n")
    print(audioft.compare(list(names.values()), data, out=place / "all", overwrite=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("nulls", "coverage", "equals", "models"))
    parser.add_argument("data", type=Path, nargs="?", help="for models")
    parser.add_argument("--encoder", default="openai/whisper-tiny.en")
    parser.add_argument("--folds", nargs="*", default=["1", "2", "3", "4", "5"])
    parser.add_argument("--count", type=int, help="draws (2,000; of equals 100)")
    parser.add_argument("--out", type=Path, help="keep the runs there")
    options = parser.parse_args()
    if options.what == "models":
        with tempfile.TemporaryDirectory() as folder:
            models(options.data, options.encoder, options.folds, options.out or Path(folder))
    else:
        draw = {"nulls": nulls, "coverage": coverage, "equals": equals}[options.what]
        draw(options.count or (100 if options.what == "equals" else 2000))


if __name__ == "__main__":
    main()
