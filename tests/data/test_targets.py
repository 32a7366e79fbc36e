from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audioft.data.clip import Clip
from audioft.data.targets import label_order, several, single, targets
from audioft.errors import DataError


@pytest.mark.parametrize(
    ("text", "present", "unknown"),
    [
        ("dog;bird", ("dog", "bird"), ()),
        (" dog ; ;dog", ("dog",), ()),
        ("dog;?", ("dog",), "rest"),
        ("?", (), "rest"),
        ("", (), "rest"),
        ("[]", (), ()),
        ("?dog", (), ("dog",)),
        ('["a;b", "?c"]', ("a;b",), ("c",)),
        ("e\u0301", ("é",), ()),
    ],
)
def test_cells_of_several(text, present, unknown):
    assert several(text) == (present, unknown)


@pytest.mark.parametrize("text", ["dog;?dog", "[dog]", "[1, [2]]"])
def test_cells_that_contradict(text):
    with pytest.raises(ValueError):
        several(text)


def test_single():
    assert single(" e\u0301 ") == (("é",), ())
    for text in ("", " ", "?"):
        with pytest.raises(ValueError, match="its label is empty"):
            single(text)


def test_arrays():
    def clip(text):
        return Clip(Path("/a"), "a", 0.0, None, *several(text))

    clips = [clip("dog;bird"), clip("dog;?"), clip("?dog"), clip("[]"), clip("")]
    labels = label_order(clips)
    assert labels == ("bird", "dog")
    values, known = targets(clips, labels, True)
    np.testing.assert_array_equal(values, [[1, 1], [0, 1], [0, 0], [0, 0], [0, 0]])
    np.testing.assert_array_equal(known, [[1, 1], [0, 1], [1, 0], [1, 1], [0, 0]])
    assert values.dtype == np.float32
    with pytest.raises(DataError, match="'dog' of 2 clips"):
        targets(clips, ["bird"], True)
