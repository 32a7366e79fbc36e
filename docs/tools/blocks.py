"""The blocks of code on the pages, and what each is checked with.

What is printed stands in a block of `text`, and above it a comment says how it is compared with what is printed now:

    check: run COMMAND                      the command is run; numbers in `; 0.4, 31 vary` may be others, and with
                                            `; with standard error` that is compared, too
    check: run slowly COMMAND               the same, in a slow test
    check: shape COMMAND                    the command is run; what each line is called is compared
    check: story NAME                       a slow test trains first, in tests/docs/test_stories.py
    check: words of story NAME; REASON      likewise, and the numbers are not compared
    check: not compared; REASON

A block of `python` is run. Above one that trains stands `check: run, slow`, above one that is only compiled
`check: compiles; REASON`. A block of `bash` has commands that parse and name what is there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"(?:^<!-- check: (?P<check>.+?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
GENERATED = re.compile(r"<!-- generated: .*?<!-- end of generated -->", re.S)


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: the file.
        line: of the page, where it begins.
        language: `bash`, `python`, `text`, `yaml`, `csv`.
        text: what is in it.
        check: what the comment above it says; empty if there is none.
        place: where `text` begins and ends in the page.
    """

    page: Path
    line: int
    language: str
    text: str
    check: str
    place: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Those of a page, but for what is generated, which is checked as a whole."""
    text = page.read_text(encoding="utf-8")
    made = [m.span() for m in GENERATED.finditer(text)]
    return [
        Block(
            page,
            text.count("\n", 0, m.start("text")),
            m["language"],
            m["text"],
            " ".join((m["check"] or "").split()),
            m.span("text"),
        )
        for m in BLOCK.finditer(text)
        if not any(start <= m.start() < end for start, end in made)
    ]


def every_block() -> list[Block]:
    """Those of all pages."""
    return [b for page in PAGES for b in blocks(page)]


def commands(text: str) -> list[str]:
    """The lines of a block of `bash`, each with the lines that it goes on in."""
    return [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line.strip()]
