"""How often slices raise a false alarm, and how often planted faults are found.

    python tests/benchmarks/slices.py alarms [--draws 500]    no slice is worse: how often one is told to be
    python tests/benchmarks/slices.py gaps [--draws 200]      gaps of 10, 20 and 30 points of 20, 50 and 200 clips
    python tests/benchmarks/slices.py sounds DATA [--draws 3] real recordings: a filter at one site; one sex unheard

The first two are of made-up outcomes, with the four columns of `columns_of` and their crossings; `discovered` also has
five properties and embeddings of noise. DATA holds esc10 and librispeech-251spk.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import butter, resample_poly, sosfilt

import audioft
from audioft.evaluation.effective_size import of_clips
from audioft.evaluation.slices import columns, discovery
from audioft.evaluation.slices.found import Slices
from audioft.evaluation.slices.measure import measure, parts
from audioft.evaluation.slices.outcomes import Outcomes

QUIET = audioft.Console(quiet=True)
RIGHT, CLIPS = 0.9, 400
KINDS = ("alone", "in groups", "groups of one column", "several labels", "discovered")


def columns_of(random: np.random.Generator, unit: np.ndarray, by_unit: bool) -> list[tuple[str, columns.Column | str]]:
    """A site, sex, age and day of each clip; of each group where `by_unit`."""
    many = int(unit.max()) + 1 if by_unit else len(unit)
    made = {
        "site": random.choice(list("ABCDE"), many, p=[0.5, 0.2, 0.15, 0.1, 0.05]),
        "sex": random.choice(["F", "M"], many),
        "age": np.round(random.uniform(18, 80, many), 1),
        "day": random.integers(1, 8, many),
    }
    return [(n, columns.column(n, map(str, v[unit] if by_unit else v))) for n, v in made.items()]


def outcomes_of(random: np.random.Generator, kind: str) -> Outcomes:
    """Clips that come out alike wherever they are from; in groups, some groups are harder than others."""
    if "group" not in kind:
        unit, share = np.arange(CLIPS), np.full(CLIPS, RIGHT)
    else:
        unit = np.repeat(np.arange(60), random.integers(1, 14, 60))
        share = random.beta(9, 1, 60)[unit]
    alone = np.arange(len(unit))
    if kind == "several labels":
        of = random.integers(1, 7, CLIPS).astype(float)
        return Outcomes("f1_micro", 2 * random.binomial((of / 2).astype(int), RIGHT).astype(float), of, unit, alone)
    return Outcomes("accuracy", (random.random(len(unit)) < share).astype(float), np.ones(len(unit)), unit, alone)


def report(random: np.random.Generator, outcomes: Outcomes, kind: str, seed: int) -> Slices:
    found = columns_of(random, outcomes.unit, kind == "groups of one column")
    chosen = columns.choose(found, None, None)
    if kind != "discovered":
        return measure(parts(outcomes, chosen), outcomes.metric, seed=seed)
    count = len(outcomes)
    targets = np.eye(5, dtype=bool)[random.integers(0, 5, count)]
    noise = random.standard_normal((count, 5)), random.standard_normal((count, 32))
    heard = discovery.Heard([str(i) for i in range(count)], *noise, targets, list("abcde"))
    more = discovery.discover(outcomes, heard, seed)
    return measure([*parts(outcomes, chosen), *more], outcomes.metric, seed=seed, discovering=True)


def alarms(draws: int) -> None:
    print("| no slice is worse | tests | reports with a false alarm, of 100 |\n|---|---|---|")
    for kind in KINDS:
        told, tests = [], []
        for draw in range(draws):
            random = np.random.default_rng((draw, KINDS.index(kind)))
            found = report(random, outcomes_of(random, kind), kind, draw)
            told.append(any(row.told for row in found.rows))
            tests.append(found.tests)
        low, high = of_clips(np.array(told, float), np.arange(draws))
        print(f"| {kind} | {np.mean(tests):.0f} | {100 * np.mean(told):.1f} ({100 * low:.1f} to {100 * high:.1f}) |")


def gaps(draws: int) -> None:
    print("| clips of the slice | 10 points | 20 points | 30 points | can tell from |\n|---|---|---|---|---|")
    for size in (20, 50, 200):
        shares, least = [], []
        for gap in (0.1, 0.2, 0.3):
            hits = 0
            for draw in range(draws):
                random = np.random.default_rng((draw, size))
                count = 1000 + size
                bad = np.arange(count) < size
                good = (random.random(count) < np.where(bad, RIGHT - gap, RIGHT)).astype(float)
                outcomes = Outcomes("accuracy", good, np.ones(count), np.arange(count), np.arange(count))
                found = columns_of(random, outcomes.unit, False)
                found[0] = ("site", columns.column("site", np.where(bad, "X", random.choice(list("ABCD"), count))))
                row = measure(parts(outcomes, columns.choose(found, None, None)), "accuracy", seed=draw)["site=X"]
                hits += row.told
                least.append(row.least_gap)
            shares.append(100 * hits / draws)
        print(
            f"| {size} | {' | '.join(f'{s:.0f}' for s in shares)} | {100 * np.nanmean(least):.0f} points |", flush=True
        )


def rows_of(table: Path) -> Iterator[dict[str, str]]:
    with open(table, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def write(folder: Path, rows: list[dict[str, object]]) -> Path:
    with open(folder / "metadata.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, fieldnames=list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    return folder / "metadata.csv"


def filtered_site(data: Path, folder: Path, draw: int, cut: float | None) -> Path:
    """ESC-10's folds 1 and 2 to learn from, the others to test: a third of their sources is of a site with a filter."""
    random, rows = np.random.default_rng(draw), []
    own = {}
    for row in rows_of(data / "esc10" / "metadata.csv"):
        test = row["fold"] not in "12"
        site = own.setdefault(row["source_id"], "north" if random.random() < 1 / 3 else "south")
        samples, rate = soundfile.read(data / "esc10" / row["file_name"], dtype="float32")
        if test and site == "north" and cut:
            samples = sosfilt(butter(6, cut, fs=rate, output="sos"), samples)
        name = f"{len(rows)}.flac"
        soundfile.write(folder / name, samples, rate)
        side = "test" if test else "train"
        rows.append({"file_name": name, "label": row["label"], "split": side, "site": site, "source": row["source_id"]})
    return write(folder, rows)


