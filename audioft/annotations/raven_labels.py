"""Which column of a Raven selection table holds the labels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from audioft.annotations.lines import NUMBER
from audioft.core.registry import suggest
from audioft.errors import DataError, Problem

LABEL_COLUMNS = (
    "Annotation",
    "Label",
    "Species",
    "Common Name",
    "Species Code",
    "Class",
    "Tags",
    "Call",
    "Type",
)
BACKGROUND = "background"
#: Columns of Raven that hold no label; its measurements have their unit in brackets, or one of these words.
_RAVENS = frozenset(
    {
        *("selection", "view", "channel", "begin path", "begin file", "end path", "end file", "score", "confidence"),
        *("rank", "occupancy", "template", "notes", "note", "comment", "comments", "inband power", "file", "filename"),
        *("annotator", "analyst", "observer", "reviewer", "date", "time", "site", "detector", "sound file", "id"),
    }
)
_MEASUREMENT = re.compile(
    r"[(\[]|^(begin|end|delta|min|max|peak|avg|average|center|dur|duration|freq|low|high|q1|q3|bw|rms|snr|sel|leq|energy|"
    r"aggregate|inband|length|clock|time|real)\b"
)


def label_column_of(
    path: str | Path,
    header: Sequence[str],
    rows: Sequence[Mapping[str, str]],
    asked: str | None,
    unlabelled: str | None,
    notes: list[str],
) -> str:
    """The column, in lower case.

    Args:
        path: the table, for messages.
        header: its columns.
        rows: its cells by column in lower case.
        asked: the column that the user named; in any case.
        unlabelled: what becomes of selections without a label; if it is said, a table may have no such column.
        notes: is told where the column was found by what it holds.

    Raises:
        DataError: the column that was asked for is not there, or none is known to hold the labels.
    """
    names = {c.lower(): c for c in reversed(header) if c}
    filled = {c for c in names if any(row.get(c) for row in rows)}
    if asked is not None:
        column = asked.strip().lower()
        if column not in names and not unlabelled:
            said = f"data.label={asked!r}: there is no such column; {_REMEDY}{suggest(asked, list(names.values()))}"
            raise DataError(Problem(path, said))
        return column
    known = [c.lower() for c in LABEL_COLUMNS if c.lower() in names]
    if found := [c for c in known if c in filled]:
        if found[0] != known[0]:
            notes.append(f"labels are in the column {names[found[0]]!r}, {names[known[0]]!r} is empty")
        return found[0]
    texts = [c for c in names if c in filled and any(not NUMBER.fullmatch(row.get(c) or "0") for row in rows)]
    strange = [c for c in texts if c not in _RAVENS and not _MEASUREMENT.search(c)]
    if len(strange) == 1:
        notes.append(f"labels are in the column {names[strange[0]]!r}, the one that Raven does not know")
        return strange[0]
    if known:
        return known[0]
    if unlabelled and not strange:
        return LABEL_COLUMNS[0].lower()
    which = "no column is known to hold the labels; say which with data.label=COLUMN" if strange else "it has no labels"
    said = f"{which}; {_REMEDY}; the columns are {{}}"
    raise DataError(Problem(path, said, ", ".join(c for c in header if c)))


_REMEDY = "data.unlabelled=skip leaves selections without a label out, data.unlabelled=background calls them background"
