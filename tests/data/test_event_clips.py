"""Annotated recordings as clips: around events, between them, and as windows."""

from __future__ import annotations

from pathlib import Path

import pytest

from audioft.annotations.event import Event
from audioft.data.annotated import Annotated, Found
from audioft.data.clip import Clip
from audioft.data.event_clips import BACKGROUND, around_events, as_windows
from audioft.errors import DataError


def found(*recordings: tuple[float, list[Event]]) -> Found:
    return Found(
        Path("/d"),
        tuple(
            Annotated(Clip(Path(f"/d/{i}.wav"), f"{i}.wav", group=f"{i}.wav"), tuple(events), seconds)
            for i, (seconds, events) in enumerate(recordings)
        ),
        "recording",
        (),
    )


ONE = found((10.0, [Event("a", 1.0, 2.0), Event("b", 1.5, 1.8), Event("a", 9.5, 10.0)]), (4.0, []))


def cuts(manifest):
    return [(c.name, c.start, c.end, c.labels) for c in manifest.clips]


def make(source, **how):
    return around_events(source, **({"context": 0.0, "background": "none", "most": 10.0, "seed": 0} | how))


def test_a_clip_around_each_event():
    m = make(ONE, context=0.25)
    assert cuts(m) == [
        ("0.wav", 0.75, 2.25, ("a",)),
        ("0.wav", 1.25, 2.05, ("b",)),
        ("0.wav", 9.25, 10.0, ("a",)),  # the recording ends
    ]
    assert (m.labels, m.multilabel, m.layout, m.events) == (("a", "b"), False, "events", None)


def test_what_lies_between_as_a_class():
    m = make(ONE, background="class")
    clips = [c for c in m.clips if c.labels == (BACKGROUND,)]
    assert len(clips) == 2  # as many as of the commonest label
    assert m.labels == ("a", "b", BACKGROUND)
    events = [e for a in ONE.recordings if a.clip.name == "0.wav" for e in a.events]
    for c in clips:
        assert c.end - c.start == pytest.approx(0.5)  # the median event
        assert c.name != "0.wav" or all(c.end <= e.start or c.start >= e.end for e in events)
    assert cuts(make(ONE, background="class")) == cuts(m)
    assert any(cuts(make(ONE, background="class", seed=s)) != cuts(m) for s in (1, 2, 3))


def test_negatives_make_clips_of_several_labels():
    m = make(ONE, background="negatives")
    assert m.multilabel
    assert m.labels == ("a", "b")
    assert cuts(m)[:3] == [
        ("0.wav", 1.0, 2.0, ("a", "b")),  # b lies in it
        ("0.wav", 1.5, 1.8, ("a", "b")),  # a fills it
        ("0.wav", 9.5, 10.0, ("a",)),
    ]
    assert [c.labels for c in m.clips[3:]] == [()] * 3


def test_refused():
    with pytest.raises(DataError, match=r"no length; give it an end, or cut clips with events.point_width"):
        make(found((5.0, [Event("a", 1.0, 1.0), Event("b", 2.0, 3.0)])))
    points = make(found((5.0, [Event("a", 1.0, 1.0), Event("b", 2.0, 3.0)])), context=0.5)
    assert cuts(points)[0] == ("0.wav", 0.5, 1.5, ("a",))
    both = found((5.0, [Event("a", 1.0, 2.0), Event("b", 1.0, 2.0)]))
    with pytest.raises(DataError, match=r"need events\.background=negatives"):
        make(both)
    assert cuts(make(both, background="negatives"))[0] == ("0.wav", 1.0, 2.0, ("a", "b"))
    twice = found((5.0, [Event("a", 1.0, 2.0), Event("a", 1.0, 2.0), Event("b", 3.0, 4.0)]))
    assert len(cuts(make(twice))) == 2
    with pytest.raises(DataError, match="one label 'a'; learn what lies between"):
        make(found((5.0, [Event("a", 1.0, 2.0)])))
    with pytest.raises(DataError, match="nothing to learn"):
        make(found((5.0, [])))


def test_windows_cover_each_recording():
    m = as_windows(ONE, 3.0)
    assert cuts(m) == [
        ("0.wav", 0.0, 3.0, ("a", "b")),
        ("0.wav", 3.0, 6.0, ()),
        ("0.wav", 6.0, 9.0, ()),
        ("0.wav", 7.0, 10.0, ("a",)),
        ("1.wav", 0.0, 3.0, ()),
        ("1.wav", 1.0, 4.0, ()),
    ]
    assert m.multilabel
    assert m.events == {"0.wav": ONE.recordings[0].events, "1.wav": ()}
    assert cuts(as_windows(ONE, 20.0)) == [("0.wav", 0.0, None, ("a", "b")), ("1.wav", 0.0, None, ())]
    with pytest.raises(DataError, match="nothing to learn"):
        as_windows(found((5.0, [])), 1.0)
