"""What the site has besides `docs/`: pages of the repository that others link to, at a place of their own."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
#: In the repository -> in the site.
ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "CHANGELOG.md": "project/changelog.md",
    "samples/README.md": "project/samples.md",
    "audioft/assets/mini/README.md": "project/mini.md",
    "audioft/assets/mini/CREDITS.md": "project/mini-credits.md",
    "audioft/assets/mini/pretraining.png": "project/pretraining.png",
}
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
FRONT_MATTER = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)


def on_files(files: Any, config: Any) -> Any:
    """Add them."""
    for source, place in ELSEWHERE.items():
        if source != "README.md":  # whose first screen is the front page's
            files.append(File.generated(config, place, content=(ROOT / source).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to where pages are in the site; what is not in it is linked to nowhere, and so a warning."""
    place = page.file.src_uri
    sources = {there: here for here, there in ELSEWHERE.items() if there != "index.md"}
    folder = posixpath.dirname(sources.get(place, f"docs/{place}"))

    def led(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        there = ELSEWHERE.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
        return match[1] if there is None else posixpath.relpath(there, posixpath.dirname(place) or ".")

    return LINK.sub(led, FRONT_MATTER.sub("", markdown))
