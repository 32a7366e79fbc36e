r"""Audacity's label tracks.

The format as Audacity's manual has it ("Importing and Exporting Labels"): a line a label, its cells separated by
tabs. A point has the same start and end; the label may be missing. Where a spectral selection was stored, a second
line beginning with a backslash holds its frequencies, which are no business of an event and passed over:

    2.150000<TAB>2.150000<TAB>a point
    3.400000<TAB>6.100000<TAB>a region
    \<TAB>1484.669312<TAB>2969.338523
"""

from __future__ import annotations

from pathlib import Path

from audioft.annotations.event import Event
from audioft.annotations.lines import NUMBER, checked, lines_of, one_cell, seconds
from audioft.errors import DataError

#: What audioft writes, as a point, where a recording breaks off; it is no event when the file is read again.
BREAK = "breaks off: "


def read(path: str | Path) -> list[Event]:
    """Read a label track.

    Args:
        path: a text file in UTF-8, with or without a byte order mark. Cells after the third are passed over, as
            Audacity does.

    Returns:
        The labels in the order of the file, without white space around them; times in seconds. Of an empty file,
        none.

    Raises:
        DataError: the file is not text in UTF-8; or, of all lines at once, times that are no numbers, not finite,
            negative, reversed or ambiguous, and empty labels.
        UsageError: the file is not there or cannot be read.
    """
    problems: list[str] = []
    events = []
    for number, text in lines_of(path):
        where = f"{path} line {number}"
        cells = text.split("\t")
        if cells[0].strip() == "\\":
            continue
        if len(cells) < 2:
            problems.append(f"{where}: expected start, end and label with tabs between them, found {text[:40]!r}")
            continue
        start = seconds(cells[0], "start", where, problems)
        end = seconds(cells[1], "end", where, problems)
        if start == end and len(cells) > 2 and cells[2].startswith(BREAK):
            continue
        events.append(checked(cells[2] if len(cells) > 2 else "", start, end, where, problems))
    if problems:
        raise DataError(problems)
    return events


def line(event: Event) -> str:
    """The line of an event, with its line break; the score is not written, as there is no cell for it.

    >>> line(Event("great\\ttit", 1.5, 3))
    '1.500000\\t3.000000\\tgreat tit\\n'
    """
    return f"{event.start:.6f}\t{event.end:.6f}\t{one_cell(event.label)}\n"


def is_label(text: str) -> bool:
    """Whether a line looks like one of a label track: two numbers, or a backslash, before the tabs.

    >>> is_label("1.5\\t3\\trobin"), is_label("file_name\\tlabel")
    (True, False)
    """
    cells = [c.strip() for c in text.split("\t")]
    return len(cells) > 1 and (cells[0] == "\\" or all(NUMBER.fullmatch(c) for c in cells[:2]))
