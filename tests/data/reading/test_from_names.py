"""Labels and groups in the names of folders and files: `folder:2`, `name:...`; folders of sites that hold labels."""

from __future__ import annotations

import makers
import pytest

from audioft.data import manifest, source
from audioft.data.reading.from_names import asked, sites
from audioft.errors import DataError, UsageError


@pytest.fixture
def places(tmp_path):
    for i, site in enumerate(("forest", "pond", "yard")):
        for k, label in enumerate(("dog", "rain", "rooster")):
            makers.tone(tmp_path / site / label / f"{site.upper()}_2405_{k}.wav", seconds=0.1, seed=10 * i + k)
    return tmp_path


def shown(found):
    return {c.name: (c.labels[0], c.group) for c in found.clips}


@pytest.mark.parametrize(
    ("label", "group", "expected"),
    [
        (None, None, ("forest", "forest/dog/FOREST_2405_0.wav")),
        ("folder:2", "folder:1", ("dog", "forest")),
        ("folder:-1", "folder:-2", ("dog", "forest")),
        ("folder:-1", "name:^(.*?)_", ("dog", "FOREST")),
        ("name:^[A-Z]+", "recording", ("FOREST", "forest/dog/FOREST_2405_0.wav")),
        (r"name:_(\d)$", None, ("0", "forest/dog/FOREST_2405_0.wav")),
    ],
)
def test_a_folder(places, label, group, expected):
    found = manifest.load(places, label=label, group=group)
    assert shown(found)["forest/dog/FOREST_2405_0.wav"] == expected
    assert len(found.clips) == 9
    assert (found.grouping == group) == (group not in (None, "recording") or group == "recording")


def test_sites_are_told_with_what_to_write(places):
    (told,) = [n for n in manifest.load(places).notes if "are those the labels?" in n]
    assert told.startswith("all 3 labels (forest, pond, yard) hold the same folders dog, rain, rooster: are those")
    assert "data.label=folder:2" in told
    assert "data.group=folder:1" in told
    found = manifest.load(places, label="folder:2", group="folder:1")
    assert not any("are those" in n for n in found.notes)
    assert "groups are folder:1" in found.notes
    assert found.labels == ("dog", "rain", "rooster")


@pytest.mark.parametrize(
    "names",
    [
        ["dog/a.wav", "cat/b.wav"],
        ["dog/2021/a.wav", "dog/2022/a.wav", "cat/2021/a.wav", "cat/2022/a.wav"],
        ["dog/x/a.wav", "dog/y/a.wav", "cat/v/a.wav", "cat/w/a.wav"],
        ["dog/x/a.wav", "cat/x/a.wav"],
    ],
)
def test_other_folders_are_not(names):
    assert sites(names, 1) == []


def test_sites_below_sides_are_told_from_there():
    names = [f"{side}/{s}/{x}/a.wav" for side in ("train", "test") for s in ("pond", "wood") for x in ("dog", "rain")]
    assert "data.label=folder:3" in sites(names, 2)[0]


def test_sides_stay_sides(tmp_path):
    for i, side in enumerate(("train", "test")):
        for k, label in enumerate(("dog", "rain")):
            makers.tone(tmp_path / side / "pond" / label / "a.wav", seconds=0.1, seed=10 * i + k)
    found = manifest.load(tmp_path, label="folder:3", group="folder:2")
    assert {(c.split, c.labels[0], c.group) for c in found.clips} == {
        (side, label, "pond") for side in ("train", "test") for label in ("dog", "rain")
    }


def test_recordings_may_lie_in_no_folder_where_names_say_it(tmp_path):
    for i, name in enumerate(("robin_01", "robin_02", "wren_01")):
        makers.tone(tmp_path / f"{name}.wav", seconds=0.1, seed=i)
    assert manifest.load(tmp_path, label="name:^(.*)_").labels == ("robin", "wren")
    with pytest.raises(DataError, match=r'data\.label="name:PATTERN"'):
        manifest.load(tmp_path)


def test_names_that_do_not_match_are_named_and_refused(places):
    makers.tone(places / "forest" / "loose.wav", seconds=0.1)
    with pytest.raises(
        DataError, match=r"forest/loose\.wav: it lies in 1 folder of the source, too few for data\.label=folder:2"
    ):
        manifest.load(places, label="folder:2")
    with pytest.raises(DataError, match=r"forest/loose\.wav: its name does not match data\.group=name:.*data\.exclude"):
        manifest.load(places, label="folder:1", group="name:^([A-Z]+)_")
    with pytest.raises(DataError, match=r"finds an empty text"):
        manifest.load(places, label="name:^(x*)")


@pytest.mark.parametrize("text", ["folder:0", "folder:x", "folder:", "name:(", "folder:1.5"])
def test_what_is_no_such_place(text):
    with pytest.raises(UsageError, match=r"data\.label="):
        asked(text, "data.label")


@pytest.mark.parametrize("text", [None, "species", "recording", "a:b", "name"])
def test_columns_are_columns(text, places):
    assert asked(text, "data.label") is None
    if text not in (None, "recording"):
        with pytest.raises(UsageError, match=r"names a column, but .* data\.label=folder:1"):
            manifest.load(places, label=text)


def test_tables(places):
    names = sorted(p.relative_to(places).as_posix() for p in places.rglob("*.wav"))
    (places / "t.csv").write_text("\n".join(["file_name,label", *(f"{n},x" for n in names), ""]))
    found = manifest.load(places / "t.csv", label="folder:2", group="folder:1")
    assert shown(found)["pond/rain/POND_2405_1.wav"] == ("rain", "pond")
    (places / "t.csv").write_text("\n".join(["file_name,folder:2", *(f"{n},x{n[0]}" for n in names), ""]))
    assert set(manifest.load(places / "t.csv", label="folder:2").labels) == {"xf", "xp", "xy"}
    (places / "t.csv").write_text(f"file_name\n{names[0]}\n")
    with pytest.raises(DataError, match=r"t\.csv line 2: it lies in 2 folders"):
        manifest.load(places / "t.csv", label="folder:3")


def test_label_files_have_groups_by_name(places):
    for path in places.rglob("*.wav"):
        path.with_suffix(".txt").write_text("0\t0.05\tx\n")
    how = {"allow_outside": False}
    found = source.read_annotated(places, label=None, group="folder:1", asked=True, **how)
    assert {a.clip.group for a in found.recordings} == {"forest", "pond", "yard"}
    assert source.read_annotated(places, label="folder:2", group=None, asked=False, **how) is None


def test_sides_below_labels_are_told():
    from audioft.data.rows import ROLES

    names = [f"{label}/{side}/a.wav" for label in ("dog", "cat") for side in ("train", "test")]
    assert "are no sides there: sides lie above labels" in sites(names, 1, ROLES)[0]


def test_label_files_have_labels_of_their_own(places):
    for path in places.rglob("*.wav"):
        path.with_suffix(".txt").write_text("0\t0.05\tx\n")
    with pytest.raises(UsageError, match=r"data\.label=folder:2: labels with times come from label files"):
        source.read_annotated(places, label="folder:2", group=None, allow_outside=False, asked=True)
