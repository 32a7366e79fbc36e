"""Recordings of phones, browsers and cameras, which libsndfile does not read: through PyAV, or ffmpeg on the path.

Neither is asked to find out what a file is: the kind is told it, by the file's first bytes. So no playlist that is
called a recording is followed to other files.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import struct
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from audioft.audio.signatures import Kind
from audioft.errors import AudioError

ADVICE = "`pip install 'audioft[media]'`, or put ffmpeg on the path"
WAITING = 30.0  # seconds without a sample, after which ffmpeg hangs
#: Of the length that a container promises, in seconds and as a share: what encoders add at the ends differs.
_SLACK = (0.5, 0.01)


class Media:
    """Such a recording being decoded, from its beginning; to be used as `opening.Recording` is.

    Args:
        path: the file.
        kind: what it is.
        place: of the recording in the file, `(offset, length)`; None for all of it.
        missing: bytes that its container promises and the file does not hold.

    Attributes:
        promised: seconds that its container promises for the sound, 0 where it does not.
    """

    frames, raw, extra_info, container, whole, counted, skipped, said, more = -1, None, "", "", False, 0, 0, "", False

    def __init__(self, path: str | Path, kind: Kind, place: tuple[int, int] | None = None, missing: int = 0):
        self.place, self.missing = place, missing
        self.path, self.promised, self.samplerate, self.channels = Path(path), 0.0, 0, 0
        self.format, self.subtype = kind.demuxer.upper(), ""
        self._held: list[np.ndarray] = []
        self._given = 0
        self._blocks = self._decoded(kind)
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            first = next(self._blocks, None)  # only sound itself tells the rate of some AAC
            if first is None:
                raise AudioError(path, "open", "the file holds no samples (0 frames)")
            self._held.append(first)
            undo.pop_all()

    def __enter__(self) -> Media:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._blocks.close()

    def left(self) -> int:
        return 0

    def read(self, frames: int, dtype: str = "float32", always_2d: bool = True) -> np.ndarray:
        """At most so many frames, `(T, channels)` float32; none at the end.

        Raises:
            OSError: the file is damaged.
        """
        while sum(map(len, self._held)) < frames and (block := next(self._blocks, None)) is not None:
            self._held.append(block)
        if not self._held:
            self._complain()
            return np.zeros((0, self.channels), np.float32)
        whole = np.concatenate(self._held)
        self._held = [whole[frames:]] if len(whole) > frames else []
        self._given += len(whole[:frames])
        return whole[:frames]

    def _complain(self) -> None:
        seconds = self._given / self.samplerate
        if seconds < self.promised - max(_SLACK[0], _SLACK[1] * self.promised):
            raise OSError(f"the container promises {self.promised:.2f} s")
        if self.missing > 0:
            raise OSError(f"the container promises {self.missing:,} bytes more")

    def _address(self, plain: str) -> str:
        """What the decoder is to open."""
        if self.place is None:
            return plain
        begin, count = self.place
        return f"subfile,,start,{begin},end,{begin + count},,:file:{os.path.abspath(self.path)}"

    def _decoded(self, kind: Kind) -> Generator[Any]:
        raise NotImplementedError


class AvMedia(Media):
    """Through PyAV."""

    def _decoded(self, kind: Kind) -> Generator[Any]:
        import av

        av.logging.set_level(None)
        try:
            with av.open(
                self._address(os.fspath(self.path)), format=kind.demuxer, metadata_errors="ignore"
            ) as container:
                if not container.streams.audio:
                    raise AudioError(self.path, "open", "there is no sound in it, only pictures")
                stream = container.streams.audio[0]
                for one in container.streams:
                    if one is not stream:
                        with contextlib.suppress(Exception):
                            one.discard = av.stream.Discard.all
                if stream.codec_context is None:  # whatever its type says
                    raise AudioError(self.path, "open", "its sound is of a codec that is not known")
                stream.codec_context.thread_count = 1
                if stream.duration and stream.time_base and kind.demuxer == "mov":
                    self.promised = float(stream.duration * stream.time_base)
                self.subtype = stream.codec_context.name
                plain: Any = None
                for frame in container.decode(stream):
                    if plain is None:
                        self.samplerate, self.channels = frame.sample_rate, frame.layout.nb_channels
                        # packed: of planes PyAV reads no more than eight, and crashes at the ninth
                        plain = av.AudioResampler("flt", frame.layout, frame.sample_rate)
                    elif (frame.sample_rate, frame.layout.nb_channels) != (self.samplerate, self.channels):
                        raise OSError(
                            f"the sound changes to {frame.sample_rate} Hz, {frame.layout.nb_channels} channels"
                        )
                    for same in plain.resample(frame):
                        yield same.to_ndarray().reshape(-1, self.channels)
        except av.error.FFmpegError as e:
            if not self.samplerate:
                raise AudioError(self.path, "open", f"not sound that can be decoded: {e.strerror}") from None
            raise OSError(e.strerror) from None


class PipedMedia(Media):
    """Through the program ffmpeg."""

    def _decoded(self, kind: Kind) -> Generator[Any]:
        import tempfile

        program = shutil.which("ffmpeg") or "ffmpeg"
        given = ["-f", kind.demuxer, "-i", self._address(f"file:{os.path.abspath(self.path)}")]
        wanted = ["-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "au", "-fflags", "+bitexact", "pipe:1"]
        wanted[3] = "pcm_f32be"  # AU, whose header is the simplest, is big-endian
        self.subtype = "ffmpeg"
        with tempfile.TemporaryFile() as said:
            # without -xerror it goes on after what it could not decode, and says that all is well
            command = [program, "-nostdin", "-v", "error", "-xerror", "-threads", "1", *given, *wanted]
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said, bufsize=0
            )
            try:
                head = self._read(process, 24)
                if len(head) == 24:
                    begin, _, _, self.samplerate, self.channels = struct.unpack_from(">5I", head, 4)
                    self._read(process, begin - 24)
                    step = 4 * self.channels
                    while data := self._read(process, step * 4096):
                        yield (
                            np.frombuffer(data[: len(data) // step * step], ">f4")
                            .reshape(-1, self.channels)
                            .astype("f4")
                        )
                code = process.wait()
            finally:
                process.kill()
                process.wait()
                assert process.stdout is not None
                process.stdout.close()
            said.seek(0)
            lines = said.read(20_000).decode("utf-8", "replace").strip().splitlines()
        if not self.samplerate:
            why = lines[-1] if lines else f"exit code {code}"
            raise AudioError(self.path, "open", f"not sound that can be decoded: {why}")
        if code or any("partial file" in line for line in lines):
            raise OSError(lines[-1] if lines else f"exit code {code}")

    def _read(self, process: subprocess.Popen[bytes], size: int) -> bytes:
        """So many bytes, or fewer at the end."""
        assert process.stdout is not None
        held = b""
        while len(held) < size:
            if not select.select([process.stdout], [], [], WAITING)[0]:
                raise OSError(f"ffmpeg gave no sign of life for {WAITING:g} s")
            more = os.read(process.stdout.fileno(), size - len(held))
            if not more:
                break
            held += more
        return held


def decoder() -> tuple[type[Media], str] | None:
    """What decodes such recordings here, and its name with its version; None where nothing does."""
    try:
        import av

        return AvMedia, f"PyAV {av.__version__}"
    except Exception:  # a broken installation of it is none
        return (PipedMedia, "ffmpeg") if os.name == "posix" and shutil.which("ffmpeg") else None


def opened(path: str | Path, kind: Kind, place: tuple[int, int] | None = None, missing: int = 0) -> Media:
    """A recording of a kind that libsndfile does not read; see `Media`.

    Raises:
        AudioError: at stage `open`: nothing is there that decodes it, or it holds no sound.
    """
    found = decoder()
    if found is None:
        raise AudioError(path, "open", f"this is {kind.words}, which needs another decoder: {ADVICE}")
    try:
        return found[0](path, kind, place, missing)
    except OSError as e:
        raise AudioError(path, "open", f"not sound that can be decoded: {e}") from None
