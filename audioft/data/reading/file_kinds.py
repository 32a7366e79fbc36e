"""What may be a recording, by its name or by its first bytes; what else lies in a folder, and how that is told."""

from __future__ import annotations

import os
import re
import stat
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from audioft.annotations import files as label_files
from audioft.audio.io import EXTENSIONS
from audioft.core.wording import counted

#: Names of recordings: what libsndfile reads, and what phones, recorders, cameras, browsers and messengers write.
RECORDINGS = EXTENSIONS | {
    *(".m4a", ".m4b", ".m4p", ".m4r", ".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3gpp", ".3g2", ".3gp2", ".3ga"),
    *(".amr", ".awb", ".aac", ".adts", ".ac3", ".eac3", ".ec3", ".ac4", ".dts", ".dtshd", ".thd", ".mlp", ".oma"),
    *(".wma", ".wmv", ".asf", ".webm", ".weba", ".mka", ".mkv", ".ogv", ".ogx", ".ogm", ".spx", ".aa3", ".at3", ".at9"),
    *(".ape", ".wv", ".tta", ".tak", ".shn", ".ofr", ".mpc", ".mp+", ".dsf", ".dff", ".alac"),
    *(".mp1", ".mp2", ".m1a", ".m2a", ".mpa", ".mpga", ".mpg", ".mpeg", ".mpv", ".vob", ".m2ts", ".mts", ".m2t"),
    *(".avi", ".divx", ".flv", ".f4v", ".f4a", ".rm", ".ra", ".rmvb", ".mxf", ".dv", ".lrv", ".insv", ".360"),
    *(".vox", ".dss", ".ds2", ".dvf", ".msv", ".qcp", ".evrc", ".silk", ".gsm", ".g722", ".g726", ".g729"),
    *(".bwf", ".wav64", ".bw64", ".riff", ".wac", ".sd2", ".8svx", ".svx", ".iff", ".paf", ".pvf", ".sf", ".ircam"),
    *(".htk", ".sds", ".wve", ".xi", ".fap", ".pcm", ".raw", ".sln", ".ulaw", ".alaw", ".ul", ".al", ".mu", ".mulaw"),
    *(".s8", ".u8", ".s16", ".f32", ".aax", ".aa", ".aud", ".lvf", ".nut", ".mogg", ".caff"),
}
_TEXTS = frozenset(
    {
        *(".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".html", ".htm", ".pdf", ".doc", ".docx"),
        *(".odt", ".ods", ".rtf", ".xls", ".xlsx", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".log", ".tex", ".bib"),
        *(".py", ".ipynb", ".r", ".m", ".sh", ".bat", ".m3u", ".m3u8", ".pls", ".cue", ".lrc", ".srt", ".vtt", ".url"),
        *(".sha256", ".md5", ".sfk", ".pkf", ".asd", ".reapeaks", ".nfo"),
    }
)
_LABELS = frozenset({".rttm", ".textgrid", ".eaf", ".trs", ".lab", ".ctm", ".stm", ".phn", ".wrd", ".aup", ".antx"})
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
HARMLESS = frozenset({"text file", "picture", "label file"})
LOOKED_FOR = ".wav .flac .ogg .mp3 .m4a .mp4 and whatever else has the name or the first bytes of a recording"

_HEAD = 400  # bytes that are looked at: two packets of a transport stream
_PICTURE_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"hevc", b"crx ")
_BEGINNINGS = (
    *(b"fLaC", b"OggS", b"ID3", b".snd", b"dns.", b"caff", b"riff\x2e\x91\xcf\x11", b"RF64", b"BW64", b"RIFX"),
    *(b"\x1aE\xdf\xa3", b"0&\xb2u\x8ef\xcf\x11", b"#!AMR", b"#!SILK", b"\x02#!SILK", b"MAC ", b"wvpk", b"TTA1"),
    *(b"MPCK", b"MP+", b"DSD ", b"FRM8", b".RMF", b".ra\xfd", b"NIST_1A", b"Creative Voice File", b"FLV\x01", b"ADIF"),
    *(b"\0\0\x01\xba", b"\0\0\x01\xb3", b"2BIT", b"ajkg", b"\x0bw", b"\x7f\xfe\x80\x01", b"OFR ", b"tBaK", b"Yggd"),
)
_SIZED = (b"ftyp", b"moov", b"mdat", b"wide", b"pnot")  # boxes of MPEG-4 and QuickTime, after their length


def may_be_recording(path: Path) -> bool:
    """Whether a file is taken for a recording when a folder is searched: by its name, else by its first bytes."""
    return path.suffix.lower().strip() in RECORDINGS or sounds(_beginning(path))


def sounds(head: bytes) -> bool:
    """Whether a file that begins like this is one of sound, or of film.

    >>> sounds(b"OggS\\0"), sounds(b"RIFF\\1\\0\\0\\0WAVE"), sounds(b"RIFF\\1\\0\\0\\0WEBP"), sounds(b"MAC addresses")
    (True, True, False, False)
    """
    if _is_text(head):
        return False
    if head.startswith(b"RIFF"):
        return head[8:12] in (b"WAVE", b"AVI ", b"XWMA", b"QLCM", b"sfbk", b"AMV ")
    if head.startswith(b"FORM"):
        return head[8:12] in (b"AIFF", b"AIFC", b"8SVX", b"16SV", b"MAUD")
    if head[4:8] in _SIZED:
        return not (head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS)
    if head.startswith(_BEGINNINGS):
        return True
    if len(head) > 188 and head[0] == head[188] == 0x47:  # a transport stream
        return True
    # MPEG audio of layer 2 or 3 with a rate and a bit rate there are; AAC, whose layer is 0
    if len(head) < 4 or head[0] != 0xFF:
        return False
    mpeg = head[1] & 0xE0 == 0xE0 and head[1] & 0x18 != 0x08 and head[1] & 0x06 in (2, 4)
    return (mpeg and head[2] >> 4 not in (0, 15) and head[2] & 0x0C != 0x0C) or head[1] & 0xF6 == 0xF0


def reason(path: Path) -> str:
    """Why a file that cannot be a recording is left out: a kind of file, in the singular."""
    suffix, name = path.suffix.lower().strip(), path.name.lower()
    if path.name.startswith("."):
        return "hidden file"
    if suffix in _LABELS or label_files.kind_of(path) is not None:
        return "label file"
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

    def notes(self, without: frozenset[str] = frozenset()) -> list[str]:
        """A sentence for each reason but some, with how many there are and the first of them."""
        told = []
        for why, names in sorted(self._names.items()):
            if why in without:
                continue
            first = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            are = "is" if len(names) == 1 else "are"
            told.append(f"{_several(len(names), why)} {are} left out: {first}{_ADVICE.get(why, '')}")
        return told


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


def _is_text(head: bytes) -> bool:
    try:
        return not any(c < " " and c not in "\t\n\r\f" for c in head.decode())
    except UnicodeDecodeError:
        return False


def _beginning(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would wait for somebody to write
            return b""
        with path.open("rb") as file:
            return file.read(_HEAD)
    except (OSError, ValueError):
        return b""
