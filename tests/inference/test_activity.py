"""What is heard by hour, day and site: recordings divided at the hours of their clocks, and summed up."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pytest

from audioft.annotations.event import Event
from audioft.data.recorded.began import Began
from audioft.data.recorded.calendar import Recorded
from audioft.errors import UsageError
from audioft.inference.activity import Activity, summed_by
from audioft.inference.activity_cells import Cell, Following, Hours, Part
from audioft.inference.activity_chart import _endings
from audioft.inference.recording_events import Step
from audioft.inference.timeline import Scores

RAIN = (Event("rain", 0.0, 7300.0, 0.8), Event("bird", 1790.0, 1810.0, 0.9))


def at(text: str, timed: bool = True) -> Recorded:
    return Recorded(Began(dt.datetime.fromisoformat(text), timed), "wood")


def parts(recorded: Recorded, events: tuple[Event, ...], seconds: float) -> list[Part]:
    """Of a recording in moments of ten seconds, whose scores rise to one at its end."""
    following = Following(recorded, ("background", "rain", "bird"), ("rain", "bird"))
    starts = np.arange(0.0, seconds, 10.0)
    scores = np.tile((starts / seconds)[:, None], 3)
    for part in np.array_split(np.arange(len(starts)), 7):
        moments = Scores(starts[part], starts[part] + 10, scores[part])
        following.take(Step(0, moments, moments, []))
    following.take(Step(0, moments, Scores.joined([], 3), list(events)))
    return following.parts(seconds)


@pytest.mark.parametrize("zone", ["", "+10:00", "-03:30", "Z"])
def test_a_recording_is_divided_at_its_hours(zone):
    found = parts(at(f"2024-01-31T22:30:00{zone}"), RAIN, 7400.0)
    assert [p.cell for p in found] == [
        Cell("wood", "2024-01-31", "22"),
        Cell("wood", "2024-01-31", "23"),
        Cell("wood", "2024-02-01", "00"),
    ]
    assert [p.recorded for p in found] == [1800.0, 3600.0, 2000.0]
    assert [p.seconds.tolist() for p in found] == [[1800.0, 10.0], [3600.0, 10.0], [1900.0, 0.0]]
    assert [p.segments.tolist() for p in found] == [[1, 1], [0, 0], [0, 0]]  # each where it begins
    assert [p.score[0] for p in found] == pytest.approx([1790 / 7400, 5390 / 7400, 7390 / 7400])


@pytest.mark.parametrize("recorded", [Recorded(None, "wood"), at("2024-01-31T00:00:00", timed=False)])
def test_without_a_time_it_is_one_part(recorded):
    (found,) = parts(recorded, RAIN, 7400.0)
    assert found.cell == Cell("wood", "unknown" if recorded.began is None else "2024-01-31", "unknown")
    assert (found.recorded, found.seconds.tolist(), found.segments.tolist()) == (7400.0, [7300.0, 20.0], [1, 1])


@pytest.mark.parametrize("began", ["2024-01-31T05:00:00", "2024-01-31T05:59:59.999000", "2024-12-31T23:59:59.500000"])
@pytest.mark.parametrize("seconds", [0.5, 1.0, 3600.0, 86400.0])
def test_nothing_is_lost_at_an_edge(began, seconds):
    hours = Hours(at(began))
    divided = list(hours.divided(0.0, seconds))
    assert sum(end - start for _, start, end in divided) == pytest.approx(seconds, abs=1e-9)
    assert all(end - start > 1e-6 for _, start, end in divided)
    assert all(end == start for (_, _, end), (_, start, _) in itertools.pairwise(divided))
    assert all(n == int(hours.of(np.array([start]))[0]) for n, start, _ in divided)


def activity() -> Activity:
    found = Activity(("rain", "bird"))
    found.add("a.wav", parts(at("2024-01-31T22:30:00"), RAIN, 7400.0))
    found.add("b.wav", parts(at("2024-02-01T22:00:00"), (), 1000.0))
    found.add("c.wav", parts(Recorded(None, "lake"), (Event("bird", 5.0, 10.0, 0.7),), 100.0))
    return found


@pytest.mark.parametrize("by", ["hour", "day", "site", "site,hour", "day,hour", ["hour", "site", "day"]])
def test_rows_hold_all_that_was_recorded_and_heard(by):
    rows = activity().rows(by)
    names = summed_by(by)
    assert list(rows[0]) == [*names, "label", "recorded", "seconds", "share", "segments", "score", "recordings"]
    for label, seconds, segments in (("rain", 7300.0, 1), ("bird", 25.0, 2)):
        own = [row for row in rows if row["label"] == label]
        assert sum(row["recorded"] for row in own) == pytest.approx(8500.0)
        assert sum(row["seconds"] for row in own) == pytest.approx(seconds)
        assert sum(row["segments"] for row in own) == segments
    assert all(row["share"] == pytest.approx(row["seconds"] / row["recorded"]) for row in rows)
    keys = [tuple(row[name] for name in names) for row in rows[::2]]
    assert keys == sorted(keys, key=lambda key: [(part == "unknown", part) for part in key])


def test_hours_without_recordings_are_absent_and_labels_that_never_occur_are_there():
    rows = activity().rows("hour")
    assert [(row["hour"], row["label"]) for row in rows] == [
        (hour, label) for hour in ("00", "22", "23", "unknown") for label in ("rain", "bird")
    ]
    late = rows[2]
    assert (late["recorded"], late["seconds"], late["recordings"]) == (2800.0, 1800.0, 2)
    assert (rows[1]["seconds"], rows[1]["share"], rows[1]["segments"]) == (0.0, 0.0, 0)
    assert activity().rows("day")[0]["recordings"] == 1  # a recording that crosses an hour is one recording


@pytest.mark.parametrize("by", ["", "hours", "hour,hour", "hour;day", "week", []])
def test_what_cannot_be_summed_up_by(by):
    with pytest.raises(UsageError, match="hour, day"):
        activity().rows(by)


@pytest.mark.parametrize(("labels", "heard"), [(1, True), (3, False), pytest.param(30, True, marks=pytest.mark.slow)])
def test_pictures(tmp_path, labels, heard):
    import matplotlib.image

    found = Activity([f"label {i} of $many" for i in range(labels)])
    for site, day in itertools.product(("old wood/1", "old wood 1", "日本"), (1, 2, 5)):
        for hour in (4, 5, 23):
            cell = Cell(site, f"2024-05-{day:02d}", f"{hour:02d}")
            figures = np.full(labels, 10.0 * heard)
            found.add(f"{site}{day}{hour}", [Part(cell, 60.0, figures, figures, figures / 10)])
    files = found.draw(tmp_path / "p")
    assert [f.name for f in files] == ["activity.png", "activity.days.png"]
    for file in files:
        image = matplotlib.image.imread(file)
        assert image.std() > 0.02
        assert image.shape[1] >= 600
    if labels == 1:
        found.cells = {cell: own for cell, own in found.cells.items() if cell.day == "2024-05-01"}
        names = sorted(f.name for f in found.draw(tmp_path / "s", sites=True))
        assert len(names) == len({n.lower() for n in names}) == 3
        assert sorted(p.name for p in (tmp_path / "s").iterdir()) == names


def test_a_picture_shows_how_much_is_heard_when(tmp_path):
    import matplotlib.image

    cells = {hour: Cell("x", "2024-05-01", f"{hour:02d}") for hour in (6, 12)}
    found = Activity(("bird",))
    for hour, seconds in ((6, 40.0), (12, 10.0)):
        found.add("a", [Part(cells[hour], 100.0, np.array([seconds]), np.array([1]), np.array([0.9]))])
    (file,) = found.draw(tmp_path)
    image = matplotlib.image.imread(file)[..., :3]
    blue = (image[..., 2] > 0.8) & (image[..., 0] < 0.3)
    columns = np.flatnonzero(blue.any(0))
    left, right = columns[columns < columns.mean()], columns[columns > columns.mean()]
    assert blue[:, left[len(left) // 2]].sum() == pytest.approx(4 * blue[:, right[len(right) // 2]].sum(), rel=0.15)
    assert right[0] - left[0] == pytest.approx(6 * (len(left) / 0.92), rel=0.1)  # six hours later


def test_nothing_is_drawn_without_an_hour(tmp_path):
    found = Activity(("bird",))
    found.add("a", parts(Recorded(None), (), 10.0)[:0])
    found.add("b", [Part(Cell("x", "2024-05-01", "unknown"), 9.0, np.zeros(1), np.zeros(1), np.zeros(1))])
    assert found.draw(tmp_path / "p") == []
    assert not (tmp_path / "p").exists()


def test_files_of_sites_have_names_of_their_own():
    assert _endings(["a b", "A_B", "c"]) == [".a_b-1", ".A_B-2", ".c"]
    assert _endings([None]) == [""]
