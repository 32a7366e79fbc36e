"""What may be a recording, by its name or by its first bytes, wherever a folder is searched."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from audioft.audio import signatures

#: Names of recordings that libsndfile reads.
SNDFILE = frozenset(
    {
        *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au"),
        *(".snd", ".caf", ".w64", ".rf64", ".sph", ".nist", ".voc", ".avr"),
    }
)
#: Names of recordings: what libsndfile reads, and what phones, recorders, cameras, browsers and messengers write.
RECORDINGS = SNDFILE | {
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


def other_decoder(path: Path) -> bool:
    """Whether a file is of a kind that libsndfile does not read; one with a name of libsndfile's is not looked at."""
    return path.suffix.lower() not in SNDFILE and signatures.other(_beginning(path), path) is not None


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
