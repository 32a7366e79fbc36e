"""Measures of events, held against sed_eval itself: `golden/make_sed_eval.py` tells how its numbers are made again."""

from __future__ import annotations

import dataclasses
import json
import math
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from audioft.annotations.event import Event
from audioft.errors import DataError
from audioft.evaluation.event_counts import Counts, Heard, event_counts, segment_counts
from audioft.evaluation.events import draws, event_metrics

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "sed_eval.json").read_text(encoding="utf-8"))
LABELS = ("a", "b", "c")


def heard(reference, found, seconds=10.0, name="a.wav"):
    """A recording; an event is (label, start, end)."""
    return Heard(name, seconds, [Event(*e) for e in reference], [Event(*e) for e in found])


def made_up(seed, seconds=20.0, events=8, step=1 / 8, labels=LABELS):
    """Events at multiples of `step`, about three in four found at about their times."""
    random = np.random.default_rng(seed)
    ticks = int(seconds / step)
    reference = []
    for _ in range(events):
        start = int(random.integers(ticks - 1))
        reference.append((str(random.choice(labels)), start, min(ticks, start + int(random.integers(1, 24)))))
    found = []
    for label, start, end in reference:
        if random.random() < 0.75:
            moved = max(0, start + int(random.integers(-2, 3)))
            found.append((str(random.choice(labels)) if random.random() < 0.2 else label, moved, max(moved + 1, end)))
    scaled = ([(label, start * step, end * step) for label, start, end in side] for side in (reference, found))
    return heard(*scaled, seconds=seconds, name=f"{seed}.wav")


def nan(values):
    """Numbers of the golden file, in which None is nan."""
    return [math.nan if v is None else v for v in values]


def f1_of(theirs, there, said):
    """sed_eval's F1, and 0 where it has none though there is something on one side: see events.py."""
    return 0.0 if (there == 0) != (said == 0) else theirs


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda g: g["scenario"])
@pytest.mark.parametrize("kind", ["segment", "event"])
def test_everything_is_what_sed_eval_says(golden, kind):
    labels, theirs = golden["labels"], ("f_measure", "precision", "recall")
    recordings = [heard(r["reference"], r["found"], r["seconds"], r["name"]) for r in golden["recordings"]]
    for expected in golden[f"{kind}s"]:
        how = {k: v for k, v in expected.items() if k in ("resolution", "collar", "offset_share", "with_offset")}
        figures = event_metrics(labels, recordings, **how, resamples=0)
        metrics = {k.removeprefix(f"{kind}_"): v.value for k, v in figures.metrics.items() if k.startswith(kind)}
        count = segment_counts if kind == "segment" else event_counts
        total = Counts.total([count(labels, r, **how) for r in recordings])
        assert np.stack([total.true, total.reference, total.found], axis=1).tolist() == expected["counts"]

        of_labels = []
        for row, values, (_, there, said) in zip(figures.classes, expected["classes"], expected["counts"], strict=True):
            f1, precision, recall = nan(values[n] for n in theirs)
            of_labels.append(f1_of(f1, there, said))
            ours = [row[f"{kind}_{name}"] for name in ("f1", "precision", "recall")]
            assert ours == pytest.approx([of_labels[-1], precision, recall], nan_ok=True)
            assert (row[f"{kind}_reference"], row[f"{kind}_found"]) == (there, said)

        f1, precision, recall = nan(expected["micro"][n] for n in theirs)
        f1 = f1_of(f1, total.overall.reference, total.overall.found)
        micro = [metrics[n] for n in ("f1", "precision", "recall")]
        assert micro == pytest.approx([f1, precision, recall], nan_ok=True)
        macro = [metrics[f"{n}_macro"] for n in ("f1", "precision", "recall")]
        f1 = np.nanmean(of_labels) if total.overall.found + total.overall.reference else math.nan
        assert macro == pytest.approx([f1, *nan(expected["macro"][n] for n in theirs[1:])], nan_ok=True)
        if kind == "segment":
            rates = expected["errors"] if total.overall.reference else dict.fromkeys(expected["errors"], math.nan)
            assert {n: metrics[n] for n in rates} == pytest.approx(rates, nan_ok=True)


def test_the_golden_scenarios_hold_what_is_hard():
    assert sum(len(r["reference"]) for g in GOLDEN for r in g["recordings"]) > 250
    edges = next(g for g in GOLDEN if g["scenario"] == "edges")
    apart = {  # a fifth of a second and a bit, or not, by the floats alone
        abs(there[1] - said[1]) <= 0.2
        for r in edges["recordings"]
        for there in r["reference"]
        for said in r["found"]
        if there[0] == said[0] and round(abs(there[1] - said[1]), 6) == 0.2
    }
    assert apart == {True, False}


