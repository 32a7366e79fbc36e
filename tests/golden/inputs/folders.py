"""Folders of files: what is read, what is passed over, what their names mean."""

from __future__ import annotations

import shutil
from pathlib import Path

from golden.inputs.cases import Case, classes, recording, text

DRY = ("train", "{here}", "--dry-run")


def _a_phone_s_folder(here: Path) -> None:
    classes(here / "in", each=1)
    for name in ("in/memo.m4a", "in/call.3gp", "in/high/clip.webm"):
        text(here / name, "x")
    text(here / "in/about.txt", "x")
    text(here / "in/.hidden.wav", "x")


def _a_class_of_one_kind(here: Path) -> None:
    classes(here, each=8)
    for i in range(2):
        text(here / f"owl/{i}.m4a", "x")


def _an_empty_class(here: Path) -> None:
    classes(here)
    (here / "owl").mkdir()


def _a_hidden_class(here: Path) -> None:
    classes(here)
    recording(here / ".noise/a.wav")


def _without_an_extension(here: Path) -> None:
    for name in classes(here):
        (here / name).rename((here / name).with_suffix(""))


def _birdnet(here: Path) -> None:
    for name in ("dog", "rain", "-dog", "dog,rain"):
        for i in range(4):
            recording(here / name / f"{i}.wav", seed=10 * len(name) + i)


def _two_spellings(here: Path) -> None:
    classes(here, ("high", "low", "Low"))


def _untidy(here: Path) -> None:
    classes(here, ("high", "low", "lows", "unsorted"))


def _sites(here: Path) -> None:
    for i, site in enumerate(("forest", "pond")):
        for label in ("dog", "rain"):
            for k in range(3):
                recording(
                    here / site / label / f"{site}_{k}.wav", hz=300.0 + 100 * i, seed=10 * i + k + 5 * (label == "dog")
                )


def _the_same_bytes(here: Path) -> None:
    names = classes(here)
    shutil.copy(here / names[0], here / "low" / "copy.wav")


def _links(here: Path) -> None:
    classes(here / "in", each=2)
    (here / "in/low/again.wav").symlink_to("low0.wav")


CASES = [
    Case("a folder a class", classes, DRY, said=("data: 8 clips", "2 labels (one label a clip)"), unsaid=("note:",)),
    Case(
        "a phone's folder",
        _a_phone_s_folder,
        ("predict", "{model}", "in"),
        code=1,
        said=(
            "in/memo.m4a",
            "in/call.3gp",
            "in/high/clip.webm",
            "1 hidden file is left out",
            "1 text file is left out",
        ),
    ),
    Case(
        "a class of phone recordings that cannot be read",
        _a_class_of_one_kind,
        (*DRY, "data.max_bad=0.5"),
        code=1,
        said=("owl/0.m4a", "the class 'owl' is lost", "data.drop=[owl]"),
    ),
    Case("an empty class", _an_empty_class, DRY, code=1, said=("{here}/owl holds no recording: it is empty",)),
    Case("a hidden class", _a_hidden_class, DRY, said=("1 hidden folder with recordings is left out: .noise",)),
    Case("names without an extension", _without_an_extension, DRY, said=("data: 8 clips",)),
    Case(
        "folders of BirdNET",
        _birdnet,
        DRY,
        said=("data: 16 clips, 0.00 hours, 4 labels (one label a clip)", "data.folders=birdnet"),
    ),
    Case(
        "folders of BirdNET as it means them",
        _birdnet,
        (*DRY, "data.folders=birdnet"),
        said=("2 labels (several labels a clip)",),
        unsaid=("data.folders",),
    ),
    Case("a class in two spellings", _two_spellings, DRY, said=("'Low', 'low' are learned as different labels",)),
    Case(
        "labels to be tidied",
        _untidy,
        (*DRY, "data.rename={lows: low}", "data.drop=[unsorted]"),
        said=("data: 12 clips, 0.00 hours, 2 labels", "data.drop leaves out 4 clips of 'unsorted'"),
        unsaid=("are learned as different",),
    ),
    Case(
        "a misspelt label to be left out",
        _untidy,
        (*DRY, "data.drop=[unsort]"),
        code=2,
        said=("data.drop: no label is called 'unsort': did you mean 'unsorted'?",),
    ),
    Case(
        "sites with folders of labels",
        _sites,
        DRY,
        said=("all 2 labels (forest, pond) hold the same folders dog, rain", "data.label=folder:2"),
    ),
    Case(
        "sites as groups",
        _sites,
        (*DRY, "data.label=folder:2", "data.group=folder:1", "data.valid=null"),
        said=("data: 12 clips, 0.00 hours, 2 labels", "groups are folder:1", "split: train 6, valid 0, test 6"),
    ),
    Case(
        "a recording in two classes",
        _the_same_bytes,
        DRY,
        said=("the same bytes under different labels: high/high0.wav (high) and low/copy.wav (low)",),
    ),
    Case(
        "a link to a recording that is there",
        _links,
        ("predict", "{model}", "in"),
        said=("1 link to a file that is there already is left out: in/low/again.wav",),
        rows=("in/high/high0.wav,*", "in/high/high1.wav,*", "in/low/low0.wav,*", "in/low/low1.wav,*"),
    ),
]
