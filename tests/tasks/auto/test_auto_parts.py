"""Places, tables and advice of `audioft auto`, each by itself."""

from __future__ import annotations

import csv
from types import SimpleNamespace

import makers
import numpy as np
import pytest

import audioft
from audioft.assembly import recordings, resolve
from audioft.assembly.folds import learnt
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.predictions import Predictions
from audioft.tasks.auto import advice, encoder_choice, kept, tables
from audioft.tasks.auto.advice import Advice
from audioft.tasks.auto.kept import Best
from audioft.tasks.auto.places import PLACES
from audioft.tasks.auto.work import Work

QUIET = audioft.Console(quiet=True)


@pytest.mark.parametrize(
    ("place", "parameters", "seconds", "said"),
    [
        ("phone", 12_500_000, 3.0, None),
        ("phone", 12_600_000, 0.1, "50 MB that a phone"),
        ("phone", 1_000_000, 3.1, "3 s that a phone"),
        ("phone", 1_000_000, None, None),
        ("laptop", 125_000_000, 15.0, None),
        ("laptop", 126_000_000, 0.1, "500 MB that a laptop"),
        ("laptop", 1_000_000, 15.1, "15 s that a laptop"),
        ("server", 10**10, 1000.0, None),
    ],
)
def test_each_limit_of_a_place(place, parameters, seconds, said):
    found = PLACES[place].refused(parameters, seconds)
    assert found is None if said is None else said in found


def row(name, parameters, seconds=1.0, layers=(0.5,)):
    return SimpleNamespace(name=name, parameters=parameters, seconds_per_minute=seconds, layers=layers)


def on_a_phone(seconds):
    return SimpleNamespace(place=PLACES["phone"], kept=SimpleNamespace(found=lambda step: {"seconds": seconds}))


def test_seconds_a_minute_of_little_sound_leave_no_encoder_out():
    rows = [row("small", 1_000_000), row("slow", 1_000_000, 8.6)]
    assert encoder_choice._fitting(on_a_phone(600.0), rows, ["small", "slow"], []) == ["small"]
    assert encoder_choice._fitting(on_a_phone(30.0), rows, ["small", "slow"], []) == ["small", "slow"]


def test_what_a_place_cannot_bear_is_left_out_and_the_smallest_taken_where_all_are():
    work, lost = on_a_phone(600.0), []
    rows = [row("big", 95_000_000), row("small", 1_000_000), row("broken", 0, layers=())]
    assert encoder_choice._fitting(work, rows, ["big", "small", "broken"], lost) == ["small", "broken"]
    assert lost == ["big: its 380 MB are more than the 50 MB that a phone is given"]
    lost = []
    rows = [row("huge", 300_000_000), row("big", 95_000_000)]
    assert encoder_choice._fitting(work, rows, ["huge", "big"], lost) == ["big"]
    assert [line.split(":")[0] for line in lost] == [
        "a smaller one than big, which is taken though its 380 MB are more than the 50 MB that a phone is given",
        "huge",
    ]


def affordable(monkeypatch, free, paces, count=900):
    monkeypatch.setattr(encoder_choice, "_try", lambda work, names: [row(n, 1, s) for n, s in paces.items()])
    known = {"learnt": count, "seconds": 10.0 * count}
    work = SimpleNamespace(
        encoders=tuple(paces), free=free, place=PLACES["server"], kept=SimpleNamespace(found=lambda step: known)
    )
    lost: list[str] = []
    return encoder_choice._affordable(work, lost), lost


