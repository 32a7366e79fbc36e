"""Tables, label files and folders of files."""

from __future__ import annotations

from golden.inputs.cases import Case, classes

DRY = ("train", "{here}", "--dry-run")

CASES = [
    Case(
        "a folder a class",
        lambda here: classes(here),
        DRY,
        said=("data: 8 clips", "2 labels (one label a clip)"),
        unsaid=("Traceback", "note:"),
    ),
]
