"""Labels renamed, merged and left out: in folders, tables of one label and of several, one-hot columns, label files."""

from __future__ import annotations

import dataclasses

import makers
import pytest

from audioft.data import manifest, source
from audioft.data.event_clips import around_events, as_windows
from audioft.data.reading import tidying
from audioft.data.reading.choices import Choices
from audioft.data.source import EventUse
from audioft.errors import ConfigError, DataError

LABELS = ("dog", "dogs", "Dog", "cat", "unsorted")


@pytest.fixture
def folder(tmp_path):
    for i, label in enumerate(LABELS):
        for k in range(2):
            makers.tone(tmp_path / label / f"{k}.wav", seconds=0.1, seed=10 * i + k)
    return tmp_path


def table(root, text, names=("a", "b", "c", "d")):
    for i, name in enumerate(names):
        makers.tone(root / f"{name}.wav", seconds=0.1, seed=i)
    (root / "metadata.csv").write_text(text)
    return root


def read(data, **choices):
    return manifest.load(data, least_labels=1, choices=Choices(**choices))


def labels_of(found):
    return {c.name: c.labels for c in found.clips}


@pytest.mark.parametrize(
    ("choices", "labels", "count"),
    [
        ({"rename": {"dogs": "dog", "Dog": "dog"}}, ("cat", "dog", "unsorted"), 10),
        ({"rename": {"dog": "cat", "cat": "dog"}, "drop": ["unsorted", "dogs", "Dog"]}, ("cat", "dog"), 4),
        ({"drop": ["unsorted"]}, ("Dog", "cat", "dog", "dogs"), 8),
        ({"keep": ["cat", "dog"]}, ("cat", "dog"), 4),
        ({"merge": {"animal": ["dog", "dogs", "cat"]}, "drop": ["Dog"]}, ("animal", "unsorted"), 8),
        ({"rename": {"Dog": "wolf"}, "merge": {"pet": ["cat", "wolf"]}, "keep": ["pet"]}, ("pet",), 4),
        ({"negatives": ["unsorted", "Dog"]}, ("background", "cat", "dog", "dogs"), 10),
        ({"keep": ["cat"], "negatives": ["dog"]}, ("background", "cat"), 4),
    ],
)
def test_folders(folder, choices, labels, count):
    found = read(folder, **choices)
    assert (found.labels, len(found.clips), found.multilabel) == (labels, count, False)


def test_a_swap_is_one(folder):
    found = labels_of(read(folder, rename={"dog": "cat", "cat": "dog"}))
    assert (found["dog/0.wav"], found["cat/0.wav"]) == (("cat",), ("dog",))


def test_what_is_left_out_is_counted(folder):
    assert "data.drop leaves out 4 clips of 'Dog', 'unsorted'" in read(folder, drop=["unsorted", "Dog"]).notes
    assert "data.keep leaves out 6 clips of 'Dog', 'dogs', 'unsorted'" in read(folder, keep=["cat", "dog"]).notes
    told = "data.negatives: 2 clips of 'unsorted' are background, the class 'background'"
    assert told in read(folder, negatives=["unsorted"]).notes


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"rename": {"dgos": "dog"}}, "data.rename: no label is called 'dgos': did you mean 'dogs'?"),
        ({"drop": ["unsortd"]}, "data.drop: no label is called 'unsortd': did you mean 'unsorted'?"),
        ({"keep": ["bird"]}, "data.keep: no label is called 'bird'; known are Dog, cat, dog, dogs, unsorted"),
        ({"merge": {"animal": ["dog", "cats"]}}, "data.merge: no label is called 'cats': did you mean 'cat'?"),
        ({"negatives": ["noise"]}, "data.negatives: no label is called 'noise'"),
        ({"merge": {"x": ["dog"], "y": ["dog"]}}, "data.merge: 'dog' is a part of both 'x' and 'y'"),
        ({"rename": {"dog": " "}}, "data.rename: a label needs a name"),
        ({"drop": ["dog"], "keep": ["dog", "cat"]}, "data.drop and data.keep both name 'dog'"),
        ({"rename": {"dogs": "dog"}, "drop": ["dogs"]}, "data.drop: no label is called 'dogs'"),
    ],
)
def test_a_name_that_is_wrong_is_told(folder, choices, said):
    with pytest.raises(ConfigError) as caught:
        read(folder, **choices)
    assert said in str(caught.value)


