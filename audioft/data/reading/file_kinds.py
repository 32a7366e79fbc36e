"""What lies in a folder beside recordings, and how that is told."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path

from audioft.annotations import files as label_files
from audioft.core.wording import counted

_TEXTS = frozenset(
    {
        *(".txt", ".md", ".rst", ".json", ".xml", ".html", ".htm", ".pdf", ".doc", ".docx"),
        *(".odt", ".rtf", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".log", ".tex", ".bib"),
        *(".py", ".ipynb", ".r", ".m", ".sh", ".bat", ".m3u", ".m3u8", ".pls", ".cue", ".lrc", ".srt", ".vtt", ".url"),
        *(".sha256", ".md5", ".sfk", ".pkf", ".asd", ".reapeaks", ".nfo"),
    }
)
_TABLES = frozenset({".csv", ".tsv", ".jsonl", ".xls", ".xlsx", ".ods", ".parquet", ".arrow", ".feather"})
#: Of ELAN, Praat, Transcriber, HTK, NIST, TIMIT, and projects of Audacity.
_LABELS = frozenset({".textgrid", ".eaf", ".trs", ".lab", ".ctm", ".stm", ".phn", ".wrd", ".aup", ".antx"})
_PICTURES = frozenset(
    {
        *(".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".svg", ".heic", ".heif", ".avif", ".ico"),
        *(".psd", ".eps", ".dng", ".cr2", ".nef", ".arw", ".thm"),
    }
)
_ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst", ".lz4", ".iso"})
#: What the system leaves in folders.
_OF_THE_SYSTEM = frozenset({"thumbs.db", "desktop.ini", "icon\r", "ehthumbs.db"})

#: What lies in folders that were never meant to hold recordings.
HARMLESS = frozenset({"text file", "picture", "label file", "table", "label file of another program"})
#: And what of it holds labels, and is not read.
UNREAD = frozenset({"table", "label file of another program"})


def reason(path: Path) -> str:
    """Why a file that cannot be a recording is left out: a kind of file, in the singular."""
    suffix, name = path.suffix.lower().strip(), path.name.lower()
    if path.name.startswith("."):
        return "hidden file"
    if label_files.kind_of(path) is not None:
        return "label file"
    if suffix in _LABELS:
        return "label file of another program"
    if suffix in _TABLES:
        return "table"
    if suffix in _TEXTS or re.fullmatch(r"(readme|license|licence|changelog|authors|makefile)", name):
        return "text file"
    if suffix in _PICTURES:
        return "picture"
    if suffix in _ARCHIVES:
        return "archive"
    return "file of the system" if name in _OF_THE_SYSTEM else "file of another kind"


class LeftOut:
    """What a search for recordings passed over, told a line a reason."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = defaultdict(list)
        self.unreadable: list[tuple[Path, str]] = []  # folders, with what the system says

    def add(self, why: str, name: str) -> None:
        self._names[why].append(name)

    def join(self, other: LeftOut, folder: Path) -> None:
        """Take over what was passed over in a folder, named as from outside of it."""
        for why, names in other._names.items():
            self._names[why] += [(folder / name).as_posix() for name in names]

    def within(self, folder: str) -> dict[str, int]:
        """How many there are at or below a folder, by reason."""
        own = {why: sum(n == folder or n.startswith(f"{folder}/") for n in names) for why, names in self._names.items()}
        return {why: count for why, count in sorted(own.items()) if count}

    @staticmethod
    def told(reasons: Mapping[str, int]) -> str:
        return ", ".join(_several(count, why) for why, count in reasons.items())

    def instead(self) -> str:
        """What was found in place of recordings, to end a sentence."""
        found = {why: len(names) for why, names in sorted(self._names.items())}
        return f"; found {self.told(found)}" if found else ""

    def notes(
        self, without: Collection[str] = (), told_of: Collection[str] = (), *, labelled: bool = False
    ) -> list[str]:
        """A sentence for each reason but some, with how many there are and the first of them.

        Args:
            without: these reasons.
            told_of: files that were told of elsewhere.
            labelled: labels are looked for, too.
        """
        told = []
        for why, every in sorted(self._names.items()):
            names = [name for name in every if name not in told_of]
            if why in without or not names:
                continue
            advice = _ADVICE.get(why, "") + (_OF_LABELS.get(why, "") if labelled else "")
            first = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            are = "is" if len(names) == 1 else "are"
            told.append(f"{_several(len(names), why)} {are} left out: {first}{advice}")
        return told


_OF_LABELS = {
    "table": "; if the labels are in it, call it metadata.csv or give its own path",
    "label file of another program": "; save it as Audacity's labels, as a Raven table or as RTTM to have it read",
}
_ADVICE = {
    "archive": "; unpack what holds recordings",
    "hidden folder with recordings": "; rename it if it is meant, hidden are names that begin with a dot",
    "file of another kind": "; neither the name nor the first bytes are those of a recording",
    "link to a file that is there already": "; a recording counts once",
    "link to a folder that is there already": "; its recordings count once",
}


def _several(count: int, why: str) -> str:
    """A number of things, the plural put to the noun.

    >>> _several(2, "link to a file")
    '2 links to a file'
    """
    noun, rest = re.fullmatch(r"(.*?)( (?:of|to|with) .*)?", why).groups(default="")  # type: ignore[union-attr]
    return counted(count, noun) + rest
