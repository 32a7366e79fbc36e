"""What holds of tables, splits, batches and settings, whatever they are; windows: audio/test_windows.py."""

from __future__ import annotations

import contextlib
import csv
import io
import math

import numpy as np
import pytest
import torch
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from audioft.configuration import config as configs
from audioft.data import manifest, splits
from audioft.data.batching import StepPlan, pieces
from audioft.data.buckets import batches_of
from audioft.data.clip import Clip
from audioft.data.manifest import Manifest
from audioft.data.tables import read_table
from audioft.errors import AudioftError, DataError

QUICKLY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20)


@QUICKLY
@given(rows=st.lists(st.lists(TEXT, min_size=3, max_size=3), min_size=1, max_size=8))
def test_a_table_that_csv_writes_is_read_as_it_was(rows, tmp_path):
    assume(all(any(cell.strip() for cell in row) for row in rows))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file_name", "label", "note"])
    writer.writerows([["x" + cells[0], *cells[1:]] for cells in rows])  # spaces before a cell are not its own
    path = tmp_path / "table.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    found = [[row.cells[c] for c in ("file_name", "label", "note")] for row in read_table(path)]
    stripped = [["x" + cells[0], *cells[1:]] for cells in rows]
    quoted = [[c if '"' in c or "," in c or "\n" in c else c.lstrip(" ") for c in row] for row in stripped]
    assert found == quoted


@QUICKLY
@given(data=st.binary(max_size=300), suffix=st.sampled_from([".csv", ".tsv", ".jsonl"]))
def test_no_bytes_crash_the_reader_of_tables(data, suffix, tmp_path):
    path = tmp_path / f"table{suffix}"
    path.write_bytes(data)
    with contextlib.suppress(AudioftError):
        manifest.load(path)


clips = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=12, max_size=60)


def made(drawn: list[tuple[int, int]], tmp_path) -> Manifest:
    """A manifest of clips as (group, label)."""
    names = ("a", "b", "c")
    found = tuple(
        Clip(tmp_path / f"{i}.wav", f"{i}.wav", labels=(names[label],), group=f"speaker {group}")
        for i, (group, label) in enumerate(drawn)
    )
    labels = tuple(sorted({c.labels[0] for c in found}))
    return Manifest(tmp_path, found, labels, False, "table", grouping="speaker")


@QUICKLY
@given(drawn=clips, seed=st.integers(0, 5), share=st.sampled_from([0.15, 0.3]))
def test_a_split_takes_each_clip_once_and_each_group_whole(drawn, seed, share, tmp_path):
    assume(len({label for _, label in drawn}) > 1)
    whole = made(drawn, tmp_path)
    try:
        found = splits.split(whole, valid=share, test=share, seed=seed)
    except DataError:
        return  # too few groups of a label
    sides = found.sides(len(whole.clips))
    assert len(sides) == len(whole.clips)
    assert set(sides) <= {"train", "valid", "test"}
    of: dict[str, set[str]] = {}
    for clip, side in zip(whole.clips, sides, strict=True):
        of.setdefault(clip.group, set()).add(side)
    assert all(len(found) == 1 for found in of.values())
    assert splits.split(whole, valid=share, test=share, seed=seed).sides(len(sides)) == sides


@QUICKLY
@given(
    seconds=st.lists(st.floats(0.1, 20.0), min_size=1, max_size=50),
    size=st.integers(1, 9),
    budget=st.none() | st.floats(1.0, 60.0),
    epoch=st.integers(0, 3),
)
def test_an_epoch_holds_each_clip_once(seconds, size, budget, epoch):
    plan = StepPlan(len(seconds), size, seed=1, seconds=np.array(seconds), batch_seconds=budget)
    steps = plan.epoch(epoch)
    assert sorted(d.index for step in steps for d in step) == list(range(len(seconds)))
    assert [[d.index for d in step] for step in steps] == [[d.index for d in step] for step in plan.epoch(epoch)]
    for step in steps:
        if budget is None:
            assert len(step) <= size
        else:
            assert len(step) == 1 or max(seconds[d.index] for d in step) * len(step) <= budget + 1e-9
        shared = [d.index for rank in range(3) for piece in pieces(step, rank, 3, 2) for d in piece]
        assert sorted(shared) == sorted(d.index for d in step)


@QUICKLY
@given(lengths=st.lists(st.integers(1, 5000), min_size=1, max_size=40), most=st.integers(1, 20_000))
def test_batches_hold_each_clip_once_and_no_more_than_they_may(lengths, most):
    found = batches_of([torch.zeros(n) for n in lengths], most)
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    assert all(len(b) == 1 or len(b) * max(lengths[i] for i in b) <= most for b in found)


values = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
nested = st.recursive(values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@QUICKLY
@given(key=st.sampled_from(sorted(configs.keys())), value=nested)
def test_any_value_of_any_setting_is_taken_or_refused_by_name(key, value):
    said = ""
    try:
        config = configs.load(None, {key: value})
    except AudioftError as e:
        said = str(e)
    if said:
        assert key.split(".")[0] in said
        return
    assert configs.check(yaml.safe_load(configs.save(config))) == config or _has_nan(config.model_dump())


def _has_nan(value) -> bool:
    if isinstance(value, dict):
        return any(map(_has_nan, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_has_nan, value))
    return isinstance(value, float) and math.isnan(value)


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 3000, "{a: b", "&a [*a]"])
def test_an_override_that_is_no_value(value):
    with pytest.raises(AudioftError, match=r"train\.lr"):
        configs.load(None, [f"train.lr={value}"])