def test_all_wrong_names_are_told_at_once_and_none_where_a_model_says_them(folder):
    choices = Choices(rename={"a": "b"}, drop=["c"])
    with pytest.raises(ConfigError) as caught:
        manifest.load(folder, choices=choices)
    assert len(caught.value.problems) == 2
    assumed = dataclasses.replace(choices, assumed=frozenset({"data.rename", "data.drop"}))
    assert len(manifest.load(folder, choices=assumed).clips) == 10


def test_nothing_left_is_told(folder):
    with pytest.raises(DataError, match=r"no clip is left: data\.drop leaves out 10 clips"):
        read(folder, drop=list(LABELS))


def test_an_empty_folder_that_is_left_out_is_no_problem(folder):
    (folder / "owl").mkdir()
    with pytest.raises(DataError, match=r"owl holds no recording.*data\.drop=\[owl\]"):
        read(folder)
    assert len(read(folder, drop=["owl"]).clips) == 10
    assert len(read(folder, keep=["dog", "cat"]).clips) == 4


def test_several_labels(tmp_path):
    data = table(tmp_path, "file_name,labels\na.wav,dog;wind\nb.wav,wind\nc.wav,cat;?dog\nd.wav,[]\n")
    found = read(data, drop=["wind"])
    assert labels_of(found) == {"a.wav": ("dog",), "c.wav": ("cat",), "d.wav": ()}
    assert "1 clip had no other label, and is left out" in found.notes
    assert labels_of(read(data, negatives=["wind"]))["b.wav"] == ()
    merged = {c.name: c for c in read(data, merge={"animal": ["dog", "cat"]}).clips}
    assert merged["c.wav"].labels == ("animal",)
    assert merged["c.wav"].unknown == ()
    renamed = {c.name: c for c in read(data, rename={"dog": "hound"}).clips}
    assert renamed["c.wav"].unknown == ("hound",)
    assert "dog" not in read(data, drop=["dog"]).labels


def test_a_part_of_which_nothing_is_known_leaves_the_whole_unknown(tmp_path):
    data = table(tmp_path, "file_name,labels\na.wav,dog\nb.wav,cat\nc.wav,bird;?dog\nd.wav,bird;?\n")
    found = {c.name: c for c in read(data, merge={"animal": ["dog", "cat"]}).clips}
    assert (found["c.wav"].labels, found["c.wav"].unknown) == (("bird",), ("animal",))
    assert found["d.wav"].unknown == "rest"


def test_folders_of_birdnet_hold_their_negatives_anyhow(tmp_path):
    for i, label in enumerate(("dog", "dog,rain", "rain", "noise", "wind")):
        makers.tone(tmp_path / label / "a.wav", seconds=0.1, seed=i)
    found = labels_of(read(tmp_path, folders="birdnet", negatives=["noise", "wind"], rename={"dog": "hound"}))
    assert found["noise/a.wav"] == found["wind/a.wav"] == ()
    assert found["dog,rain/a.wav"] == ("hound", "rain")
    with pytest.raises(ConfigError, match="no label is called 'silence'"):
        read(tmp_path, folders="birdnet", negatives=["silence"])


def test_one_hot_columns(tmp_path):
    data = table(tmp_path, "file_name,dog,dogs,wind\na.wav,1,0,0\nb.wav,0,1,1\nc.wav,0,0,1\nd.wav,0,0,0\n")
    found = read(data, rename={"dogs": "dog"}, drop=["wind"])
    assert labels_of(found) == {"a.wav": ("dog",), "b.wav": ("dog",), "d.wav": ()}


