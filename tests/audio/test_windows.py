from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioft.audio.windows import cut, spans

sizes = st.integers(1, 40)


@given(st.integers(0, 300), sizes, sizes, st.lists(st.integers(0, 50), max_size=30))
def test_windows_of_a_stream_are_those_of_the_whole(samples, window, hop, lengths):
    hop = min(hop, window)
    x = np.arange(samples)
    edges = [min(e, samples) for e in np.cumsum([0, *lengths])] + [samples]
    blocks = [x[a:b] for a, b in itertools.pairwise(edges)]
    got = list(cut(iter(blocks), window, hop))
    assert [(start, start + len(w)) for start, w in got] == spans(samples, window, hop)
    for start, w in got:
        np.testing.assert_array_equal(w, x[start : start + len(w)])


@given(st.integers(1, 300), sizes, sizes)
def test_windows_cover_everything_and_are_full(samples, window, hop):
    found = spans(samples, window, min(hop, window))
    covered = np.zeros(samples, bool)
    for a, b in found:
        covered[a:b] = True
        assert b - a == min(window, samples)
    assert covered.all()
    assert found == sorted(set(found))


@pytest.mark.parametrize(
    ("samples", "expected"),
    [(0, []), (1, [(0, 1)]), (399, [(0, 399)]), (400, [(0, 400)]), (401, [(0, 400), (1, 401)])],
)
def test_edges(samples, expected):
    assert spans(samples, 400) == expected


def test_refused():
    with pytest.raises(ValueError, match="hop"):
        spans(10, 4, 5)
    with pytest.raises(ValueError, match="window"):
        spans(10, 0)
