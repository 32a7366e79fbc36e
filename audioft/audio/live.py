"""Audio that arrives through a pipe, decoded as it arrives."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from audioft.audio import io
from audioft.audio.arriving import arriving
from audioft.audio.hearing import Heard, Hearing
from audioft.audio.silence import SILENT, Changes
from audioft.errors import AudioError, UsageError

#: Names of sample formats as ffmpeg and sox users write them, to libsndfile's.
RAW_FORMATS = {
    "s8": ("PCM_S8", "LITTLE"),
    "u8": ("PCM_U8", "LITTLE"),
    **{f"s{bits}{end[0].lower()}e": (f"PCM_{bits}", end) for bits in (16, 24, 32) for end in ("LITTLE", "BIG")},
    **{f"f32{end[0].lower()}e": ("FLOAT", end) for end in ("LITTLE", "BIG")},
    **{f"f64{end[0].lower()}e": ("DOUBLE", end) for end in ("LITTLE", "BIG")},
}
# a program that writes a WAV to a pipe cannot know its length and puts the largest number of bytes there
_MOST_CLAIMED = 0x7FFF0000 // 4


@dataclasses.dataclass(frozen=True, slots=True)
class Raw:
    """Samples without a header.

    Attributes:
        samplerate: Hz.
        channels: interleaved.
        subtype, endian: libsndfile's names, as `PCM_16` and `LITTLE`.
    """

    samplerate: int
    channels: int
    subtype: str
    endian: str

    @classmethod
    def parse(cls, text: str) -> Raw:
        """From `RATE,FORMAT,CHANNELS`, with one of `RAW_FORMATS`.

        Raises:
            UsageError: it is something else.

        >>> Raw.parse("48000,s16le,2")
        Raw(samplerate=48000, channels=2, subtype='PCM_16', endian='LITTLE')
        """
        rate, _, rest = text.replace(" ", "").partition(",")
        form, _, channels = rest.partition(",")
        good = rate.isdecimal() and channels.isdecimal() and form in RAW_FORMATS
        if not good or not 0 < int(rate) <= 10_000_000 or not 0 < int(channels) <= 1024:
            known = ", ".join(RAW_FORMATS)
            raise UsageError(f"--raw {text!r}: expected RATE,FORMAT,CHANNELS as 16000,s16le,1; formats are {known}")
        return cls(int(rate), int(channels), *RAW_FORMATS[form])


def piped(
    number: int,
    rate: Heard,
    raw: Raw | None = None,
    piece_seconds: float = 0.05,
    alive: Callable[[], None] = lambda: None,
    note: Callable[[str], None] = lambda said: None,
) -> Iterator[np.ndarray]:
    """Decode what arrives through a pipe, as it arrives.

    Args:
        number: the file descriptor, 0 for standard input.
        rate: sample rate of what is returned, Hz, or how it reaches an encoder.
        raw: what the samples are where there is no header; None for a WAV (or another format with a header that
            libsndfile can read without going back, as FLAC and AU).
        piece_seconds: how much is waited for at a time.
        alive: called with each piece.
        note: as of `audioft.audio.io.stream`.

    Yields:
        Arrays `(T,)` float32, all channels mixed down by their mean.

    Raises:
        AudioError: as `audioft.audio.io.stream` does, with `-` as the path; at stage `check`, at its end, there was no
            sound.
    """
    try:
        file = io.Recording(number, closefd=False, **(dataclasses.asdict(raw) | {"format": "RAW"} if raw else {}))
    except io.DECODER_ERRORS as e:
        reason = f"no audio with a header arrives, as WAV ({io.why(e)}); for samples alone use --raw"
        raise AudioError("-", "open", reason) from None
    with file:
        info = io.info_of("-", file)
        if raw or info.frames * info.channels > _MOST_CLAIMED:
            info = dataclasses.replace(info, frames=-1)
        pieces = io.mono("-", file, info, 0.0, None, piece_seconds, alive, live=True)
        changes = Changes(info.format)
        yield from arriving("-", changes.seen(pieces), info.rate, Hearing.of(rate), note)
        if not changes.sound():
            raise AudioError("-", "check", SILENT)