def unheard_sex(data: Path, folder: Path, draw: int, missing: bool, pairs: int = 1) -> Path:
    """Pieces of 2 s, half of them sped up by 15 %, which is the label; women only in the test side where `missing`.

    Each person has so many `pairs` of pieces, as far as the recording is long enough.
    """
    random, rows = np.random.default_rng(draw), []
    table = list(rows_of(data / "librispeech-251spk" / "metadata.csv"))
    for row, test in zip(table, random.permutation(len(table)) < 120, strict=True):
        if missing and not test and row["gender"] == "female":
            continue
        samples, rate = soundfile.read(data / "librispeech-251spk" / row["file_name"], dtype="float32")
        quick = resample_poly(samples, 20, 23).astype(np.float32)
        starts = range(0, 4 * rate * pairs, 2 * rate)
        pieces = [("as spoken", samples), ("sped up", quick)] * pairs
        for start, (label, source) in zip(starts, pieces, strict=True):
            piece = source[start : start + 2 * rate]
            if len(piece) < 2 * rate:
                break
            name = f"{len(rows)}.flac"
            soundfile.write(folder / name, piece, rate)
            side = "test" if test else "train"
            rows.append(
                {"file_name": name, "label": label, "split": side, "speaker": row["speaker"], "sex": row["gender"]}
            )
    return write(folder, rows)


def sounds(data: Path, draws: int) -> None:
    print("| planted in real recordings | told, of draws | the slice | the rest | discovered, of draws | as |")
    print("|---|---|---|---|---|---|")
    faults = [
        (f"{name}", lambda f, d, c=cut: filtered_site(data, f, d, c), "site=north")
        for name, cut in (("a filter at 2 kHz at one site", 2000.0), ("a site without a fault", None))
    ] + [
        (
            f"{name}{', twice the clips' * (pairs == 2)}",
            lambda f, d, m=missing, p=pairs: unheard_sex(data, f, d, m, p),
            "sex=female",
        )
        for pairs in (1, 2)
        for name, missing in (("women missing from training", True), ("women and men heard", False))
    ]
    for name, make, slice_name in faults:
        told, values, rests, discovered, words = 0, [], [], 0, ""
        for draw in range(draws):
            with tempfile.TemporaryDirectory() as place:
                table = make(Path(place), draw)
                run = audioft.finetune(table, out=Path(place, "run"), overrides=["seed=0"], console=QUIET)
                by = slice_name.partition("=")[0]
                found = audioft.evaluate(run, table, by=by, discover=True, console=QUIET).slices
                worse = [row for row in found.rows if row.told and row.gap < 0]
                told += slice_name in [row.name for row in worse]
                own = [row.name for row in worse if row.kind == "discovered"]
                discovered += bool(own)
                words = own[0] if own else words
                values.append(found[slice_name].value)
                rests.append(found[slice_name].rest)
        figures = f"{told} of {draws} | {np.mean(values):.2f} | {np.mean(rests):.2f} | {discovered} of {draws}"
        print(f"| {name} | {figures} | {words or '–'} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("alarms", "gaps", "sounds"))
    parser.add_argument("data", nargs="?", type=Path)
    parser.add_argument("--draws", type=int)
    given = parser.parse_args()
    if given.what == "alarms":
        alarms(given.draws or 500)
    elif given.what == "gaps":
        gaps(given.draws or 200)
    elif given.data is None:
        parser.error("sounds takes DATA, a folder with esc10 and librispeech-251spk")
    else:
        sounds(given.data, given.draws or 3)
