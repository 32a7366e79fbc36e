"""Slices nobody named: planted ones are found and described, and noise raises no more alarms than stated."""

from __future__ import annotations

import numpy as np

from audioft.evaluation.slices import discovery
from audioft.evaluation.slices.measure import measure
from audioft.evaluation.slices.outcomes import Outcomes


def heard(random, count, embeddings=None):
    properties = random.standard_normal((count, 5))
    properties[random.random(count) < 0.3, 4] = np.nan
    targets = np.eye(5, dtype=bool)[random.integers(0, 5, count)]
    made = random.standard_normal((count, 24)) if embeddings is None else embeddings
    return discovery.Heard([f"{i}.wav" for i in range(count)], properties, made, targets, list("abcde"))


def slices_of(random, sound, wrong, unit=None, seed=0):
    count = len(wrong)
    good = (random.random(count) < np.where(wrong, 0.5, 0.92)).astype(float)
    unit = np.arange(count) if unit is None else unit
    outcomes = Outcomes("accuracy", good, np.ones(count), unit, np.arange(count))
    return measure(discovery.discover(outcomes, sound, seed), "accuracy", seed=seed, discovering=True)


def test_quiet_clips_that_fare_badly_are_found_and_told_in_words():
    random = np.random.default_rng(0)
    sound = heard(random, 500)
    worst = slices_of(random, sound, sound.properties[:, 1] < -0.7).worst
    assert worst.kind == "discovered"
    assert "level up to -0.6" in worst.name or "level up to -0.7" in worst.name
    assert len(worst.examples) == 5


def test_two_rules_at_once_are_found():
    random = np.random.default_rng(1)
    sound = heard(random, 1200)
    both = (sound.properties[:, 0] > 0) & (sound.properties[:, 2] < 0)
    worst = slices_of(random, sound, both).worst
    assert "length over" in worst.name
    assert "noise floor up to" in worst.name


def test_clips_that_sound_alike_are_found_by_embeddings_alone():
    random = np.random.default_rng(2)
    alike = np.arange(600) % 6 == 0
    made = random.standard_normal((600, 24)) + 6 * alike[:, None] * (np.arange(24) < 4)
    worst = slices_of(random, heard(random, 600, made), alike).worst
    assert worst.name.startswith("clips that sound alike")
    assert all(int(name.removesuffix(".wav")) % 6 == 0 for name in worst.examples)


def test_what_is_only_a_hard_label_is_no_discovery():
    random = np.random.default_rng(3)
    sound = heard(random, 600)
    label = sound.targets[:, 0]
    made = sound.embeddings + 8 * label[:, None]
    found = slices_of(random, discovery.Heard(sound.names, sound.properties, made, sound.targets, sound.labels), label)
    assert found.worst is None


def test_noise_raises_no_more_alarms_than_stated():
    alarms = 0
    for draw in range(40):
        random = np.random.default_rng(draw)
        alarms += any(row.told for row in slices_of(random, heard(random, 200), np.zeros(200, bool), seed=draw).rows)
    assert alarms <= 6  # of 40 at 5 %, more than that one time in 200


def test_a_group_is_of_one_half_alone():
    unit = np.repeat(np.arange(30), 7)
    first = discovery._drawn(unit, 0.5, 0, "halves")
    assert {bool(first[unit == g].all()) for g in range(30)} == {True, False}
    assert all(first[unit == g].all() or not first[unit == g].any() for g in range(30))
    assert 0.4 < first.mean() < 0.6


def test_of_many_clips_some_groups_are_looked_at():
    unit = np.repeat(np.arange(3000), 10)
    outcomes = Outcomes("accuracy", np.ones(30_000), np.ones(30_000), unit, np.arange(30_000))
    chosen = discovery.some(outcomes, 0)
    assert abs(len(chosen) - discovery.MOST) <= 10
    assert np.isin(unit, unit[chosen]).sum() == len(chosen)
