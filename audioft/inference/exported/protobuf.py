"""As much of an ONNX file as is needed to read and write what is said beside its graph, without the package onnx.

A file is a `ModelProto`: fields one after the other, each a tag (its number times eight, plus how it is written) and
what it holds. Metadata are fields of their own, so that they are added by writing them at the end.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator
from pathlib import Path

GRAPH, METADATA = 7, 14  # numbers of fields of a ModelProto
_KEY, _VALUE = 1, 2  # of an entry of its metadata
_NUMBER, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5  # how a field is written


class Malformed(Exception):
    """What was read is no ONNX file, or its end is missing."""


def metadata(path: Path) -> tuple[dict[str, str], str]:
    """What is said beside a graph, and the sha256 of all else in the file.

    Raises:
        Malformed: it is no ONNX file, or its end is missing.
        OSError: it cannot be read.
    """
    found, digest, graphs = dict[str, str](), hashlib.sha256(), 0
    with open(path, "rb") as file:
        if not file.seek(0, 2):
            raise Malformed("it is empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as content:
            for number, begin, inside, end in _fields(content):
                if number == METADATA:
                    key, value = _entry(content, inside, end)
                    found[key] = value
                else:
                    graphs += number == GRAPH
                    digest.update(content[begin:end])
    if graphs != 1:
        raise Malformed("there is no graph in it")
    return found, digest.hexdigest()


def cut(path: Path, key: str) -> None:
    """Take away metadata of this name, where they are at the end of a file."""
    with open(path, "r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as content:
            *_, (number, begin, inside, end) = _fields(content)
            own = _entry(content, inside, end)[0] if number == METADATA else None
        if own == key:
            file.truncate(begin)


def entry(key: str, value: str) -> bytes:
    """Metadata as a field, to be written at the end of a file."""
    own = b"".join(_bytes(number, text.encode()) for number, text in ((_KEY, key), (_VALUE, value)))
    return _bytes(METADATA, own)


def _entry(content: memoryview, begin: int, end: int) -> tuple[str, str]:
    own = {n: bytes(content[a:b]).decode("utf-8", "replace") for n, _, a, b in _fields(content, begin, end)}
    return own.get(_KEY, ""), own.get(_VALUE, "")


def _fields(content: memoryview, at: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int, int]]:
    """Of each field its number, where it begins, where what it holds begins, and where it ends."""
    end = len(content) if end is None else end
    while at < end:
        begin = at
        tag, at = _number(content, at, end)
        kind = tag & 7
        size = {_EIGHT: 8, _FOUR: 4}.get(kind, 0)
        if kind == _NUMBER:
            inside, (_, at) = at, _number(content, at, end)
        elif kind in (_EIGHT, _FOUR, _BYTES):
            if kind == _BYTES:
                size, at = _number(content, at, end)
            inside, at = at, at + size
        else:
            raise Malformed("it is no ONNX file")
        if at > end or not tag >> 3:
            raise Malformed("its end is missing" if at > end else "it is no ONNX file")
        yield tag >> 3, begin, inside, at


def _number(content: memoryview, at: int, end: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    value = shift = 0
    while at < end and shift < 64:
        byte = content[at]
        value, at, shift = value | (byte & 127) << shift, at + 1, shift + 7
        if byte < 128:
            return value, at
    raise Malformed("its end is missing" if at >= end else "it is no ONNX file")


def _bytes(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
