"""Settings that hold names, of labels or recordings: texts, whatever YAML takes them for."""

from __future__ import annotations

import re
from typing import Annotated, Any

import yaml
from pydantic import BeforeValidator

#: Settings of names, as they are called in any section that reads data.
_OF_NAMES = re.compile(r"(?:probe\.)?data\.(?:rename|merge|drop|keep|negatives|exclude)\b")
_OF_PATTERNS = re.compile(r"(?:probe\.)?data\.(?:label|group)")
_STARRED = re.compile(r"(?<=[\[,])\s*([*!&%@`|>][^,\]\"']*?)\s*(?=[,\]])")


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("expected a name; YAML takes yes, no, on and off for true and false: write it in quotes")
    return str(value) if isinstance(value, int | float) else value


def _several(value: Any) -> Any:
    return [] if value is None else value if isinstance(value, list | tuple) else [value]


Name = Annotated[str, BeforeValidator(_text)]
Names = Annotated[list[Name], BeforeValidator(_several)]


def value_of(key: str, text: str) -> Any:
    """The value of an override: YAML, but for what is a name or a pattern, which is taken as it is written.

    >>> value_of("data.drop", "[no, 1, *.wav]"), value_of("train.patience", "1")
    (['no', '1', '*.wav'], 1)
    >>> value_of("data.label", "name:^(a|b): ")
    'name:^(a|b): '

    Raises:
        yaml.YAMLError: it is not YAML.
    """
    # a pattern as *.txt is no alias of YAML here
    if text.startswith("*") or (_OF_PATTERNS.fullmatch(key) and text.startswith("name:")):
        return text
    if not _OF_NAMES.match(key):
        return yaml.safe_load(text)
    if text.strip() in ("", "null", "~"):
        return None
    return yaml.load(_STARRED.sub(_quoted, text), Loader=yaml.BaseLoader)


def _quoted(found: re.Match[str]) -> str:
    return "'" + found[1].replace("'", "''") + "'"
