"""Tables, label files and folders of files."""

from __future__ import annotations

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
        said=("owl/0.m4a", "the class 'owl' is lost"),
    ),
    Case("an empty class", _an_empty_class, DRY, code=1, said=("{here}/owl holds no recording: it is empty",)),
    Case("a hidden class", _a_hidden_class, DRY, said=("1 hidden folder with recordings is left out: .noise",)),
    Case("names without an extension", _without_an_extension, DRY, said=("data: 8 clips",)),
]
