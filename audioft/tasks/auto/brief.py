"""What is said while other verbs work for `audioft auto`: each note once, and how far they are; all of it in a log."""

from __future__ import annotations

from pathlib import Path

from audioft.core.progress import Console

LOG = "auto.log"
NOTE = "note: "
OF_TABLES = f"{NOTE}the given split has no"  # which is that of the tables that auto itself has written


class Brief(Console):
    """A console that passes on notes that were not said before, and writes everything into a log.

    Args:
        over: where they go.
        log: the file; what is there stays.
        passing: whether notes are passed on; else they are in the log alone.

    Attributes:
        notes: all that were said, each once.
    """

    def __init__(self, over: Console, log: Path, *, passing: bool = True):
        super().__init__(quiet=over.quiet, stream=over.stream)
        self.log, self.passing, self.notes = log, passing, list[str]()

    def say(self, text: str = "") -> None:
        with open(self.log, "a", encoding="utf-8", errors="replace") as file:
            print(text, file=file)
        if self.passing and text.startswith(NOTE) and text not in self.notes and not text.startswith(OF_TABLES):
            self.notes.append(text)
            super().say(f"  {text}")
