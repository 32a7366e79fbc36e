"""A recording opened by the decoder that it needs, and what its header says.

The header's frame count is a claim. For WAV, AIFF, AU, W64 and RF64 libsndfile quietly lowers it to what the file
holds, and only its log tells of the original one. What it does not read, or not to the end, is shown to it in another
way: sizes that were never written, streams of MPEG frames without a length, Ogg files of several streams.
"""

from __future__ import annotations

import dataclasses
import io
import math
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from audioft.audio import media, mended_headers, mpeg_frames, ogg_links, signatures
from audioft.audio.header_claims import claimed, guessed
from audioft.audio.parts import Part, Parts
from audioft.audio.shortfalls import forgiven
from audioft.errors import AudioError

LIBRARY = f"libsndfile {soundfile.__libsndfile_version__}"
#: What opening something that is no audio raises.
DECODER_ERRORS = (soundfile.SoundFileError, TypeError, ValueError, OSError)
#: What reading from it may raise.
READING_ERRORS = (soundfile.SoundFileError, OSError)
#: Hz: rates outside of these are damage, not sound.
RATES = 1000, 1_000_000
_COUNTED: dict[tuple[Path, int, int], mpeg_frames.Stream | None] = {}
_MOST_COUNTED = 64
_UNKNOWN = 2**62  # libsndfile's way to say that the header holds no length (a FLAC written to a pipe)


@dataclasses.dataclass(frozen=True, slots=True)
class Info:
    """What a recording's header says.

    Attributes:
        rate: samples a second, Hz.
        frames: samples a channel, -1 where the header does not say.
        channels: number of channels.
        format: container and encoding, as `WAV PCM_16`.
    """

    rate: int
    frames: int
    channels: int
    format: str

    @property
    def seconds(self) -> float:
        """Duration in seconds; NaN where the header does not say."""
        return self.frames / self.rate if self.frames >= 0 else math.nan


class Recording(soundfile.SoundFile):
    """A recording being decoded.

    soundfile seeks after each read of a seekable file, which fails where the length is unknown: so none is seekable.

    Attributes:
        raw: what it is read through, where the decoder stops at a guess.
        whole: the length was counted, not claimed.
        counted: frames that there are, where the decoder only guesses how many.
        skipped: frames at its beginning that are none of the recording.
        container: what the stream lies in, where that is shown without it.
    """

    raw: BinaryIO | None = None
    whole = False
    counted = 0
    skipped = 0
    container = ""
    _parts: Parts | None = None

    @classmethod
    def of_parts(cls, path: str | Path, parts: Sequence[Part]) -> Recording:
        """As if the file were made of these parts."""
        held = Parts(path, parts)
        try:
            file = cls(held)
        except BaseException:
            held.close()
            raise
        file._parts = held
        return file

    @classmethod
    def of_mpeg(cls, path: str | Path, stream: mpeg_frames.Stream) -> Recording:
        """An MP3 stream whose frames were counted."""
        file = cls.of_parts(path, stream.parts())
        file.whole = True
        file.skipped = max(0, file.frames - stream.samples)
        file.read(file.skipped)
        return file

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        super().close()
        for below in (self.raw, self._parts):
            if below is not None:
                below.close()

    def left(self) -> int:
        """Bytes the decoder has not looked at; only known where it reads through `raw`."""
        if self.raw is None:
            return 0
        return os.fstat(self.raw.fileno()).st_size - self.raw.tell()


class Chain:
    """Streams of one Ogg file, one after the other.

    Args:
        path: the file.
        places: of the streams, see `ogg_links.links`.
    """

    raw, extra_info, container, whole, counted, skipped = None, "", "", True, 0, 0

    def __init__(self, path: str | Path, places: Sequence[tuple[int, int]]):
        self.path, self.places, self._now = path, list(places), 0
        self.frames = 0
        kinds = set()
        for place in self.places:
            with Recording.of_parts(path, [place]) as one:
                kinds.add((one.samplerate, one.channels))
                self.frames = -1 if self.frames < 0 or not 0 < one.frames < _UNKNOWN else self.frames + one.frames
        if len(kinds) > 1:
            told = " and ".join(f"{rate} Hz, {channels} channels" for rate, channels in sorted(kinds))
            raise AudioError(path, "open", f"its streams differ: {told}; convert it to FLAC or WAV")
        self._file = Recording.of_parts(path, [self.places[0]])
        self.samplerate, self.channels = self._file.samplerate, self._file.channels
        self.format, self.subtype = self._file.format, self._file.subtype

    def __enter__(self) -> Chain:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def left(self) -> int:
        return 0

    def read(self, frames: int, **how: Any) -> np.ndarray:
        while True:
            found = self._file.read(frames, **how)
            if len(found) or self._now + 1 == len(self.places):
                return found
            self._now += 1
            self._file.close()
            self._file = Recording.of_parts(self.path, [self.places[self._now]])


