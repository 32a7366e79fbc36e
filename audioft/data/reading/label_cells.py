"""How the label cells of a column are read: one label or several, what separates them, what is a missing one."""

from __future__ import annotations

import ast
import contextlib
import functools
import json
import math
import re
import string
from collections.abc import Callable, Iterable

from audioft.core.wording import quoted
from audioft.data import targets
from audioft.data.targets import Said, clean
from audioft.errors import DataError

#: What pandas, R, JSON and spreadsheets write where there is no label.
MISSING = frozenset(
    {
        *("", "nan", "NaN", "NAN", "-nan", "-NaN", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "None", "null", "NULL"),
        *("Null", "NaT", "nil", "#N/A N/A", "1.#QNAN", "-1.#QNAN", "1.#IND", "-1.#IND", "undefined"),
        *("n.a.", "N.A.", "\\N", "<null>", "(null)"),
        # what Excel writes where a formula has no value, in a few languages
        *("#NV", "#N/D", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#WERT!", "#BEZUG!", "#ZAHL!"),
    }
)
#: What may be a label, and may say that there is none; marks alone are told as well.
_PERHAPS_MISSING = frozenset({"na", "none", "missing", "blank", "(blank)", "(none)", "<none>", "tbd", "todo", "k.a."})
_MARKS = frozenset(string.punctuation + "\u2013\u2014\u2026")
_QUOTED = re.compile(r"""(['"])(?=\s+['"])""")  # numpy writes no commas between texts
_NAN = re.compile(r"(?<=[\[(,\s])nan(?=[\])\s,])")
#: What may stand between labels besides `;`; each is tried where the ones before it are not there.
_SEPARATORS = ("\n", "\t", "|", "\uff1b", ",", "\uff0c", "\u3001", "\u060c", "/", "+", "&", " ")
_CERTAIN = "\n\t|\uff1b"  # in no label that may stand beside others
_COMMAS = ",\uff0c\u3001\u060c"  # of Chinese, Japanese and Arabic, too
#: What stands between labels now and then, in a cell that is taken for one label.
_JOINED = re.compile(r"[/+&:#\\\u00b7]|__|\s(-|and|und|et|y)\s", re.IGNORECASE)


def reader(
    column: str, cells: Iterable[str], table: str, keep: bool, notes: list[str]
) -> tuple[Callable[[str], Said], bool]:
    """What reads a label cell of a column, and whether cells may hold several labels.

    Args:
        column: its name; one that ends in `labels` may hold several.
        cells: all cells of the column.
        table: what they are of, for messages.
        keep: take `NA`, `None` and their like for labels.
        notes: is told what was understood, and what is missing.

    Raises:
        DataError: cells that may be one label or several.
    """
    values = {c.strip() for c in cells}
    several = column.lower().endswith("labels")
    words = {p.strip() for v in values for p in (as_list(v) or (v.split(";") if several else [v]))}
    missing = sorted(v for v in words if v and v in MISSING)
    lists = [v for v in values if as_list(v) is not None]
    if missing:
        kept = "is a label" if len(missing) == 1 else "are labels"
        empty = "counts as no label, and data.na=keep takes it for one"
        notes.append(f"{quoted(missing)} in {column} {f'{kept} here (data.na=keep)' if keep else empty}")
    found = values - MISSING if not keep else values
    for v in sorted(found - set(lists)):
        _refuse_objects(v, column, table)
        if v[:1] + v[-1:] in ("[]", "{}") and "," in v:
            raise DataError(_unclear(table, column, v, ",", several))
    separator = ";"
    if lists and not several and any(len(as_list(v) or ()) != 1 for v in lists):
        several = True
        notes.append(f"the cells of {column} are lists, so clips may have several labels")
    elif not any(";" in v for v in found if v not in lists) or not several:
        separator = _separator(column, [v for v in found if v not in lists], table, several) or ";"
        if separator != ";":
            notes.append(f"labels in {column} are separated by {separator!r}")
        elif (
            several
            and not any(len(as_list(v) or ()) > 1 for v in lists)
            and len(joined := [v for v in found if v not in lists and _JOINED.search(v)]) > 1
        ):
            one = f"no cell of {column} holds several labels, {min(joined)!r} is taken for one"
            notes.append(f"{one}; several are separated by ;")
    perhaps = sorted(w for w in words - {"", "?", *lists} if w.lower() in _PERHAPS_MISSING or not set(w) - _MARKS)
    if perhaps and not keep and not set(perhaps) & MISSING:
        are = "is learned as a label" if len(perhaps) == 1 else "are learned as labels"
        notes.append(f"{quoted(perhaps)} in {column} {are}; if there is none, leave the cell empty")
    read = functools.partial(_read, several=several, separator=separator, keep=keep)
    return functools.lru_cache(maxsize=2**12)(read), several


def _read(text: str, several: bool, separator: str, keep: bool) -> Said:
    text = text.strip()
    if text and text in MISSING and not keep:
        if not several:
            raise ValueError(
                f"its label is {text!r}, which counts as empty; fill it in, remove the row, or set data.na=keep"
            )
        text = ""
    items = as_list(text)
    if items is not None and not several:
        return targets.single(items[0])
    if items is not None:
        text = json.dumps(items, ensure_ascii=False)
    elif several and separator != ";" and not text.startswith("["):
        text = text.replace(separator, ";")
    if not several:
        return targets.single(text)
    present, unknown = targets.several(text)
    return (present if keep else tuple(p for p in present if p not in MISSING)), unknown


def as_list(text: str) -> list[str] | None:
    """The labels of a JSON list, or of a Python list, tuple or set of texts written out; None for whatever else.

    >>> as_list("['go', 'Verb']"), as_list('["go"]'), as_list("go"), as_list("[go]")
    (['go', 'Verb'], ['go'], None, None)
    >>> as_list("['go' 'Verb']"), as_list("['go', nan]")
    (['go', 'Verb'], ['go'])
    >>> as_list('{"choices": ["go", "Verb"]}'), as_list("[0, 3]")
    (['go', 'Verb'], ['0', '3'])
    """
    if text[:1] + text[-1:] not in ("[]", "()", "{}"):
        return None
    value: object = None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            value = ast.literal_eval(_QUOTED.sub(r"\1,", _NAN.sub("None", text)))
    if isinstance(value, dict) and len(value) == 1:  # Label Studio: {"choices": ["go", "Verb"]}
        (value,) = value.values()
    if not isinstance(value, list | tuple | set):
        return None
    items = [i for i in value if not (i is None or (isinstance(i, float) and math.isnan(i)))]
    items = [str(i) if isinstance(i, int) and not isinstance(i, bool) else i for i in items]
    if any(not isinstance(i, str) for i in items) or (value and not items):
        return None
    return sorted(items) if isinstance(value, set) else items


def _separator(column: str, values: list[str], table: str, several: bool) -> str | None:
    """What separates labels in a column without `;`, where that is certain; None where every cell is one label.

    A `|` and the end of a line separate. A comma does where no blank follows it and parts of one cell are found in
    another, or where every part is found elsewhere. With any other character, cells whose every part is a cell of its
    own are refused, as they may be meant either way; in a column of one label a clip so are all.
    """
    known = {clean(v) for v in values}
    for separator in _SEPARATORS if several else (";", *_SEPARATORS[:-1]):
        parted = {v: [clean(p) for p in v.split(separator)] for v in values if separator in v}
        if separator in _CERTAIN:  # two of them may stand together
            parted = {v: [p for p in parts if p] for v, parts in parted.items()}
        parted = {v: parts for v, parts in parted.items() if len(parts) > 1 and all(parts)}
        if not parted:
            continue
        homes: dict[str, set[str]] = {}
        for v in values:
            for p in parted.get(v, [clean(v)]):
                homes.setdefault(p, set()).add(v)
        every = all(len(homes[p]) > 1 for parts in parted.values() for p in parts)
        shared = any(len(homes[p]) > 1 for parts in parted.values() for p in parts)
        comma = separator in _COMMAS
        likely = separator in f";{_CERTAIN}" or (comma and not any(re.search(rf"{separator}\s", v) for v in parted))
        alone = [v for v, parts in sorted(parted.items()) if all(p in known for p in parts)]
        if several and comma and (every or (shared and likely)):
            return separator
        if several and separator in _CERTAIN:
            return separator
        if alone or (likely and shared) or (several and comma) or separator == "\n":
            raise DataError(_unclear(table, column, min(alone or parted), separator, several))
    return None


def _refuse_objects(cell: str, column: str, table: str) -> None:
    """Refuse objects of JSON, as Label Studio and its like have for labels with times."""
    if '":' not in cell.replace(" ", "") or cell[:1] + cell[-1:] not in ("[]", "{}"):
        return
    value: object = None
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(cell)
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict) for v in value)):
        raise DataError(
            f"{table}: {cell[:60]!r} in {column} is an object of JSON; expected a label, or a list of labels as "
            '["dog", "rain"]; labels with times are rows with start, end and label'
        )


def _unclear(table: str, column: str, cell: str, separator: str, several: bool) -> str:
    parts = [p.strip(" []{}'\"") for p in cell.split(separator) if p.strip()]
    cell = cell.replace("\n", " ")
    many = "" if several else ", in a column whose name ends in labels"
    return (
        f"{table}: {cell!r} in {column} may be one label or several; write {';'.join(parts)} for several{many}, or "
        f'["{cell}"] for one'
    )
