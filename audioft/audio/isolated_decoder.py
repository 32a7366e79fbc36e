"""Recordings decoded in processes apart, so that a decoder that crashes or hangs takes down nothing but itself.

A process is asked for one recording at a time and gives its samples block by block, stays for the next one, and ends
with the program. It runs `audioft.audio.io`, as does whoever reads what has been through here already.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audioft.audio import remarks
from audioft.audio.hearing import Heard, Hearing, plainly
from audioft.audio.windows import joined
from audioft.errors import AudioError

if TYPE_CHECKING:
    from audioft.audio.live import Raw

COMPUTING = 10.0  # seconds of processor time without a further piece of the recording, after which a decoder hangs
WAITING = 60.0  # seconds without a sign of life: a disk may have to wake up, so they are more
# not `-m`: neither the folder that a program runs in nor its settings may decide what `audioft` is
_ROOT = str(Path(__file__).parents[2])
SERVING = f"import sys; sys.path.insert(0, {_ROOT!r}); from audioft.audio.isolated_decoder import serve; serve()"
_HEAD = struct.Struct(">cI")  # of a message: its kind, and how many bytes follow
_BLOCK, _INFO, _NOTE, _ERROR, _END, _ALIVE = b"b", b"i", b"n", b"e", b"z", b"."


def probe(path: str | Path) -> Any:
    """As `audioft.audio.io.probe`; see there for the `Info`."""
    from audioft.audio.io import Info

    ((_, data),) = _asked("probe", path)  # to its end: one that is left early is ended
    return Info(**json.loads(data))


def stream(
    path: str | Path,
    rate: Heard | None = 16000,
    start: float = 0.0,
    end: float | None = None,
    block_seconds: float = 30.0,
) -> Iterator[np.ndarray]:
    """As `audioft.audio.io.stream`; what that notes is kept in `remarks`.

    Raises:
        AudioError: besides, at stage `decode`: the decoder crashed, or did not get on.
    """
    asked = _asked("stream", path, rate=plainly(rate), start=start, end=end, block_seconds=block_seconds)
    with contextlib.closing(asked) as answers:
        for _, data in answers:
            yield np.frombuffer(data, dtype=np.float32)


def read(path: str | Path, rate: Heard | None = 16000, start: float = 0.0, end: float | None = None) -> np.ndarray:
    """As `audioft.audio.io.read`; raises as `stream` does."""
    return joined(stream(path, rate, start, end))


def piped(number: int, rate: Heard, raw: Raw | None = None) -> Iterator[np.ndarray]:
    """As `audioft.audio.live.piped`, of which it is; what does not arrive is waited for without end.

    Raises:
        AudioError: besides, at stage `decode`: the decoder crashed, or did not get on.
    """
    if os.name != "posix":  # a pipe cannot be handed on
        from audioft.audio import live

        yield from live.piped(number, rate, raw)
        return
    handed = os.dup(number)
    try:
        decoder = _Decoder(pipe=handed)
    finally:
        os.close(handed)
    try:
        more = {"rate": plainly(rate), "raw": None if raw is None else asdict(raw)}
        for _, data in decoder.answers({"do": "piped", "path": "-", "number": handed, **more}):
            yield np.frombuffer(data, dtype=np.float32)
    finally:
        decoder.stop()


def stop() -> None:
    """End all processes that decode for this one, wherever they are: nobody wants their samples any more."""
    _pool().stop()


class _Decoder:
    """A process that decodes, from our side.

    Args:
        code: what it runs; None for `SERVING`.
        pipe: a file descriptor that it gets, too; what arrives there may take its time. None for none.
    """

    def __init__(self, code: str | None = None, pipe: int | None = None):
        self.patient = pipe is not None
        self.process = subprocess.Popen(
            [sys.executable, "-c", code or SERVING],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            pass_fds=() if pipe is None else (pipe,),
        )
        self.tasks: Any = self.process.stdin
        self.said: Any = self.process.stdout
        with contextlib.suppress(ImportError, AttributeError, OSError):
            fcntl: Any = __import__("fcntl")  # not everywhere
            fcntl.fcntl(self.said, fcntl.F_SETPIPE_SZ, 2**20)  # of 64 kB both ends wait for one another

    def answers(self, task: dict[str, Any]) -> Iterator[tuple[bytes, bytearray]]:
        """What it says to a task, up to the end.

        Raises:
            AudioError: what it raised; or it crashed, or hangs.
        """
        path = task["path"]
        try:
            self.tasks.write(json.dumps(task).encode("ascii") + b"\n")
        except OSError:
            raise self._died(path) from None
        while True:
            kind, size = _HEAD.unpack(self._read(_HEAD.size, path))
            data = self._read(size, path)
            if kind == _END:
                return
            if kind == _ERROR:
                raise AudioError(path, *json.loads(data))
            if kind == _NOTE:
                remarks.keep(path, data.decode())
            elif kind != _ALIVE:
                yield kind, data

    def _read(self, size: int, path: str) -> bytearray:
        data, got = bytearray(size), 0
        view = memoryview(data)
        while got < size:
            if not self._ready():
                self.stop()
                raise AudioError(path, "decode", f"the decoder gave no sign of life for {WAITING:g} s")
            count = self.said.readinto(view[got:])
            if not count:
                raise self._died(path)
            got += count
        return data

    def _ready(self) -> bool:
        """Whether it says something within the time it has; not known on Windows, where a pipe cannot be waited for."""
        if os.name != "posix":
            return True
        waiting = select.poll()
        waiting.register(self.said, select.POLLIN | select.POLLHUP)
        return bool(waiting.poll(None if self.patient else 1000 * WAITING))

    def _died(self, path: str) -> AudioError:
        code = self.process.wait()
        if os.name == "posix" and code == -signal.SIGPROF:
            return AudioError(path, "decode", f"the decoder hangs: {COMPUTING:g} s of computing without getting on")
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        why = "; is the memory full?" if code == -signal.SIGKILL else ""
        return AudioError(path, "decode", f"the decoder crashed ({name}{why})")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.tasks.close()
        self.said.close()


class _Pool:
    """The decoders of one process, those that are at work and those that are not."""

    def __init__(self) -> None:
        self._idle: list[_Decoder] = []
        self._busy: set[_Decoder] = set()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def decoder(self) -> Iterator[_Decoder]:
        """One for the block. Only one that has come to the end of its task is taken back."""
        with self._lock:
            decoder = self._idle.pop() if self._idle else _Decoder()
            self._busy.add(decoder)
        try:
            yield decoder
        except BaseException as e:
            # after an error it told us of it waits for the next task; after anything else it is somewhere
            if isinstance(e, AudioError) and decoder.process.poll() is None:
                self._take(decoder)
            else:
                decoder.stop()
                with self._lock:
                    self._busy.discard(decoder)
            raise
        self._take(decoder)

    def _take(self, decoder: _Decoder) -> None:
        with self._lock:
            self._busy.discard(decoder)
            self._idle.append(decoder)

    def stop(self) -> None:
        """End all of them; who waits for one is told that it has crashed."""
        with self._lock:
            for decoder in self._idle:
                decoder.stop()
            for decoder in self._busy:
                decoder.process.kill()
            self._idle = []


@functools.lru_cache(maxsize=1)
def _pool_of(process: int) -> _Pool:
    """The pool of a process: one that was forked from it must not read from the same pipes."""
    made = _Pool()
    atexit.register(made.stop)
    return made


def _pool() -> _Pool:
    return _pool_of(os.getpid())


def _asked(do: str, path: str | Path, **given: Any) -> Generator[tuple[bytes, bytearray]]:
    with _pool().decoder() as decoder:
        yield from decoder.answers({"do": do, "path": os.fspath(path), **given})


def serve() -> None:
    """Do the tasks that arrive on standard input, one a line, until it ends; what such a process runs."""
    from audioft.audio import io

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of a terminal; the program ends us
    out = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nothing:  # what the libraries print is told by their errors, and is no samples
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    said = time.monotonic()

    def say(kind: bytes, data: bytes | memoryview = b"") -> None:
        nonlocal said
        said = time.monotonic()
        out.writelines((_HEAD.pack(kind, len(data)), data))
        out.flush()

    def alive() -> None:
        _watch()
        if time.monotonic() - said > 1:
            say(_ALIVE)

    for line in sys.stdin.buffer:
        task: dict[str, Any] = json.loads(line)
        path, do = task.pop("path"), task.pop("do")
        _watch()
        try:
            if do == "probe":
                say(_INFO, json.dumps(asdict(io.probe(path, alive))).encode())
            else:
                task |= {"rate": task["rate"] and Hearing.of(task["rate"]), "alive": alive}
                task["note"] = lambda said: say(_NOTE, said.encode())
                for block in _piped(**task) if do == "piped" else io.stream(path, **task):
                    say(_BLOCK, np.ascontiguousarray(block, np.float32).data.cast("B"))
        except AudioError as e:
            say(_ERROR, json.dumps([e.stage, e.reason]).encode())
        except MemoryError:
            say(_ERROR, json.dumps(["decode", "the decoder needs more memory than there is"]).encode())
        else:
            say(_END)
        _watch(0.0)


def _piped(number: int, raw: dict[str, Any] | None, **more: Any) -> Iterator[np.ndarray]:
    from audioft.audio import live

    # the program may be gone while we wait for sound: then no further task can come either
    threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    return live.piped(number, raw=None if raw is None else live.Raw(**raw), **more)


def _watch(seconds: float | None = None) -> None:
    """End this process after so much processor time, unless called again before; 0 ends the watch."""
    if os.name == "posix":
        signal.setitimer(signal.ITIMER_PROF, COMPUTING if seconds is None else seconds)