def test_slow_encoders_are_left_out_where_time_is_short(monkeypatch):
    (clips, names), lost = affordable(monkeypatch, 400.0, {"quick": 1.0, "slow": 60.0})
    assert names == ["quick"]
    assert clips == 600  # 100 s, of 10 s a clip and 1 s a minute
    assert lost == ["slow: 60.0 s a minute of sound is too slow to be measured in the time there is"]
    (clips, names), lost = affordable(monkeypatch, 1e6, {"quick": 1.0, "slow": 60.0})
    assert (clips, names, lost) == (2000, ["quick", "slow"], [])
    (clips, names), _ = affordable(monkeypatch, -5.0, {"slow": 60.0, "quick": 1.0})
    assert (clips, names) == (200, ["quick"])
    (clips, names), _ = affordable(monkeypatch, -5.0, {"a": 2.0, "b": None, "c": None})
    assert (clips, names) == (2000, ["b", "c"]), "of these nothing is known"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Four clips of each of 20 people, of three labels, five people tested."""
    folder = tmp_path_factory.mktemp("auto") / "people"
    lines = ["file_name,label,person,split"]
    for i in range(80):
        makers.tone(folder / f"{i:02d}.wav", 300.0 + i, 0.1 + 0.1 * (i % 4), seed=i)
        side = "test" if i >= 60 else "train"
        lines.append(f"{i:02d}.wav,{('a', 'b', 'c')[0 if i % 8 else 1 + i // 8 % 2]},p{i // 4},{side}")
    (folder / "table.csv").write_text("\n".join([*lines, ""]))
    config = resolve.settings(folder / "table.csv", overrides={"data.group": "person"})
    return recordings.load(config, QUIET)


def read(path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_some_clips_are_whole_groups_and_all_tested_ones(data, tmp_path):
    taken = tables.write_some(data, tmp_path, "some.csv", 7.0, 0)
    rows = read(tmp_path / "some.csv")
    own = [r for r in rows if r["split"] != "test"]
    assert len(own) == taken < len(learnt(data))
    assert len(rows) - taken == 20
    counts = np.unique([r["group"] for r in own], return_counts=True)[1]
    assert set(counts) == {4}
    assert taken <= 28  # a group has a second of sound
    assert tables.write_some(data, tmp_path, "one.csv", 0.0, 0) == 4, "one group in any case"
    assert tables.write_some(data, tmp_path, "all.csv", 1e9, 0) == 60
    assert (tmp_path / "some.csv").read_bytes() != (tmp_path / "one.csv").read_bytes()


def test_the_first_table_has_each_label_and_no_tested_clip(data, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "EACH", 3)
    count = tables.write_first(data, tmp_path, 0)
    rows = read(tmp_path / "first.csv")
    found = dict(zip(*np.unique([r["label"] for r in rows], return_counts=True), strict=True))
    assert count == len(rows) == 9
    assert found == {"a": 3, "b": 3, "c": 3}
    assert not {r["path"] for r in rows} & {f"{i:02d}.wav" for i in range(60, 80)}
    monkeypatch.setattr(tables, "SOUND", 0.0)
    tables.write_first(data, tmp_path, 0)
    assert sorted(r["label"] for r in read(tmp_path / "first.csv")) == ["a", "b", "c"], "one of each in any case"


def said(truth, given, sure=0.7):
    scores = np.full((len(truth), 3), (1 - sure) / 2)
    scores[np.arange(len(truth)), given] = sure
    clips = [{"path": f"{i}.wav", "start": None, "end": None, "group": f"{i}.wav"} for i in range(len(truth))]
    return Predictions(("a", "b", "c"), False, scores, np.eye(3)[truth], np.ones((len(truth), 3), bool), clips)


def test_labels_that_are_found_least_need_more_clips():
    truth = np.repeat([0, 1, 2], 10)
    given = truth.copy()
    given[10:16] = 2
    given[20:22] = 0
    given[0] = 1
    found = advice.of_labels(said(truth, given))
    assert [a.said for a in found] == [
        "more clips of b: 40 % of 10 are found, most often taken for c (6)",
        "more clips of c: 80 % of 10 are found, most often taken for a (2)",
    ], "one mistake of a label says nothing"
    assert [a.points for a in found] == pytest.approx([20.0, 100 * 2 / 30])
    assert advice.of_labels(said(truth, truth)) == []


def test_several_labels_are_told_by_their_average_precision():
    truth = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0], [0, 0, 0]], float)
    scores = np.array([[0.9, 0.6, 0.9], [0.1, 0.4, 0.8], [0.8, 0.5, 0.2], [0.2, 0.7, 0.1]])
    clips = [{"path": f"{i}.wav", "start": None, "end": None, "group": f"{i}"} for i in range(4)]
    found = advice.of_labels(Predictions(("a", "b", "c"), True, scores, truth, np.ones((4, 3), bool), clips))
    assert [a.said for a in found] == ["more clips of b: its average precision is 0.417, of 2"]


def test_doubted_labels_are_written_the_surest_first(tmp_path):
    truth = np.array([0, 1, 2, 0])
    scores = np.array([[0.01, 0.97, 0.02], [0.1, 0.6, 0.3], [0.99, 0.006, 0.004], [0.5, 0.3, 0.2]])
    own = said(truth, truth)
    found = advice.doubted(Predictions(own.labels, False, scores, own.targets, own.known, own.clips), tmp_path)
    rows = read(tmp_path / "to_check.csv")
    assert [(r["path"], r["label"], r["heard"], r["score"]) for r in rows] == [
        ("2.wav", "c", "a", "0.990"),
        ("0.wav", "a", "b", "0.970"),
    ]
    assert found.points == 50
    assert "listen to 2 clips" in found.said
    assert "2.wav, c or a?" in found.said
    assert advice.doubted(own, tmp_path / "none") is None


def test_advice_is_ranked_by_what_it_may_bring():
    assert advice.ranked([Advice("x"), None, Advice("much", 9.0), Advice("y"), Advice("some", 2.0)]) == [
        *("much", "some", "x", "y")
    ]


def test_a_law_that_does_not_hold_is_no_advice():
    def curve(now: float):
        expected = {2: SimpleNamespace(accuracy=0.95, gain=0.01), 4: SimpleNamespace(accuracy=0.97, gain=0.03)}
        outlook = SimpleNamespace(expected=expected)
        point = SimpleNamespace(accuracy=lambda method: now)
        return SimpleNamespace(
            better="probe", outlooks={"probe": outlook}, points=[point], sentences=lambda: ["It may rise."]
        )

    assert advice.of_curve(curve(0.93)) == Advice("more clips of every label: it may rise", 1.0)
    assert advice.of_curve(curve(0.99)) is None


def test_encoders_that_were_tried_are_not_advised(tmp_path):
    names = [name for _, name in advice.OTHERS]
    assert advice.of_encoders(names, "birds", tmp_path) is None
    assert names[0] not in advice.of_encoders(names[:1], "birds", tmp_path).said.split("were not tried")[0]


def best(value: float, low: float, high: float, name: str = "it") -> Best:
    return Best(name, "accuracy", value, low, high, "on folds")


@pytest.mark.parametrize(
    ("before", "new", "repeated", "taken"),
    [
        (None, best(0.5, 0.4, 0.6), False, True),
        (best(0.9, 0.85, 0.95), best(0.88, 0.8, 0.93), False, True),
        (best(0.9, 0.85, 0.95), best(0.6, 0.5, 0.7), False, False),
        (best(0.9, 0.85, 0.95), best(np.nan, np.nan, np.nan), False, False),
        (best(np.nan, np.nan, np.nan), best(0.5, 0.4, 0.6), False, True),
        (best(0.9, 0.85, 0.95), best(0.9, 0.85, 0.95), True, False),
        (best(0.9, 0.85, 0.95), best(0.91, 0.85, 0.95), True, True),
        (best(0.9, 0.85, 0.95), best(0.88, 0.8, 0.93), True, False),
    ],
)
def test_what_takes_the_place_of_the_best(before, new, repeated, taken, tmp_path):
    state = kept.Kept({}, best=before)
    work = Work(tmp_path, None, (), PLACES["server"], 60.0, QUIET, state, repeated=repeated)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "weights").write_text("w")
    why = work.offer(new, tmp_path / "new")
    assert (why is None) == taken
    assert (tmp_path / "model" / "weights").exists() == taken
    assert (state.best is new) == taken


def test_a_state_is_read_as_it_was_written(tmp_path):
    done = kept.Done("The data", ["x"], ["y"], ["z"], 1.5, {"a": 1})
    state = kept.Kept({"data": "d"}, 3.0, {"data": done}, Best("it", "map", 0.5, float("nan"), 1.0, ""), ["data"])
    state.write(tmp_path)
    again = kept.read(tmp_path)
    assert (again.asked, again.spent, again.again, again.steps) == (state.asked, 3.0, ["data"], {"data": done})
    assert again.best.score.value == 0.5
    assert again.best.low is None
    assert isinstance(again.best.score, Estimate)
