"""What this installation is made of and whether it can work: the steps behind `audioft doctor`."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import audioft
from audioft.core.places import existing, no_empty_folders, size_of
from audioft.core.wording import first_line

PAIR = ("torch", "torchaudio")
TOLD = (*PAIR, "transformers", "accelerate", "peft", "safetensors", "numpy", "scipy", "soundfile", "soxr")
FORMATS = (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", None), ("AIFF", "PCM_16"))
LOW_DISK = 5e9  # bytes: a run with a 12-layer encoder of which all layers train takes about 4 GB
LOW_MEMORY = 3e9  # bytes: such a run in small batches
HUB_SECONDS = 5.0


@dataclass(frozen=True)
class Finding:
    """A line of the report.

    Attributes:
        name: what was looked at.
        found: what was found, in words.
        remedy: what to do; None where all is well.
    """

    name: str
    found: str
    remedy: str | None = None

    def __str__(self) -> str:
        mark = "    " if self.remedy is None else "!   "
        told = "" if self.remedy is None else f"\n{' ' * 16}-> {self.remedy}"
        return f"{mark}{self.name:<12}{self.found}{told}"


def examine(online: bool = False) -> Iterator[Finding]:
    """Look at everything in turn.

    Args:
        online: ask the hub whether it can be reached; otherwise no address is.

    Yields:
        What was found; a problem has a remedy.
    """
    yield Finding("audioft", f"{audioft.__version__} in {Path(audioft.__file__).parent}")
    yield Finding("Python", f"{platform.python_version()} ({sys.executable}), {platform.platform(terse=True)}")
    yield from _packages()
    for look in (_pair, _device, _decoders, _media, _memory):
        yield _guarded(look)
    yield _disk("runs", Path("runs"))
    yield _disk("temporary", Path(tempfile.gettempdir()))
    yield _guarded(_cache)
    yield _guarded(lambda: _hub(online))


def _guarded(look: Callable[[], Finding]) -> Finding:
    """A finding, also where looking fails in a way nobody thought of: that is what this report is for."""
    name = getattr(look, "__name__", "hub").strip("_<>")
    try:
        return look()
    except Exception as e:
        return Finding(name, f"{type(e).__name__}: {first_line(e)}", "report this, with all of these lines")


def _packages() -> Iterator[Finding]:
    """What the requirements of audioft name, each in its range."""
    from packaging.requirements import Requirement

    try:
        needed = [Requirement(r) for r in importlib.metadata.requires("audioft") or []]
    except importlib.metadata.PackageNotFoundError:
        yield Finding("packages", "audioft is not installed, only found", "pip install -e . in its folder")
        return
    needed = [r for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})]
    versions = {r.name: _version(r.name) for r in needed}
    yield Finding("packages", ", ".join(f"{n} {versions[n]}" for n in TOLD if versions.get(n)))
    for r in needed:
        found = versions[r.name]
        if found is None or not r.specifier.contains(found, prereleases=True):
            yield Finding(r.name, f"{found or 'missing'}, needed is {r.specifier}", f"pip install '{r}'")


def _version(package: str) -> str | None:
    """What is installed of a package; None for nothing."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(package)
    return None


def _pair() -> Finding:
    """Whether torch and torchaudio go together: two builds that do not fail at import."""
    try:
        for name in PAIR:
            importlib.import_module(name)
    except Exception as e:
        return Finding(
            "torch pair",
            f"cannot be imported: {first_line(e)}",
            "pip install --force-reinstall 'torch==2.11.*' 'torchaudio==2.11.0' (both from the same place)",
        )
    import torch

    return Finding("torch pair", f"torch {torch.__version__} and torchaudio work together")


def _device() -> Finding:
    import torch

    from audioft.core.runtime import explain_precision, find_device, has_int8

    device = find_device("auto")
    where = f"CPU, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info()
        where = f"{torch.cuda.get_device_name(0)}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free"
    eight = (
        "" if device.type == "cuda" else f"; layers in 8 bits {'are' if has_int8(device) else 'are not'} faster here"
    )
    return Finding("device", f"{where}; train.precision=auto is {explain_precision('auto', device)}{eight}")


