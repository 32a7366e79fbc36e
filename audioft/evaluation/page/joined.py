"""Several pages as the parts of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from audioft.evaluation.page.elements import escaped
from audioft.evaluation.page.style import document

_PARTS = re.compile(r"<header>\n(.*?)</header>\n<main>\n(.*)</main>\n</body>", re.DOTALL)
_PLACE = re.compile(r'(\sid="|\sfor="|\saria-labelledby="|\shref="#)([^"]+)"')


@dataclass(frozen=True)
class Part:
    """A page that becomes a part of another.

    Attributes:
        name: a word that no other part has, which the places within it are called by.
        title: what it is about.
        page: the whole of it, as `style.document` makes them.
    """

    name: str
    title: str
    page: str


def joined(title: str, head: str, parts: Sequence[Part]) -> str:
    """One page that needs no other file; `title` is text, `head` is HTML."""
    links = "".join(f'<a href="#{part.name}">{escaped(part.title)}</a> ' for part in parts)
    body = "".join(_as_section(part) for part in parts)
    return document(
        escaped(title), f'<h1>{escaped(title)}</h1>\n{head}<nav aria-label="parts of this page">{links}</nav>\n', body
    )


def _as_section(part: Part) -> str:
    found = _PARTS.search(part.page)
    assert found is not None, part.name
    head, main = (_PLACE.sub(rf'\g<1>{part.name}-\g<2>"', text) for text in found.groups())
    head = re.sub(r"<h1>.*?</h1>\n?", "", head, flags=re.DOTALL)
    return f'<section class="wide" id="{part.name}">\n<h2>{escaped(part.title)}</h2>\n{head}</section>\n{main}'
