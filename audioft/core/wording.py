"""Numbers and names of things in messages."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the plural that ends in s but for one.

    >>> counted(1, "file"), counted(0, "file"), counted(1200, "label")
    ('1 file', '0 files', '1200 labels')
    """
    return f"{number} {noun}{'s' * (number != 1)}"


def of_bytes(size: float) -> str:
    """A size in the unit that suits it.

    >>> of_bytes(440_000), of_bytes(52e6), of_bytes(1.26e9), of_bytes(31e9)
    ('0.4 MB', '52 MB', '1.3 GB', '31 GB')
    """
    number, unit = (size / 1e9, "GB") if size >= 999.5e6 else (max(size, 1e5) / 1e6, "MB")
    return f"{number:.1f} {unit}" if number < 9.95 else f"{number:.0f} {unit}"


def quoted(names: Sequence[str], most: int = 10) -> str:
    """Names in quotes, no more than so many of them.

    >>> quoted(["a"]), quoted(["a", "b", "c"], most=2)
    ("'a'", "'a', 'b' and 1 more")
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more


def listed(names: Sequence[str]) -> str:
    """Names as a list in YAML, as a setting is given on a command line.

    >>> print(listed(["dog", "no"]), listed(["dog", "great tit"]), listed(["a,b"]))
    [dog,no] '[dog, great tit]' '["a,b"]'
    """
    own = [n if re.fullmatch(r"[\w.+][\w .+\-]*", n) else json.dumps(n, ensure_ascii=False) for n in names]
    inside = f"[{','.join(own)}]"
    return inside if re.fullmatch(r"\[[\w.,\-]*\]", inside) else f"'[{', '.join(own)}]'"


def first_line(error: BaseException, most: int = 300) -> str:
    r"""What an error says in its first line, at most so many characters of it; its kind where it says nothing.

    >>> first_line(ValueError("no\nnever")), first_line(ValueError())
    ('no', 'ValueError')
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0][:most]
