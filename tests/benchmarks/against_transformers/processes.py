"""A command in a process of its own: how long it takes from start to end, and how much memory it holds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

EVERY = 0.5  # seconds between two looks at the highest memory of the process itself, which cost nothing
SPARED = 100  # and after looking at all processes, as many times what that took


@dataclass(frozen=True)
class Ran:
    """One run.

    Attributes:
        seconds: from start to end, the start of Python included.
        peak_mb: the most memory of the process and its workers together; what they share is counted once.
        gpu_busy: share of the time between its first and last use in which the GPU computed; None without one.
        found: what it found out.
    """

    seconds: float
    peak_mb: float
    gpu_busy: float | None = None
    found: dict[str, Any] = field(default_factory=dict)


def run(command: Sequence[str]) -> Ran:
    """Run a command to its end; nothing is remembered from one run to the next.

    Raises:
        SystemExit: it failed; what it said is shown.
    """
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryFile("w+", errors="replace") as said:
        own = {"XDG_CACHE_HOME": cache, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        gpu = _watch_gpu()
        began = time.monotonic()
        process = subprocess.Popen(list(command), env=os.environ | own, stdout=said, stderr=subprocess.STDOUT)
        memory = _Memory(process.pid)
        try:
            status = process.wait()
            seconds = time.monotonic() - began
        finally:  # Ctrl-C ends the run, too
            process.kill()
            peak, busy = memory.stop(), None if gpu is None else _busy(gpu)
        if status:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{said.read()[-3000:]}")
        return Ran(seconds, peak, busy)


class _Memory:
    """Looks at the memory of a process and its children until it is stopped."""

    def __init__(self, pid: int):
        self.most, self._ended = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, args=(pid,), daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """The most there was, in MB."""
        self._ended.set()
        self._thread.join()
        return self.most

    def _watch(self, pid: int) -> None:
        due = 0.0
        while not self._ended.wait(EVERY):
            self.most = max(self.most, _highest(pid))
            began = time.monotonic()
            if began < due:
                continue
            try:
                parent = psutil.Process(pid)
                together = sum(_size(p) for p in (parent, *parent.children(recursive=True)))
            except psutil.Error:
                continue
            self.most = max(self.most, together / 2**20)
            # to walk through the pages of a gigabyte takes 50 ms, from the very processes that are timed
            due = time.monotonic() + SPARED * (time.monotonic() - began)


def _size(process: psutil.Process) -> int:
    """Bytes of a process, its part of what it shares; 0 of one that has just ended."""
    try:
        full = process.memory_full_info()
        return getattr(full, "pss", full.rss)
    except psutil.Error:
        return 0


def _highest(pid: int) -> float:
    """The most MB a process has held by itself since it began (its `ru_maxrss` would begin with its parent's)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def _watch_gpu() -> subprocess.Popen | None:
    """A process that prints five times a second how much of the time the GPU computed, in percent."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    how = ["--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200", "-i", "0"]
    return subprocess.Popen([tool, *how], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _busy(gpu: subprocess.Popen) -> float | None:
    gpu.terminate()
    shares = [int(line) for line in gpu.communicate()[0].split() if line.isdigit()]
    used = [i for i, share in enumerate(shares) if share]
    if not used:
        return None
    between = shares[used[0] : used[-1] + 1]
    return sum(between) / len(between) / 100


def result(path: Path) -> dict[str, Any]:
    """What a process has left as JSON."""
    return json.loads(path.read_text(encoding="utf-8"))
