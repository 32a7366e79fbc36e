"""Label files beside recordings: Raven's, Audacity's, of a person and of a program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from golden.inputs.cases import Case, classes, recording, text

RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"
PERSONS = "{stem}.Table.1.selections.txt"
DRY = ("train", "{here}", "--dry-run")


def raven(column: str, labels: tuple[str, ...] = ("wren", "owl"), score: str = "") -> str:
    """A selection table with a label a second, in a column of this name."""
    lines = [RAVEN + f"\t{column}" * bool(column) + "\tConfidence" * bool(score)]
    for i, label in enumerate(labels):
        cells = f"{i + 1}\tSpectrogram 1\t1\t{i}.1\t{i}.9\t0\t8000"
        lines.append(cells + f"\t{label}" * bool(column) + f"\t{score}" * bool(score))
    return "\n".join([*lines, ""])


def beside(*files: tuple[str, str]) -> Callable[[Path], None]:
    """Fills a folder with six recordings, beside each a file of each kind."""

    def make(here: Path) -> None:
        for i in range(6):
            recording(here / f"rec{i}.wav", seconds=2.0, seed=i)
            for name, content in files:
                text(here / name.format(stem=f"rec{i}"), content)

    return make


def _half(here: Path) -> None:
    beside((PERSONS, raven("Species")))(here)
    for i in (1, 3, 5):
        text(here / PERSONS.format(stem=f"rec{i}"), raven(""))


def _one_among_classes(here: Path) -> None:
    classes(here)
    text(here / "low/low0.txt", "0.05\t0.2\thum\n")


BOTH = beside(
    (PERSONS, raven("Annotation")), ("{stem}.BirdNET.selection.table.txt", raven("Common Name", score="0.12"))
)
DETECTED = beside(("{stem}.BirdNET.selection.table.txt", raven("Common Name", score="0.7")))
POINTS = beside(("{stem}.txt", "0.5\t0.5\tclick\n1.0\t1.5\twren\n"))
TWELVE = ("data: 12 clips", "2 labels (one label a clip)")

CASES = [
    Case("a column that Raven does not know", beside((PERSONS, raven("tag"))), DRY, said=(*TWELVE, "the column 'tag'")),
    Case(
        "measurements only",
        beside((PERSONS, raven(""))),
        DRY,
        code=1,
        said=("it has no labels", "data.unlabelled=skip"),
    ),
    Case("half of the tables unlabelled", _half, (*DRY, "data.label=Species"), code=1, said=("data.unlabelled=skip",)),
    Case("half of them skipped", _half, (*DRY, "data.unlabelled=skip"), said=("data: 6 clips", "2 labels")),
    Case("half of them background", _half, (*DRY, "data.unlabelled=background"), said=("data: 12 clips", "3 labels")),
    Case(
        "a person's and BirdNET's labels",
        BOTH,
        DRY,
        code=1,
        said=("rec0.BirdNET.selection.table.txt and rec0.Table.1.selections.txt", "data.label_files"),
    ),
    Case("a person's alone", BOTH, (*DRY, "data.label_files=*.Table.1.selections.txt"), said=TWELVE),
    Case("BirdNET's detections", DETECTED, DRY, code=1, said=("have scores", "data.min_score")),
    Case("BirdNET's sure detections", DETECTED, (*DRY, "data.min_score=0.5"), said=TWELVE),
    *(
        Case(
            f"points as {use}",
            POINTS,
            (*DRY, f"events.use={use}"),
            code=1,
            said=("has no length", "events.point_width"),
        )
        for use in ("clips", "frames")
    ),
    Case("points of a width", POINTS, (*DRY, "events.point_width=0.2"), said=(*TWELVE, "6 points last 0.2 s")),
    *(
        Case(
            f"labels that go on after the end, as {use}",
            beside(("{stem}.txt", "0.5\t9\twren\n1.0\t1.5\towl\n")),
            (*DRY, f"events.use={use}"),
            said=("6 events beyond a recording's end, as 'wren' in rec0.wav, to 9 s of 2.00",),
        )
        for use in ("clips", "frames")
    ),
    Case(
        "labels that go on a little",
        beside(("{stem}.txt", "0.5\t3\twren\n1.0\t1.5\towl\n")),
        DRY,
        said=TWELVE,
        unsaid=("beyond a recording's end", "Traceback"),
    ),
    Case(
        "labels called NA", beside(("{stem}.txt", "0.5\t0.9\tNA\n")), DRY, code=1, said=("counts as empty", "data.na")
    ),
    Case(
        "one label file among classes",
        _one_among_classes,
        DRY,
        code=1,
        said=("low/low0.txt", "data.source_kind=classes"),
    ),
    Case(
        "classes beside a label file", _one_among_classes, (*DRY, "data.source_kind=classes"), said=("data: 8 clips",)
    ),
]
