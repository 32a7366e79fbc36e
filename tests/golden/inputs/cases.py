"""What a case of the corpus is, and the sounds that cases are made of."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import soundfile

RATE = 16000


@dataclasses.dataclass(frozen=True)
class Case:
    """Something a user has, what is asked of it, and what must come out.

    In `call`, `rows` and texts, `{here}` is the folder that `make` filled, `{encoder}` a tiny encoder in the hub's
    format, `{model}` a run with the labels high and low. The call is made in the folder.

    Attributes:
        name: in a few words, once in its module.
        make: fills an empty folder with a few KB.
        call: arguments of the command, or a function of the folder that returns what it would print.
        code: what the command ends with.
        said: texts that must be printed, on standard output or on standard error.
        unsaid: texts that must not be.
        rows: lines of standard output after its header, `*` and `?` standing for what may vary; None if they do not
            matter.
        files: tables that must be there afterwards, by their path in the folder; their lines after the header
            likewise, a None asks for nothing but the file.
        needs: programs without which the case is skipped, as ffmpeg, or modules, as `av`.
    """

    name: str
    make: Callable[[Path], object]
    call: tuple[str, ...] | Callable[[Path], str]
    code: int = 0
    said: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ("Traceback",)
    rows: tuple[str, ...] | None = None
    files: Mapping[str, tuple[str, ...] | None] = dataclasses.field(default_factory=dict)
    needs: tuple[str, ...] = ()


def all_cases() -> dict[str, Case]:
    """The cases of all modules beside this one that have `CASES`, by module and name."""
    found: dict[str, Case] = {}
    for module in sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)])):
        for case in getattr(importlib.import_module(f"golden.inputs.{module}"), "CASES", ()):
            assert f"{module}: {case.name}" not in found, f"{module} has two cases called {case.name!r}"
            found[f"{module}: {case.name}"] = case
    return found


def sound(seconds: float = 0.25, hz: float = 440.0, seed: int = 0, rate: int = RATE) -> np.ndarray:
    """A tone with a little noise of its own, `(T,)` float32, so that no two have the same bytes."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng([seed, round(hz)]).normal(0, 0.02, len(time))
    return (0.3 * np.sin(2 * np.pi * hz * time) + noise).astype(np.float32)


def recording(path: Path, seconds: float = 0.25, hz: float = 440.0, seed: int = 0, rate: int = RATE) -> Path:
    """A file with `sound`; its folder is made, its suffix says the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound(seconds, hz, seed, rate), rate)
    return path


def classes(folder: Path, labels: tuple[str, ...] = ("high", "low"), each: int = 4, suffix: str = ".wav") -> list[str]:
    """A folder a class; the names of the recordings."""
    names = [f"{label}/{label}{i}{suffix}" for label in labels for i in range(each)]
    for i, name in enumerate(names):
        recording(folder / name, hz=300.0 + 2000.0 * name.startswith("high"), seed=i)
    return names


def text(path: Path, content: str, encoding: str = "utf-8") -> Path:
    """A text file, its line ends as they are written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode(encoding))
    return path