def _decoders() -> Finding:
    """Each format written and read back, in a process apart as any recording is."""
    import numpy as np

    from audioft.audio import io, isolated_decoder
    from audioft.errors import AudioError

    tone = (0.3 * np.sin(np.arange(16000) / 20)).astype(np.float32)
    works: list[str] = []
    fails: list[str] = []
    with tempfile.TemporaryDirectory() as place:
        for form, subtype in FORMATS:
            name = "Opus" if subtype == "OPUS" else form
            path = Path(place, f"{name}.{form.lower()}")
            try:
                with io.begun(path, 16000, 1, form, subtype) as file:
                    file.write(tone)
                heard = len(isolated_decoder.read(path))
                (works if heard > 15000 else fails).append(name)
            except (AudioError, *io.DECODER_ERRORS):
                fails.append(name)
    if not fails:
        return Finding("decoders", f"{', '.join(works)} ({io.LIBRARY}, in a process apart)")
    return Finding(
        "decoders",
        f"{', '.join(fails)} cannot be read ({io.LIBRARY}); {', '.join(works) or 'nothing'} can",
        "pip install --force-reinstall soundfile, whose wheel brings a libsndfile that can",
    )


def _media() -> Finding:
    """Whether what phones, browsers and cameras write can be read; that it cannot is no fault of the installation."""
    from audioft.audio import media

    found = media.decoder()
    kinds = "M4A, AAC, MP4, WebM, WMA, AMR and others"
    return Finding(
        "media", f"{kinds} by {found[1]}" if found else f"{kinds} cannot be read; {media.ADVICE}, to read them"
    )


def _memory() -> Finding:
    told: dict[str, int] = {}
    with contextlib.suppress(OSError):
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        told = {k: int(v) * 1024 for k, v in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    if "MemAvailable" not in told:
        return Finding("memory", "not told by this system")
    found = f"{told['MemAvailable'] / 1e9:.1f} of {told['MemTotal'] / 1e9:.1f} GB available"
    low = told["MemAvailable"] < LOW_MEMORY
    return Finding("memory", found, "close other programs, or take --encoder mini" if low else None)


def _disk(name: str, place: Path) -> Finding:
    there = existing(place)
    free = shutil.disk_usage(there).free
    found = f"{free / 1e9:.1f} GB free in {there}"
    if not os.access(there, os.W_OK):
        return Finding(name, f"{there} is read-only", "work in a folder of your own, or give --out another")
    return Finding(name, found, "free some, or give --out another file system" if free < LOW_DISK else None)


def _cache() -> Finding:
    """What audioft keeps between runs."""
    from audioft.data.check_cache import default_cache

    place = default_cache().parent
    remedy = "set XDG_CACHE_HOME to a folder of your own with room in it"
    try:
        with no_empty_folders(place):
            place.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(bytes(100_000))
    except OSError as e:
        return Finding("cache", f"nothing can be kept in {place}: {e.strerror}", remedy)
    return Finding("cache", f"{size_of(place) / 1e9:.2f} GB in {place} (safe to delete)")


def _hub(online: bool) -> Finding:
    """Where encoders are downloaded from."""
    from huggingface_hub import constants, scan_cache_dir

    there = "no encoders downloaded yet"
    with contextlib.suppress(Exception):  # there is no such folder yet
        models = [r for r in scan_cache_dir().repos if r.repo_type == "model"]
        there = f"{len(models)} models downloaded" if models else there
    if constants.HF_HUB_OFFLINE:
        return Finding("hub", f"HF_HUB_OFFLINE is set: it is not asked; {there}")
    if not online:
        return Finding("hub", f"not asked (audioft doctor --online does); {there}")
    return _reached(constants.ENDPOINT, there)


def _reached(address: str, there: str) -> Finding:
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(address, timeout=HUB_SECONDS):
            pass
    except urllib.error.HTTPError:
        pass  # it answers
    except (OSError, ValueError) as e:
        why = getattr(e, "reason", None) or e
        remedy = "look at network and proxy (HTTPS_PROXY), or set HF_HUB_OFFLINE=1 and use what is downloaded"
        return Finding("hub", f"{address} cannot be reached: {why}; {there}", remedy)
    return Finding("hub", f"{address} can be reached; {there}")
