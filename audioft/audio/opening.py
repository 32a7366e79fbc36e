"""A recording opened by the decoder that it needs, and what its header says.

The header's frame count is a claim. For WAV, AIFF, AU, W64 and RF64 libsndfile quietly lowers it to what the file
holds, and only its log tells of the original one. What it does not read, or not to the end, is shown to it in another
way: sizes that were never written, streams of MPEG frames without a length, files of several recordings.
"""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from audioft.audio import containers, flac_streams, media, mended_headers, mpeg_frames, ogg_links, signatures
from audioft.audio.chain import UNKNOWN, Chain
from audioft.audio.header_claims import claimed, guessed
from audioft.audio.recording import DECODER_ERRORS, LIBRARY, READING_ERRORS, Info, Recording, begun
from audioft.audio.shortfalls import forgiven
from audioft.errors import AudioError

__all__ = ["DECODER_ERRORS", "LIBRARY", "READING_ERRORS", "Info", "Recording", "begun", "info_of", "opened", "why"]
#: Hz: rates outside of these are damage, not sound.
RATES = 1000, 1_000_000
_T = TypeVar("_T")
_COUNTED: dict[tuple[Path, int, int], mpeg_frames.Stream | None] = {}
_FLACS: dict[tuple[Path, int, int], flac_streams.Flac] = {}
_LAYOUTS: dict[tuple[Path, int, int], containers.Layout] = {}
_OGGS: dict[tuple[Path, int, int], tuple[list[tuple[int, int]], bool]] = {}
_NO_END = "its Ogg stream has no end: it was cut off, or is still being written"
_MOST_COUNTED = 64
_NOTED = 4096  # bytes after a recording that may be something, and are told


def opened(path: str | Path, alive: Callable[[], None] = lambda: None) -> Any:
    """A recording to be read from: `Recording`, or what is used in the same way.

    Raises:
        AudioError: at stage `open`: there is no such file, or it is not audio that can be read here; at stage
            `decode`: it is damaged so that its length cannot be told.
    """
    path = Path(path)
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            raise AudioError(path, "open", "this is a folder, not a recording")
        if not stat.S_ISREG(about.st_mode):
            raise AudioError(path, "open", "this is a pipe or a device, not a file; standard input is given as -")
        with open(path, "rb", buffering=0) as file:
            head = file.read(400)
        if not head:
            raise AudioError(path, "open", "the file is empty (0 bytes)")
        other = signatures.other(head, path)
    except FileNotFoundError:
        raise AudioError(path, "open", "no such file") from None
    except (OSError, ValueError) as e:
        raise AudioError(path, "open", f"cannot be read: {getattr(e, 'strerror', None) or e}") from None
    if other is not None:
        return _by_another(path, other, head, alive)
    try:
        return _by_libsndfile(path, head, about.st_size, alive)
    except DECODER_ERRORS as e:
        if (kind := signatures.perhaps(head)) is not None and media.decoder() is not None:
            try:
                return _by_another(path, kind, head, alive)
            except AudioError:
                pass  # what libsndfile says of its own formats tells more
        # soundfile takes `.raw` for headerless samples and complains with a TypeError about a missing rate
        said = why(e)
        what = "truncated or damaged" if "malformed" in said else "not audio that soundfile can read"
        reason = f"{what} ({said}; the file begins with {head[:12]!r})"
        if kind is not None and media.decoder() is None:
            reason += f"; if this is {kind.words}: {media.ADVICE}"
        raise AudioError(path, "open", reason) from None


def _by_libsndfile(path: Path, head: bytes, size: int, alive: Callable[[], None]) -> Any:
    riff = head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64")
    if riff and (wav := mended_headers.plain(head, size) or mended_headers.wav(path)) is not None:
        _refuse_rate(path, wav.rate)
        if wav.unknown or wav.end + 8 < size:
            made = _laid_out(path, head, alive)
            if len(made.links) > 1:
                return Chain(path, [functools.partial(_wav, path, a, a + n) for a, n in made.links])
            unheard = containers.further_data(path, wav.end, ">" if head[:4] == b"RIFX" else "<")
            if not unheard:
                return _remarked(_one_wav(path, wav, alive) or _plain(path), made)
            # libsndfile may take the second one's size for that of all samples, or refuse the file
            one = _remarked(_one_wav(path, wav, alive) or Recording.of_parts(path, [(0, wav.end)]), made)
            one.more, one.said = True, f"{unheard:,} bytes in a second `data` chunk are not heard: a WAV file has one"
            return one
        if (one := _one_wav(path, wav, alive)) is not None:
            return one
    elif head[:4] in (b".snd", b"dns.", b"riff") and (parts := mended_headers.unknown_size(path, head)):
        return Recording.of_parts(path, parts)
    elif head[:4] in (b"FORM", b"caff", b".snd", b"dns.", b"riff"):
        made = _laid_out(path, head, alive)
        places = [[place] for place in made.links]
        if len(places) > 1:
            return Chain(path, [functools.partial(Recording.of_parts, path, place) for place in places])
        if made.strange >= _NOTED or (head[:4] == b"riff" and made.links[0][1] < size):
            return _remarked(Recording.of_parts(path, places[0]), made)
    elif head[:4] == b"fLaC" or (head[:3] == b"ID3" and _after_tag(path, head) == b"fLaC"):
        flac = _remembered(_FLACS, path, lambda: flac_streams.found(path, alive))
        if len(flac.streams) > 1:
            return Chain(path, [functools.partial(Recording.of_parts, path, parts) for parts in flac.streams])
        if flac.more:
            one = Recording.of_parts(path, flac.streams[0])
            one.more = True
            return one
    elif head[:4] == b"OggS":
        links, ended = _remembered(_OGGS, path, lambda: ogg_links.links(path, alive))
        file: Any = _plain(path)
        if len(links) > 1:
            file.close()
            file = Chain(path, [functools.partial(Recording.of_parts, path, [place]) for place in links])
        file.said, file.more = "" if ended else _NO_END, not ended
        return file
    file = _plain(path)
    if file.format == "MP3" and not mpeg_frames.told(path):
        file.more = True
        stream = _counted(path, alive)
        # where the bit rate never changes, what the decoder guesses is right
        if (
            stream is not None
            and not stream.free
            and stream.constant
            and abs(file.frames - stream.samples) <= stream.first.samples
        ):
            file.counted = stream.samples
            return file
        if stream is not None and stream.free:
            file.close()
            file = Recording.of_parts(path, stream.runs)
            file.counted, file.more = stream.samples, True
            return file
        if stream is not None and stream.first.layer == 3:
            file.close()
            file = Recording.of_mpeg(path, stream)
            file.more = True
            return file
    if guessed(path, file):
        file.close()
        raw = path.open("rb")
        file = Recording(raw)
        file.raw = raw
    return file


