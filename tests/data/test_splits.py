from __future__ import annotations

import dataclasses
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
    with pytest.raises(DataError, match="in 2 recordings"):
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


@settings(max_examples=40)
@given(groups, st.integers(0, 5), st.integers(0, 5))
def test_groups_keep_the_sides_they_had(rows, seed, other):
    m = manifest([([label], f"g{group}", {}) for label, group in rows])
    half = [i for i, c in enumerate(m.clips) if int(c.group[1:]) < 6]
    try:
        s = split(m, seed=seed)
        old = split(m.select(half), seed=other).sides(len(half))
    except DataError:
        return
    before = [""] * len(rows)
    for i, side in zip(half, old, strict=True):
        before[i] = side
    kept = split(m, seed=seed, before=before)
    sides = kept.sides(len(rows))
    if any("made anew" in note for note in kept.notes):
        assert sides == s.sides(len(rows))
        return
    assert [sides[i] for i in half] == old
    assert sides == split(m, seed=seed, before=before).sides(len(rows))
    of = {}
    assert all(of.setdefault(c.group, side) == side for c, side in zip(m.clips, sides, strict=True))


def test_kept_sides_are_filled_up_to_their_share():
    m = manifest(plain(50) + plain(50, "y"))
    before = ["train"] * 20 + ["test"] * 3 + [""] * 27 + ["train"] * 20 + ["valid"] * 3 + [""] * 27
    s = split(m, valid=0.2, test=0.2, before=before)
    for side, each in (("train", 30), ("valid", 10), ("test", 10)):
        assert Counter(m.clips[i].labels[0] for i in getattr(s, side)) == {"x": each, "y": each}
    assert set(range(20)) <= set(s.train)
    assert "clips keep the side that the model knows them from (train 40, valid 3, test 3); 54 are new to it" in s.notes


def test_one_clip_of_a_group_that_was_trained_on_decides():
    m = manifest([(["xy"[i % 2]], f"g{i // 2}", {}) for i in range(40)])
    before = [""] * 40
    before[:4] = ["test", "train", "test", ""]
    sides = split(m, before=before).sides(40)
    assert sides[:4] == ["train", "train", "test", "test"]


def test_what_was_validated_on_is_not_tested_on():
    m = manifest(plain(10) + plain(10, "y"))
    s = split(m, valid=None, before=["valid"] * 3 + [""] * 17)
    assert {0, 1, 2} <= set(s.train)


@pytest.mark.parametrize(("before", "lacks"), [(["train"] * 20, "clips"), (["train"] * 10 + [""] * 10, "'x'")])
def test_sides_that_cannot_be_kept_are_made_anew(before, lacks):
    m = manifest(plain(10) + plain(10, "y"))
    s = split(m, before=before)
    assert s.sides(20) == split(m).sides(20)
    assert any("made anew" in note and f"without {lacks}" in note for note in s.notes)


def test_a_given_split_is_kept_whatever_was_heard_before():
    m = manifest([([label], "", {"split": side}) for label in "xy" for side in ("train", "valid", "test") * 3])
    s = split(m, before=["train"] * 18)
    assert s.sides(18) == [c.split for c in m.clips]
    assert not any("keep" in note or "anew" in note for note in s.notes)


def cuts(*sizes, label="x"):
    """Recordings of so many clips each, as rows."""
    return [([label], f"{label}{g}", {}) for g, size in enumerate(sizes) for _ in range(size)]


UNEVEN = "the sides are not as large as asked for: "


@pytest.mark.parametrize(
    ("rows", "how", "sizes"),
    [
        (cuts(17, 18, 40), {}, [17, 18, 40]),
        (cuts(30, 30), {"valid": None, "test": 0.2}, [30, 30]),
        (plain(3) + plain(3, "y"), {}, [2, 2, 2]),
    ],
)
def test_sides_far_from_what_was_asked_are_told_with_ways_out(rows, how, sizes):
    m = manifest(rows)
    s = split(m, **how)
    (note,) = [n for n in s.notes if n.startswith(UNEVEN)]
    assert (
        sorted(len(getattr(s, side)) for side in ("train", "valid", "test") if side in note.partition(" of ")[0])
        == sizes
    )
    for side, asked in (("train", "80%" if how else "70%"), ("test", "20%" if how else "15%")):
        assert f"{side} {len(getattr(s, side))} ({asked} asked for)" in note
    assert "`audioft probe DATA --encoders mini`" in note
    assert ("data.valid=null or data.test=null" in note) == (how == {})
    assert "data.test=null" in note
    recordings = len({r[1] for r in rows})
    assert (f" in {recordings} recordings, as" in note) == (recordings > 1)


def test_groups_of_a_column_are_named_and_finer_ones_proposed():
    m = dataclasses.replace(manifest(cuts(17, 18, 40)), grouping="site")
    (note,) = [n for n in split(m).notes if n.startswith(UNEVEN)]
    assert "in 3 groups (site)" in note
    assert "name finer groups (data.group=COLUMN)" in note


@pytest.mark.parametrize(
    ("grouping", "groups", "said"),
    [
        *(("recording", 1, " in 1 recording, too few"), ("recording", 2, " in 2 recordings, too few")),
        *(("site", 1, " in 1 group (site), too few"), ("site", 2, " in 2 groups (site), too few")),
    ],
)
def test_too_few_groups_are_told_with_what_can_help(grouping, groups, said):
    rows = cuts(4, 4, 4) + cuts(*[4] * groups, label="y")
    with pytest.raises(DataError) as wrong:
        split(dataclasses.replace(manifest(rows), grouping=grouping))
    assert f"class 'y' has {4 * groups} clips{said}" in str(wrong.value)
    assert ("data.group=recording" in str(wrong.value)) == (grouping == "site")


@pytest.mark.parametrize(
    ("rows", "how"),
    [
        (plain(50) + plain(50, "y"), {}),
        (plain(6) + plain(6, "y"), {}),
        (cuts(*[5] * 20) + cuts(*[5] * 20, label="y"), {}),
        (plain(100), {"valid": 0.4, "test": 0.4}),
        (cuts(17, 18, 40), {"valid": None, "test": None}),
    ],
)
def test_sides_near_what_was_asked_need_no_word(rows, how):
    assert not any(n.startswith(UNEVEN) for n in split(manifest(rows), **how).notes)


def test_folds_are_not_proposed_where_a_side_is_given():
    rows = [([label], f"{label}{i // 10}", {"split": "train"}) for label in "xy" for i in range(20)]
    (note,) = [n for n in split(manifest(rows), valid=0.1).notes if n.startswith(UNEVEN)]
    assert "audioft probe" not in note
    assert "make fewer sides (data.valid=null)" in note
