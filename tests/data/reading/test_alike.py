"""Labels that may be meant to be one are told; numbers, short names and other words are not."""

from __future__ import annotations

import pytest

from audioft.data.reading.alike import spellings


@pytest.mark.parametrize(
    "labels",
    [
        *(["GO", "go"], ["great_tit", "great tit"], ["Wren", "wren "], ["Café", "CAFÉ"], ["sea-waves", "sea_waves"]),
        *(["seawaves", "sea waves"], ["dog", "dogs"], ["bus", "buses"], ["Dog", "dogs"], ["chiffchaff", "chifchaff"]),
        *(
            ["robin", "robbin"],
            ["engine", "engime"],
            ["rooster", "roster"],
            ["tower bell", "tower bells"],
        ),
    ],
)
def test_they_are_told(labels):
    assert "are learned as different labels" in spellings([*labels, "xylophone"])[0]


@pytest.mark.parametrize(
    "labels",
    [
        *(["a", "b"], ["-a", "+"], ["-", "+"], ["speaker1", "speaker2"], ["p225", "p226"], ["speaker_a", "speaker_b"]),
        *(
            ["left", "lift"],
            ["go", "goes"],
            ["a", "as"],
            ["site 1", "site 10"],
            ["Anna", "Anne"],
            ["great tit", "great tip"],
        ),
        *(["2021", "2022"], ["take one", "take two"], ["C4", "C5"], ["class01", "class001"], ["1 1", "11"]),
    ],
)
def test_they_are_not(labels):
    assert spellings(labels) == []


def test_groups_are_told_together_and_few_of_them():
    (told,) = spellings(
        ["dog", "Dog", "dogs", *(f"{w}{e}" for w in ("owl", "cat", "hen", "cow", "pig", "fox") for e in ("", "s"))]
    )
    assert "'Dog', 'dog', 'dogs'" in told
    assert "and 2 more such groups" in told


def test_the_setting_that_makes_them_one_is_named():
    (told,) = spellings(["Dog", "dog", "dogs"])
    assert told.endswith("with data.rename='{Dog: dog, dogs: dog}'")
    (told,) = spellings(["Dog", "dog", "dogs", "sea waves", "sea_waves"])
    assert told.endswith("with data.rename='{Dog: dog, dogs: dog, sea_waves: sea waves}'")
    (told,) = spellings(["Dog", "dog", "owl"], {"hound": "Dog", "eule": "owl"})
    assert told.endswith("with data.rename='{hound: dog, eule: owl, Dog: dog}'")


def test_many_labels_take_no_time():
    assert spellings([f"speaker{i:05d}" for i in range(50_000)]) == []