def _plain(path: Path) -> Recording:
    # a name that is not UTF-8 is opened by its bytes
    return Recording(os.fsencode(path) if os.name == "posix" else str(path))


def _one_wav(path: Path, wav: mended_headers.Wav, alive: Callable[[], None]) -> Recording | None:
    """A WAV file that libsndfile would end early, or would not read; None where it reads it as it is."""
    if wav.tag in mended_headers.MPEG_TAGS:
        stream = _counted(path, alive, wav.begin, wav.end)
        if stream is not None:
            layer_3 = stream.first.layer == 3 and not stream.free
            file = Recording.of_mpeg(path, stream) if layer_3 else Recording.of_parts(path, stream.runs)
            file.whole, file.container = True, "WAV"
            return file
    return Recording.of_parts(path, wav.parts) if wav.parts else None


def _wav(path: Path, begin: int, end: int) -> Recording:
    """One of several WAV files in one."""
    wav = mended_headers.wav(path, begin, end)
    return Recording.of_parts(path, (wav and wav.parts) or [(begin, end - begin)])


def _by_another(path: Path, kind: signatures.Kind, head: bytes, alive: Callable[[], None]) -> Any:
    """By the decoder of phones' and films' formats."""
    made = _laid_out(path, head, alive)
    if len(made.links) == 1:
        return _remarked(media.opened(path, kind, missing=made.missing), made)
    places = [(place, made.missing * (place is made.links[-1])) for place in made.links]
    return Chain(path, [functools.partial(media.opened, path, kind, *place) for place in places])


def _remarked(file: Any, made: containers.Layout) -> Any:
    file.more = made.missing > 0 or made.strange > 0 or file.more
    if made.strange >= _NOTED:
        file.said = f"{made.strange:,} bytes after its end are not heard: no sound of its format, and no tag"
    return file


def _after_tag(path: Path, head: bytes) -> bytes:
    """The four bytes after an ID3 tag."""
    with path.open("rb") as file:
        file.seek(10 + sum((b & 0x7F) << s for b, s in zip(head[6:10], (21, 14, 7, 0), strict=False)))
        return file.read(4)


def _remembered(known: dict[tuple[Path, int, int], _T], path: Path, find: Callable[[], _T]) -> _T:
    """What was found of a file, for whoever reads other parts of it."""
    about = path.stat()
    key = path, about.st_size, about.st_mtime_ns
    if key not in known:
        if len(known) >= _MOST_COUNTED:
            known.clear()
        known[key] = find()
    return known[key]


def _laid_out(path: Path, head: bytes, alive: Callable[[], None]) -> containers.Layout:
    return _remembered(_LAYOUTS, path, lambda: containers.layout(path, head, alive))


def _counted(
    path: Path, alive: Callable[[], None], begin: int = 0, end: int | None = None
) -> mpeg_frames.Stream | None:
    return _remembered(_COUNTED, path, lambda: mpeg_frames.counted(path, begin, end, alive))


def info_of(path: str | Path, file: Any) -> Info:
    """What is known of a recording once it is open.

    Raises:
        AudioError: at stage `open`: the header says what cannot be, or there are no samples.
    """
    frames, rate, channels = file.counted or file.frames - file.skipped, int(file.samplerate), int(file.channels)
    if rate <= 0 or channels <= 0:
        raise AudioError(path, "open", f"the header says {rate} Hz and {channels} channels")
    _refuse_rate(path, rate)
    if frames == 0:
        raise AudioError(path, "open", "the file holds no samples (0 frames)")
    known = 0 < frames < UNKNOWN and file.raw is None
    if known and not file.whole and not file.counted:
        claim = max(frames, claimed(file))
        frames = frames if forgiven(claim - frames, claim, rate) else claim
    form = f"{file.container or file.format} {file.subtype}"
    return Info(rate, frames if known else -1, channels, form, len(getattr(file, "links", "1")))


def _refuse_rate(path: str | Path, rate: int) -> None:
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(path, "open", f"the header says {rate:,} Hz; sound has 1 kHz to 1 MHz: the header is damaged")


def why(error: Exception) -> str:
    """What a decoder says is wrong."""
    text = getattr(error, "error_string", None) or str(error)
    if "possibly a pipe" in text:  # so libsndfile says of any file in which its MP3 decoder finds no sound
        return "it is damaged, or of another format than its name says"
    return text.removeprefix("Error : ").strip().rstrip(".")