def test_the_numbers_of_sed_evals_own_tests():
    """From its tests/test_sound_event.py: test_direct_use_*, test_empty_system_output_handling, test_binary."""
    car = [("car", 0.0, 2.5), ("car", 2.8, 4.5), ("car", 6.0, 10.0)]
    by_segment = event_metrics(["car"], [heard(car, [("car", 1.0, 3.5), ("car", 7.0, 8.0)])]).metrics
    assert by_segment["segment_error_rate"].value == pytest.approx(5 / 9)
    by_event = event_metrics(["car"], [heard(car, [("car", 0.2, 3.5), ("car", 6.0, 8.0)])]).metrics
    assert by_event["event_f1"].value == pytest.approx(0.8)
    two = [heard([("A", 0.3, 0.8)], [("A", 0.2, 0.9)]), heard([("B", 0.1, 0.8)], [])]
    assert event_metrics(["A", "B"], two, offset_share=0.2).metrics["event_f1_macro"].value == 0.5  # its zero_score
    cry = [
        heard([("cry", 0.8814731551300574, 2.7214731551300573)], [("cry", 0.1, 2.2)]),
        heard([("cry", 4.644176637346825, 5.424176637346826)], []),
        heard([("cry", 7.232925726313507, 9.272925726313508)], [("cry", 6.8, 9.1)]),
        heard([("cry", 0.1479751109055967, 1.3879751109055987)], []),
    ]
    assert event_metrics(["cry"], cry).metrics["event_f1"].value == 0
    twice = [("e", 1.0, 3.0), ("e", 1.5, 3.0)]  # greedily, 1.25 could take the place of the only partner of 1.75
    for found in ([("e", 1.25, 3.0), ("e", 1.75, 3.0)], [("e", 1.75, 3.0), ("e", 1.25, 3.0)]):
        assert event_counts(["e"], heard(twice, found), collar=0.25).true.tolist() == [2]


@pytest.mark.parametrize("with_offset", [True, False])
def test_as_many_events_are_matched_as_can_be(with_offset):
    def most(reference, found):
        if not reference:
            return 0
        first, *rest = reference
        best = most(rest, found)
        for i, said in enumerate(found):
            begins = abs(first.start - said.start) <= 0.25
            ends = abs(first.end - said.end) <= max(0.25, 0.5 * first.seconds)
            if first.label == said.label and begins and (ends or not with_offset):
                best = max(best, 1 + most(rest, found[:i] + found[i + 1 :]))
        return best

    for seed in range(60):
        r = made_up(seed, seconds=2.0, events=6, labels=LABELS[:2])
        counts = event_counts(LABELS, r, collar=0.25, with_offset=with_offset)
        for c, label in enumerate(LABELS):
            there, said = ([e for e in side if e.label == label] for side in (r.reference, r.found))
            assert counts.true[c] == most(there, said)
            assert (counts.reference[c], counts.found[c]) == (len(there), len(said))


def test_a_segment_is_active_where_an_event_reaches_into_it():
    for seed in range(30):
        r = made_up(seed, seconds=9.25)
        counts, swapped = np.zeros((3, 3), dtype=int), 0
        for k in range(19):  # of half a second; the last one is half as long
            there, said = (
                [any(e.label == x and e.start < (k + 1) / 2 and e.end > k / 2 for e in side) for x in LABELS]
                for side in (r.reference, r.found)
            )
            of = np.array([[t and s, t and not s, s and not t] for t, s in zip(there, said, strict=True)]).T
            counts += of
            swapped += min(of[1].sum(), of[2].sum())
        found = segment_counts(LABELS, r, resolution=0.5)
        assert np.stack([found.true, found.missed, found.false]).tolist() == counts.tolist()
        assert found.swapped == swapped


def test_errors_in_segments_are_substitutions_deletions_and_insertions():
    r = heard([("a", 0, 3), ("b", 1, 2)], [("c", 0, 1), ("a", 2, 3), ("b", 2, 4)], seconds=4)
    found = {k: v.value for k, v in event_metrics(LABELS, [r]).metrics.items()}
    parts = ("substitution", "deletion", "insertion")  # second by second: a as c; a and b missed; b added twice
    assert [found[f"segment_{p}_rate"] * 4 for p in parts] == [1, 2, 2]
    assert found["segment_error_rate"] == 5 / 4