def test_a_table_of_one_label(tmp_path):
    data = table(tmp_path, "file_name,label\na.wav,dog\nb.wav,dogs\nc.wav,noise\nd.wav,unsorted\n")
    found = read(data, rename={"dogs": "dog"}, drop=["unsorted"], negatives=["noise"])
    assert labels_of(found) == {"a.wav": ("dog",), "b.wav": ("dog",), "c.wav": ("background",)}


class TestEvents:
    """Label files and tables with times."""

    @pytest.fixture
    def night(self, tmp_path):
        makers.tone(tmp_path / "night.wav", seconds=10.0)
        rows = "0\t1\tdog\n2\t3\tdogs\n4\t5\tunsorted\n6\t7\tnoise\n"
        (tmp_path / "night.txt").write_text(rows)
        return tmp_path

    def found(self, night, **choices):
        how = {"label": None, "group": None, "allow_outside": False, "asked": True}
        return source.read_annotated(night, choices=Choices(**choices), **how)

    @pytest.mark.parametrize("form", ["label file", "table"])
    def test_they_are_renamed_and_left_out(self, night, form):
        if form == "table":
            rows = ["night.wav,0,1,dog", "night.wav,2,3,dogs", "night.wav,4,5,unsorted", "night.wav,6,7,noise"]
            (night / "metadata.csv").write_text("\n".join(["file_name,start,end,label", *rows, ""]))
        found = self.found(night, rename={"dogs": "dog"}, drop=["unsorted"], negatives=["noise"])
        (one,) = found.recordings
        assert [(e.label, e.start) for e in one.events] == [("dog", 0.0), ("dog", 2.0)]
        assert [e.label for e in one.dropped + one.negatives] == ["unsorted", "noise"]
        assert "data.drop leaves out 1 event of 'unsorted'" in found.notes
        with pytest.raises(ConfigError, match=r"data\.drop: no label is called 'unsort'"):
            self.found(night, drop=["unsort"])

    def test_what_is_left_out_is_no_background(self, night):
        found = self.found(night, drop=["unsorted", "noise"])
        made = around_events(found, context=0.0, background="class", most=10.0, seed=0)
        spans = [(c.start, c.end) for c in made.clips if c.labels == ("background",)]
        assert spans
        assert all(end <= 4 or start >= 5 for start, end in spans)
        assert all(end <= 6 or start >= 7 for start, end in spans)

    @pytest.mark.parametrize(
        ("background", "labels"),
        [("none", ("background",)), ("class", ("background",)), ("negatives", ())],
    )
    def test_negatives_are_clips_of_background(self, night, background, labels):
        found = self.found(night, negatives=["noise", "unsorted"], rename={"dogs": "cat"})
        made = around_events(found, context=0.0, background=background, most=10.0, seed=0)
        own = {(c.start, c.end): c.labels for c in made.clips}
        assert own[(6.0, 7.0)] == own[(4.0, 5.0)] == labels
        assert own[(0.0, 1.0)] == ("dog",)
        assert set(made.labels) == {"dog", "cat", *labels}

    def test_frames_know_none_of_them(self, night):
        made = as_windows(self.found(night, negatives=["noise"], drop=["unsorted"]), 10.0)
        assert made.labels == ("dog", "dogs")
        assert {e.label for e in made.events["night.wav"]} == {"dog", "dogs"}

    def test_like_names_are_told_once(self, night):
        made = source.load(night, events=EventUse("clips"))
        assert len([n for n in made.notes if "'dog', 'dogs' are learned as different" in n]) == 1


def test_the_plan_speaks_of_names_in_any_unicode_form():
    plan = tidying.plan(Choices(drop=["Cafe\u0301"]), ["Caf\u00e9", "x"])
    assert plan.dropped == {"Caf\u00e9": "data.drop"}
