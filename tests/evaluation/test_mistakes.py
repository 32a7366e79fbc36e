"""Mistakes one by one: which, of what, how sure; and which are listed where there are too many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_predictions import multi, predictions, single

from audioft.annotations.event import Event
from audioft.data.clip import Clip
from audioft.evaluation import mistakes
from audioft.evaluation.event_counts import Heard
from audioft.evaluation.mistakes import in_clips, in_events


def clips(count):
    return [Clip(Path(f"/d/{i}.wav"), f"{i}.wav") for i in range(count)]


def test_of_one_label_a_clip_each_wrong_clip_is_there_once_the_surest_first():
    p = single(0)
    found = in_clips(p, clips(60), None, 16000)
    wrong = np.flatnonzero(p.targets.argmax(1) != p.scores.argmax(1))
    assert {m.clip.name for m in found.listed} == {f"{i}.wav" for i in wrong}
    assert found.total == len(wrong)
    assert [m.sure for m in found.listed] == sorted((m.sure for m in found.listed), reverse=True)
    for m in found.listed:
        i = int(m.clip.name[:-4])
        assert m.pair == (p.targets[i].argmax(), p.scores[i].argmax())
        assert (m.score, m.truth) == (p.scores[i].max(), p.scores[i, m.pair[0]])


@pytest.mark.parametrize("thresholds", [None, [0.2, 0.4, 0.6, 0.8]])
def test_of_several_labels_every_wrong_known_answer_is_there(thresholds):
    p = multi(0, masked=True)
    found = in_clips(p, clips(60), thresholds, 16000)
    given, true = p.decisions(thresholds), p.targets > 0
    assert found.total == ((given != true) & p.known).sum()
    for m in found.listed:
        i, c = int(m.clip.name[:-4]), max(m.pair)
        assert m.pair == ((c, -1) if true[i, c] else (-1, c))
        assert m.score == p.scores[i, c]
        assert 0 <= m.sure <= 1


def test_of_too_many_the_commonest_kinds_and_the_surest_are_listed(monkeypatch):
    monkeypatch.setattr(mistakes, "LISTED", 10)
    truth = [0] * 30 + [1] * 30
    # the common kind is unsure, the rare ones are sure
    scores = [[0.4, 0.6, 0, 0, 0]] * 30 + [[0, 0.1, 0.9, 0, 0]] * 6 + [[0, 0.2, 0, 0.8, 0]] * 24
    p = predictions(scores, np.eye(5)[truth])
    found = in_clips(p, clips(60), None, 16000)
    assert (len(found.listed), found.total) == (10, 60)
    assert sum(m.pair == (0, 1) for m in found.listed) == 5
    assert sum(m.pair == (1, 2) for m in found.listed) == 5
    assert found.counts == {(0, 1): 30, (1, 2): 6, (1, 3): 24}


def test_an_event_that_overlaps_one_of_its_label_is_no_mistake():
    true = [Event("dog", 0, 1), Event("dog", 2, 3), Event("cat", 2, 3)]
    found = [Event("dog", 0.9, 1.5, 0.9), Event("dog", 3, 4, 0.7), Event("dog", 6, 6.5, 0.6)]
    one = in_events(("cat", "dog"), [Heard("a", 7.0, true, found)], clips(1), 16000)
    missed, made_up = ({(m.pair, m.times) for m in one.listed if (m.pair[1] < 0) == side} for side in (True, False))
    assert missed == {((1, -1), (2, 3)), ((0, -1), (2, 3))}  # they touch at 3 s, and do not overlap
    assert made_up == {((-1, 1), (3, 4)), ((-1, 1), (6, 6.5))}
    assert all(0 <= m.clip.start < m.clip.end <= 7.0 for m in one.listed)


def test_events_that_were_not_heard_are_not_missed():
    heard = Heard("a", 5.0, [Event("dog", 6, 7)], [])
    assert in_events(("dog",), [heard], clips(1), 16000).total == 0
