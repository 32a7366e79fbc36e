"""Links lead somewhere, on GitHub and in the site, and the site is built without a warning and without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import PAGES, ROOT

ELSEWHERE = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "samples/README.md", "audioft/assets/mini/README.md")
EVERY = [*PAGES, *(ROOT / name for name in ELSEWHERE)]


def prose(page: Path) -> str:
    """A page without its blocks of code and what is set as code."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", lambda m: m[0] if "](" not in m[0] else "", text)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings, and Python-Markdown too where there is nothing strange in them."""
    found = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in found}


def links(page: Path) -> list[tuple[str, str]]:
    """File and anchor of each link to a file or a heading."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [(a, b) for a, _, b in (link.partition("#") for link in found if not re.match(r"\w+:", link))]


@pytest.mark.parametrize("page", EVERY, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_and_anchors_resolve(page):
    for target, anchor in links(page):
        file = (page.parent / target) if target else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), f"{target}#{anchor}"


def test_headings_of_a_page_differ():
    """Of two alike the second one's anchor is another on GitHub than in the site."""
    for page in PAGES:
        headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
        assert len({h.lower() for h in headings}) == len(headings), page.name


def test_every_page_is_linked_to_from_the_front():
    for front, folder in ((ROOT / "docs" / "index.md", ""), (ROOT / "README.md", "docs/")):
        targets = {target for target, _ in links(front)}
        missing = {f"{folder}{p.name}" for p in PAGES if p.parent.name == "docs"} - targets - {f"{folder}index.md"}
        assert not missing, front


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", config, "--site-dir", site],
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path):
    pytest.importorskip("material", reason="mkdocs-material is not installed: pip install -e '.[docs]'")
    done = build(ROOT / "mkdocs.yml", tmp_path / "site")
    assert done.returncode == 0, done.stderr
    pages = {p.name: p.read_text(encoding="utf-8") for p in (tmp_path / "site").rglob("*.html")}
    assert {p.with_suffix(".html").name for p in PAGES if p.parent.name == "docs"} <= pages.keys()
    for name, text in pages.items():
        loaded = re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=\"?(https?://[^\"\s>]+)", text)
        assert not loaded, name
    assert "learning-curve.html" in (tmp_path / "site" / "search" / "search_index.json").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_link_that_leads_nowhere_is_an_error(tmp_path):
    pytest.importorskip("material", reason="mkdocs-material is not installed: pip install -e '.[docs]'")
    for name in ("mkdocs.yml", "README.md", *ELSEWHERE, "audioft/assets/mini/CREDITS.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "audioft/assets/mini/pretraining.png", tmp_path / "audioft/assets/mini")
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    with open(tmp_path / "docs" / "merge.md", "a", encoding="utf-8") as file:
        file.write("\n[gone](gone.md) and [nowhere](train.md#nowhere)\n")
    done = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode != 0
    for said in ("gone.md", "#nowhere"):
        assert said in done.stderr