def opened(path: str | Path, alive: Callable[[], None] = lambda: None) -> Any:
    """A recording to be read from: `Recording`, or what is used in the same way.

    Raises:
        AudioError: at stage `open`: there is no such file, or it is not audio that can be read here; at stage
            `decode`: it is damaged so that its length cannot be told.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise AudioError(path, "open", "this is a folder, not a recording")
        if not stat.S_ISREG(mode):
            raise AudioError(path, "open", "this is a pipe or a device, not a file; standard input is given as -")
        with path.open("rb") as file:
            head = file.read(400)
        if not head:
            raise AudioError(path, "open", "the file is empty (0 bytes)")
        other = signatures.other(head, path)
    except FileNotFoundError:
        raise AudioError(path, "open", "no such file") from None
    except (OSError, ValueError) as e:
        raise AudioError(path, "open", f"cannot be read: {getattr(e, 'strerror', None) or e}") from None
    if other is not None:
        return media.opened(path, other)
    try:
        return _by_libsndfile(path, head, alive)
    except DECODER_ERRORS as e:
        if (kind := signatures.perhaps(head)) is not None and media.decoder() is not None:
            try:
                return media.opened(path, kind)
            except AudioError:
                pass  # what libsndfile says of its own formats tells more
        # soundfile takes `.raw` for headerless samples and complains with a TypeError about a missing rate
        reason = f"not audio that soundfile can read ({why(e)}; the file begins with {head[:12]!r})"
        if kind is not None and media.decoder() is None:
            reason += f"; if this is {kind.words}: {media.ADVICE}"
        raise AudioError(path, "open", reason) from None


def begun(path: str | Path, rate: int, channels: int, form: str, subtype: str | None = None) -> soundfile.SoundFile:
    """A recording to be written, block by block, `(T,)` or `(T, channels)`; in libsndfile's names of formats.

    Raises:
        DECODER_ERRORS: one of them.
    """
    named = os.fsencode(path) if os.name == "posix" else str(path)  # bytes that are no text, too
    return soundfile.SoundFile(named, "w", rate, channels, subtype=subtype, format=form)


def _by_libsndfile(path: Path, head: bytes, alive: Callable[[], None]) -> Any:
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and (wav := mended_headers.wav(path)) is not None:
        _refuse_rate(path, wav.rate)
        if wav.tag in mended_headers.MPEG_TAGS:
            stream = _counted(path, alive, wav.begin, wav.end)
            if stream is not None:
                layer_3 = stream.first.layer == 3
                file = Recording.of_mpeg(path, stream) if layer_3 else Recording.of_parts(path, stream.runs)
                file.whole, file.container = True, "WAV"
                return file
        if wav.parts:
            return Recording.of_parts(path, wav.parts)
    elif head[:4] in (b".snd", b"dns.") and (parts := mended_headers.au(path)):
        return Recording.of_parts(path, parts)
    elif head[:4] == b"OggS" and len(links := ogg_links.links(path, alive)) > 1:
        return Chain(path, links)
    # a name that is not UTF-8 is opened by its bytes
    file = Recording(os.fsencode(path) if os.name == "posix" else str(path))
    if file.format == "MP3" and not mpeg_frames.told(path):
        stream = _counted(path, alive)
        # where the bit rate never changes, what the decoder guesses is right
        if stream is not None and stream.constant and abs(file.frames - stream.samples) <= stream.first.samples:
            file.counted = stream.samples
            return file
        if stream is not None and stream.first.layer == 3:
            file.close()
            return Recording.of_mpeg(path, stream)
    if guessed(path, file):
        file.close()
        raw = path.open("rb")
        file = Recording(raw)
        file.raw = raw
    return file


def _counted(
    path: Path, alive: Callable[[], None], begin: int = 0, end: int | None = None
) -> mpeg_frames.Stream | None:
    """What was counted of a stream, remembered for whoever reads other parts of it."""
    about = path.stat()
    key = path, about.st_size, about.st_mtime_ns
    if key not in _COUNTED:
        if len(_COUNTED) >= _MOST_COUNTED:
            _COUNTED.clear()
        _COUNTED[key] = mpeg_frames.counted(path, begin, end, alive)
    return _COUNTED[key]


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
    known = 0 < frames < _UNKNOWN and file.raw is None
    if known and not file.whole and not file.counted:
        claim = max(frames, claimed(file))
        frames = frames if forgiven(claim - frames, claim, rate) else claim
    form = f"{file.container or file.format} {file.subtype}"
    return Info(rate, frames if known else -1, channels, form)


def _refuse_rate(path: str | Path, rate: int) -> None:
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(path, "open", f"the header says {rate:,} Hz; sound has 1 kHz to 1 MHz: the header is damaged")


def why(error: Exception) -> str:
    """What a decoder says is wrong."""
    text = getattr(error, "error_string", None) or str(error)
    return text.removeprefix("Error : ").strip().rstrip(".")


def encoded(samples: np.ndarray, rate: int, form: str, subtype: str) -> bytes:
    """`(T,)` samples as a file in memory; in libsndfile's names of formats."""
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=form, subtype=subtype)
    return out.getvalue()
