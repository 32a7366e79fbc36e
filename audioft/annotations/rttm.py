"""NIST's RTTM (Rich Transcription Time Marked): who speaks when, a turn a line, fields separated by white space.

    SPEAKER file chan tbeg tdur ortho stype name conf slat

`tbeg` and `tdur` are seconds, `name` is the label, `conf` a confidence, and `<NA>` stands for what is not known.
Older files end with `conf`. Source: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation
Plan", appendix A.

A field cannot hold white space. In names of files and labels, white space, control characters and `%` are
therefore written as in a URL, `great%20tit`. Reading takes back just these: whatever else a foreign file has
after a `%` stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from audioft.annotations.event import Event
from audioft.annotations.lines import checked, lines_of, score_of, seconds
from audioft.errors import DataError

FIELDS = ("SPEAKER", "file", "chan", "tbeg", "tdur", "ortho", "stype", "name", "conf", "slat")
NONE = "<NA>"


def _code(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


# U+3000 is the last of Unicode's white space; control characters end at U+009F
_CODES = {c: _code(c) for c in map(chr, range(0x3001)) if c == "%" or c.isspace() or unicodedata.category(c) == "Cc"}
_CHARACTERS = {code: c for c, code in _CODES.items()}
_ESCAPES = str.maketrans(_CODES)
_CODE = re.compile("|".join(_CHARACTERS))
_NOT_NONE = "%3CNA>"  # the label `<NA>` itself


def read(path: str | Path) -> dict[str, list[Event]]:
    """Read the SPEAKER lines of a file.

    Args:
        path: a text file in UTF-8, with or without a byte order mark. Comments (`;;`) and records of other types
            (LEXEME, NON-LEX, SPKR-INFO, ...) are passed over.

    Returns:
        Events by file id, in the order of the file; times in seconds. A confidence of 0 to 1 is the score.

    Raises:
        DataError: the file is not text in UTF-8; or, of all lines at once, lines that are no records, a wrong
            number of fields, times that are none, negative durations, and names that are not known.
        UsageError: the file is not there or cannot be read.
    """
    problems: list[str] = []
    events: dict[str, list[Event]] = {}
    for number, text in lines_of(path):
        where, fields = f"{path} line {number}", re.findall(r"[^ \t]+", text)
        if fields[0].startswith(";;"):
            continue
        if fields[0] != "SPEAKER":
            if not re.fullmatch(r"[A-Z][A-Z0-9/_-]*", fields[0]):
                problems.append(f"{where}: expected a record of RTTM, as `{' '.join(FIELDS)}`; found {text[:40]!r}")
            continue
        if len(fields) not in (9, 10):
            problems.append(
                f"{where}: {len(fields)} fields, expected 10: {' '.join(FIELDS)}; a blank within a name is written %20"
            )
            continue
        start = seconds(fields[3], "tbeg", where, problems)
        duration = seconds(fields[4], "tdur", where, problems)
        name = unescape(fields[7])
        checked(name, start, start, where, problems)  # its label stays as it is: escaped white space is meant
        event = Event(name, start, round(start + duration, 9), score_of(fields[8]))
        events.setdefault(unescape(fields[1]), []).append(event)
    if problems:
        raise DataError(problems)
    return events


def line(file_id: str, event: Event) -> str:
    """The line of an event, with its line break.

    Args:
        file_id: the recording; by custom the file's name without its ending.
        event: times in seconds from the recording's beginning; its score becomes the confidence.

    >>> line("a", Event("great tit", 1.5, 3, 0.9))
    'SPEAKER a 1 1.500000 1.500000 <NA> <NA> great%20tit 0.900000 <NA>\\n'
    """
    confidence = NONE if event.score is None else f"{event.score:.6f}"
    times = f"{event.start:.6f} {event.seconds:.6f}"
    return f"SPEAKER {escape(file_id)} 1 {times} {NONE} {NONE} {escape(event.label)} {confidence} {NONE}\n"


def escape(text: str) -> str:
    """A text as one field; an empty one is `<NA>`.

    >>> escape("50 %")
    '50%20%25'
    """
    if not text:
        return NONE
    return _NOT_NONE if text == NONE else text.translate(_ESCAPES)


def unescape(field: str) -> str:
    """The text that `escape` made a field of; what it cannot have made stays as it is.

    >>> unescape("50%20%25"), unescape("50%"), unescape("caf%C3%A9")
    ('50 %', '50%', 'caf%C3%A9')
    """
    if field in (NONE, _NOT_NONE):
        return "" if field == NONE else NONE
    return _CODE.sub(lambda found: _CHARACTERS[found[0]], field)