def test_counts_of_recordings_add_up_and_can_be_weighted():
    parts = [segment_counts(LABELS, made_up(seed)) for seed in range(4)]
    weighted = Counts.total(parts, np.array([[1, 1, 1, 1], [2, 0, 1, 0]]))
    for row, again in ((0, parts), (1, [parts[0], parts[0], parts[2]])):
        total = Counts.total(again)
        for f in dataclasses.fields(Counts):
            assert getattr(weighted, f.name)[row].tolist() == getattr(total, f.name).tolist()
        assert weighted.f1[row].tolist() == total.f1.tolist()
        assert weighted.overall.f1[row] == total.overall.f1


def test_draws_are_of_whole_recordings_drawn_anew(monkeypatch):
    recordings = [made_up(seed) for seed in range(12)]
    draws_made = np.random.default_rng(0).integers(12, size=(40, 12))
    weights = np.stack([np.bincount(d, minlength=12) for d in draws_made]).astype(float)
    monkeypatch.setattr("audioft.evaluation.intervals.multiplicities", lambda random, resamples, count: weights)
    parts = {
        "event": [event_counts(LABELS, r) for r in recordings],
        "segment": [segment_counts(LABELS, r) for r in recordings],
    }
    found = draws(parts, 40, seed=0)
    again = [event_metrics(LABELS, [recordings[i] for i in d], resamples=0).metrics for d in draws_made]
    for name, figures in found.items():
        assert figures == pytest.approx([m[name].value for m in again]), name


def test_intervals_hold_the_figure_and_the_seed_decides():
    recordings = [made_up(seed) for seed in range(20)]
    first, again, other = (event_metrics(LABELS, recordings, seed=s) for s in (3, 3, 4))
    assert first == again
    assert first.metrics != other.metrics
    for name in ("event_f1", "event_f1_macro", "segment_f1", "segment_f1_macro", "segment_error_rate"):
        assert first.metrics[name].low < first.metrics[name].value < first.metrics[name].high
    assert (first.recordings, first.seconds) == (20, 400)


def test_a_perfect_model_is_not_certain_to_be_perfect():
    few, many = (
        event_metrics((*LABELS, "never"), n * [heard([(x, 1, 2)], [(x, 1, 2)]) for x in LABELS], resamples=50)
        for n in (1, 20)
    )
    for name, found in few.metrics.items():
        value = float("rate" not in name)
        assert found.value == many.metrics[name].value == value
        for e in (found, many.metrics[name]):
            assert (e.high if value else e.low) == value
        width, less = (e.high - e.low for e in (found, many.metrics[name]))
        assert less < width / 4
        assert less > 0.03
    assert few.metrics["segment_error_rate"].high > 1
    row = many.classes[0]
    assert (row["segment_recall"], row["segment_recall_high"]) == (1, 1)
    assert row["segment_recall_low"] == pytest.approx(0.025 ** (1 / 20))
    assert np.isnan(many.classes[-1]["event_recall_low"])


@pytest.mark.parametrize(("count", "resamples"), [(1, 1000), (3, 0)])
def test_one_recording_or_no_resamples_give_no_interval(count, resamples):
    found = event_metrics(LABELS, [made_up(seed) for seed in range(count)], resamples=resamples).metrics
    assert all(np.isnan([e.low, e.high]).all() and np.isfinite(e.value) for e in found.values())


def test_where_nothing_happens_and_nothing_is_found_there_are_no_figures():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = event_metrics(LABELS, [heard([], []), heard([], [])], resamples=10)
    assert np.isnan([v for e in found.metrics.values() for v in dataclasses.astuple(e)]).all()
    assert np.isnan([row["event_f1"] for row in found.classes]).all()


def test_what_is_refused():
    r = made_up(0)
    with pytest.raises(ValueError, match=r"b\.wav: label 'd' is not among those compared: a, b"):
        event_metrics(("a", "b"), [heard([], [("d", 0, 1)], name="b.wav")])
    with pytest.raises(DataError, match="no recordings"):
        event_metrics(LABELS, [])
    for wrong in ({"resolution": 0}, {"collar": -0.1}, {"offset_share": 1.5}, {"collar": math.nan}, {"resamples": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            event_metrics(LABELS, [r], **wrong)


def test_an_hour_with_two_thousand_events_takes_less_than_a_second():
    r = made_up(0, seconds=3600.0, events=2000, step=1 / 128, labels=[f"{c}" for c in range(20)])
    start = time.perf_counter()
    event_metrics([f"{c}" for c in range(20)], [r])
    assert time.perf_counter() - start < 1
