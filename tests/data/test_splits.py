from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioft.data.clip import Clip
from audioft.data.manifest import Manifest
from audioft.data.splits import check_leaks, split
from audioft.data.targets import label_order
from audioft.errors import ConfigError, DataError


def manifest(rows, multilabel=False):
    """Of (labels, group, columns) rows."""
    clips = tuple(
        Clip(
            Path(f"/d/{i}.wav"),
            f"{i}.wav",
            labels=tuple(labels),
            group=group or f"{i}.wav",
            split=columns.get("split") or None,
            columns=columns,
        )
        for i, (labels, group, columns) in enumerate(rows)
    )
    return Manifest(Path("/d"), clips, label_order(clips), multilabel, "table")


def plain(n, label="x"):
    return [([label], "", {})] * n


groups = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 12)), min_size=30, max_size=60)


@settings(max_examples=40)
@given(groups, st.integers(0, 5), st.randoms(use_true_random=False))
def test_groups_stay_together_and_order_changes_nothing(rows, seed, shuffler):
    m = manifest([([label], f"g{group}", {}) for label, group in rows])
    try:
        s = split(m, seed=seed)
    except DataError:
        return
    sides = s.sides(len(m.clips))
    of: dict[str, set] = {}
    for clip, side in zip(m.clips, sides, strict=True):
        assert side
        of.setdefault(clip.group, set()).add(side)
    assert all(len(on) == 1 for on in of.values())
    assert {c.labels for c, side in zip(m.clips, sides, strict=True) if side == "train"} == {c.labels for c in m.clips}
    order = list(range(len(m.clips)))
    shuffler.shuffle(order)
    again = split(m.select(order), seed=seed).sides(len(order))
    assert [again[order.index(i)] for i in range(len(order))] == sides


@settings(max_examples=30)
@given(st.lists(st.integers(3, 60), min_size=2, max_size=6))
def test_each_class_is_on_each_side_in_its_share(sizes):
    m = manifest([row for i, n in enumerate(sizes) for row in plain(n, f"c{i}")])
    s = split(m)
    for i, n in enumerate(sizes):
        for part, share in ((s.train, 0.7), (s.valid, 0.15), (s.test, 0.15)):
            count = sum(m.clips[k].labels == (f"c{i}",) for k in part)
            assert count >= 1
            assert abs(count - share * n) <= 2.1


def test_another_seed_another_split():
    m = manifest(plain(40, "a") + plain(40, "b"))
    assert split(m, seed=0).test.tolist() == split(m, seed=0).test.tolist() != split(m, seed=1).test.tolist()


def test_several_labels_are_stratified():
    rng = np.random.default_rng(0)
    rows = [
        ([label for label, p in zip("abc", (0.5, 0.2, 0.05), strict=True) if rng.random() < p], "", {})
        for _ in range(400)
    ]
    m = manifest(rows, multilabel=True)
    s = split(m)
    total = Counter(label for c in m.clips for label in c.labels)
    got = Counter(label for i in s.test for label in m.clips[i].labels)
    for label in "abc":
        assert abs(got[label] - 0.15 * total[label]) <= 2
    assert abs(len(s.test) - 60) <= 3


def test_selections():
    m = manifest([([label], "", {"fold": str(i % 5), "site": "x"}) for i in range(50) for label in "ab"])
    s = split(m, valid="fold=4", test="fold=2,3")
    assert {m.clips[i].columns["fold"] for i in s.test} == {"2", "3"}
    assert {m.clips[i].columns["fold"] for i in s.train} == {"0", "1"}
    with pytest.raises(ConfigError, match="did you mean 'fold'"):
        split(m, test="flod=1")
    with pytest.raises(ConfigError, match=r"matches no clip; fold is '0', '1'"):
        split(m, test="fold=9")
    with pytest.raises(ConfigError, match="both select"):
        split(m, valid="fold=1", test="fold=1,2")
    for wrong in (1.5, 0, "0.2"):
        with pytest.raises(ConfigError, match=r"data\.test"):
            split(m, test=wrong)


def test_a_given_split_is_kept():
    m = manifest(
        [
            ([label], f"g{i % 7}", {"split": side})
            for i in range(10)
            for label in "ab"
            for side in ("train", "train", "test")
        ]
    )
    s = split(m, valid=0.2)
    assert {m.clips[i].split for i in s.test} == {"test"}
    assert {m.clips[i].split for i in s.valid} == {"train"}
    assert len(s.test) == 20
    assert any("7 of 7 groups" in n for n in s.notes)
    alone = split(manifest([([label], "", {"split": "train"}) for _ in range(10) for label in "ab"]))
    assert len(alone.test) == 0
    assert any("no test side" in n for n in alone.notes)
    strange = manifest([(["a"], "", {"split": "train"}), (["b"], "", {"split": ""})])
    with pytest.raises(DataError, match="1 clips have the split ''"):
        split(strange)


def test_too_few():
    with pytest.raises(DataError, match="class 'y' has 1 clip, too few") as e:
        split(manifest(plain(20) + plain(1, "y")))
    assert "data.test=null" in str(e.value)
    with pytest.raises(DataError, match="in 2 groups"):
        split(manifest(plain(20) + [(["y"], f"g{i % 2}", {}) for i in range(10)]))
    assert len(split(manifest(plain(5) + plain(1, "y")), valid=None, test=None).train) == 6


def test_a_label_that_train_lacks():
    m = manifest(
        [
            (["a"], "", {"fold": "1"}),
            (["b"], "", {"fold": "1"}),
            (["c"], "", {"fold": "2"}),
            (["a"], "", {"fold": "2"}),
        ]
    )
    with pytest.raises(DataError, match=r"'c' is only on the test side, in 2\.wav"):
        split(m, valid=None, test="fold=2")


def test_leaks():
    m = manifest(
        [
            (["a"], "", {"fold": "1"}),
            (["b"], "", {"fold": "1"}),
            (["a"], "", {"fold": "2"}),
            (["b"], "", {"fold": "2"}),
        ]
    )
    s = split(m, valid=None, test="fold=2")
    check_leaks(m, s, ["1", "1", "2", ""])
    with pytest.raises(DataError, match=r"0\.wav \(train\) and 2\.wav \(test\)"):
        check_leaks(m, s, ["1", "3", "1", ""])
