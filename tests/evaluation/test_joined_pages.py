"""Several pages as the parts of one."""

from __future__ import annotations

import re

from audioft.evaluation.page.elements import section
from audioft.evaluation.page.joined import Part, joined
from audioft.evaluation.page.style import document


def page(title: str) -> str:
    body = section("Figures", f'<a href="#figures">up</a><p id="one">{title}</p>', name="figures")
    return document(title, f'<h1>{title}</h1>\n<nav><a href="#figures">figures</a></nav>\n', body)


def test_places_of_the_parts_are_told_apart_and_all_links_lead_somewhere():
    whole = joined("A <model>", "<p>said</p>\n", [Part("a", "First", page("one")), Part("b", "Second", page("two"))])
    assert whole.count("<!DOCTYPE") == whole.count("<main>") == whole.count("<h1>") == 1
    assert "A &lt;model&gt;" in whole
    assert "<p>said</p>" in whole
    places = re.findall(r'\sid="([^"]+)"', whole)
    assert len(places) == len(set(places))
    assert {"a", "b", "a-figures", "b-figures", "a-one", "b-one"} == set(places)
    assert set(re.findall(r'href="#([^"]+)"', whole)) <= set(places)
