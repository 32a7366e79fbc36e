"""What the tests of pages share: whether HTML is well formed, and what it refers to."""

from __future__ import annotations

import re
from html.parser import HTMLParser

EVIL = "<script>alert(1)</script> & \"'\u202e\udcff"
_EMPTY = {"meta", "img", "br", "input", "link", "hr"}


class Parsed(HTMLParser):
    """Tags of a page; fails where one is closed that is not open, or the other way round."""

    def __init__(self, page: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in _EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open, f"{tag} is closed and not open"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def ids(self) -> list[str | None]:
        return [a["id"] for _, a in self.tags if "id" in a]


def check(page: str) -> Parsed:
    """Well formed, in itself, no script; every link leads to one place, whatever is shown has a text for who cannot."""
    found = Parsed(page)
    names = {tag for tag, _ in found.tags}
    assert not names & {"script", "iframe", "object", "embed", "link", "form"}
    assert not [(t, a) for t, a in found.tags if any(k.startswith("on") for k in a)]
    ids = found.ids()
    assert not {i for i in ids if ids.count(i) > 1}
    for link in found.all("a"):
        if str(link["href"]).startswith("#"):
            assert str(link["href"])[1:] in ids, link
    for picture in found.all("img"):
        assert picture["alt"]
        assert str(picture["src"]).startswith("data:image/png;base64,")
    for player in found.all("audio"):
        assert player["aria-label"]
        assert str(player["src"]).startswith("data:audio/")
        assert player["preload"] == "none"
    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    return found


def shown(thing) -> Parsed:
    """What a notebook shows of a result, which is short elsewhere."""
    text = thing._repr_html_()
    found = check(text)
    text.encode("utf-8")
    assert "<script" not in text
    assert len(repr(thing)) < 200
    assert "\n" not in repr(thing)
    return found
