"""What a file is by its first bytes, whatever its name says: the kinds that need another decoder than libsndfile."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of file: `demuxer` as ffmpeg names it, and in words."""

    demuxer: str
    words: str


_MOV = Kind("mov", "MPEG-4 or QuickTime (as .m4a, .mp4, .3gp, .mov)")
_BEGINNINGS = {
    b"\x1aE\xdf\xa3": Kind("matroska", "Matroska or WebM"),
    b"0&\xb2u\x8ef\xcf\x11": Kind("asf", "Windows Media (as .wma)"),
    b"#!AMR": Kind("amr", "AMR"),
    b"FLV\x01": Kind("flv", "Flash video"),
    b"wvpk": Kind("wv", "WavPack"),
    b"TTA1": Kind("tta", "True Audio"),
    b"MPCK": Kind("mpc8", "Musepack"),
    b"MP+": Kind("mpc", "Musepack"),
    b"DSD ": Kind("dsf", "DSD"),
    b".RMF": Kind("rm", "RealMedia"),
    b"\0\0\x01\xba": Kind("mpeg", "MPEG film"),
    b"\x0bw": Kind("ac3", "AC-3"),
    b"\x7f\xfe\x80\x01": Kind("dts", "DTS"),
    b"tBaK": Kind("tak", "TAK"),
}
#: What libsndfile reads some of: only where it does not, another decoder is asked.
_PERHAPS = {
    b"caff": Kind("caf", "a codec in CAF that libsndfile does not read"),
    b"RIFF": Kind("wav", "a codec in WAV that libsndfile does not read"),
    b"RF64": Kind("wav", "a codec in WAV that libsndfile does not read"),
    b"FORM": Kind("aiff", "a codec in AIFF that libsndfile does not read"),
    b"OggS": Kind("ogg", "a codec in Ogg that libsndfile does not read"),
    b".snd": Kind("au", "a codec in AU that libsndfile does not read"),
    b"riff\x2e\x91\xcf\x11": Kind("w64", "a codec in W64 that libsndfile does not read"),
}
_RIFF = {b"AVI ": Kind("avi", "AVI"), b"XWMA": Kind("xwma", "xWMA"), b"QLCM": Kind("qcp", "QCP")}
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})


def other(head: bytes, path: str | Path) -> Kind | None:
    """The kind of a file that libsndfile does not read, by its first 400 bytes; None of all others."""
    if head[:3] == b"ID3" and len(head) > 10:  # AAC may have tags in front, as MP3 has
        with open(path, "rb") as file:
            file.seek(10 + sum((b & 0x7F) << s for b, s in zip(head[6:10], (21, 14, 7, 0), strict=True)))
            return _adts(file.read(len(head)))
    for beginning, kind in _BEGINNINGS.items():
        if head.startswith(beginning):
            return kind
    if head[4:8] in _BOXES:
        return _MOV
    if head[:4] == b"RIFF" and head[8:12] in _RIFF:
        return _RIFF[head[8:12]]
    if head[:4] == b"MAC " and len(head) > 6 and 3000 <= struct.unpack_from("<H", head, 4)[0] < 4500:
        return Kind("ape", "Monkey's Audio")
    if len(head) > 188 and head[0] == head[188] == 0x47:
        return Kind("mpegts", "an MPEG transport stream")
    return _adts(head)


def perhaps(head: bytes) -> Kind | None:
    """The kind of a file of which libsndfile reads some, with other codecs in it."""
    return next((kind for beginning, kind in _PERHAPS.items() if head.startswith(beginning)), None)


def _adts(head: bytes) -> Kind | None:
    """AAC frame by frame: a sync word, layer 0, and a second frame where the first one ends if that is within sight."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return None
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if size < 7 or (size + 2 <= len(head) and head[size : size + 1] != b"\xff"):
        return None
    return Kind("aac", "AAC")
