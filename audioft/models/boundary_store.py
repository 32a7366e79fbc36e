"""What crosses a boundary, on disk: a file an entry, in half the precision or as it is.

An entry is never trusted for its place: it holds its own name and a hash of its contents.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from audioft.core import disk_cache
from audioft.core.storage import cache_file
from audioft.errors import AudioftError
from audioft.models.boundary import Crossing

PRECISIONS = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}
HIGHEST = 60_000.0  # what float16 holds; larger numbers are divided by a power of two before
IN_MEMORY = 512_000_000  # bytes of small entries that are not read from the disk again


@dataclass(frozen=True)
class Stored:
    """A crossing as the file holds it.

    Attributes:
        states: in the precision of the store, divided by `2 ** exponent`.
        exponent: 0 but for numbers that float16 cannot hold.
        samples, frames: see `Crossing`.
    """

    states: Tensor
    exponent: int
    samples: int
    frames: tuple[int, int]

    @classmethod
    def of(cls, crossing: Crossing, dtype: torch.dtype) -> Stored:
        states, exponent = crossing.states, 0
        highest = float(states.abs().max()) if states.numel() else 0.0
        if dtype == torch.float16 and highest > HIGHEST:
            exponent = int(torch.tensor(highest / HIGHEST).log2().ceil())
            states = states / 2**exponent
        return cls(states.to(dtype), exponent, crossing.samples, crossing.frames)

    def crossing(self) -> Crossing:
        states = self.states.float()
        return Crossing(states * 2**self.exponent if self.exponent else states, self.samples, self.frames)

    @property
    def bytes(self) -> int:
        return self.states.numel() * self.states.element_size()


class Crossings:
    """Entries by name, each one or more crossings (of a clip, or of all its windows).

    Args:
        folder: of one boundary of one encoder.
        precision: `float16`, `bfloat16` or `float32`.
    """

    def __init__(self, folder: Path, precision: str):
        self.folder, self.dtype = folder, PRECISIONS[precision]
        self.checked: set[str] = set()  # hashed once by this process, and not again at every reading
        self.held: dict[str, list[Stored]] = {}
        self.room = IN_MEMORY

    def get(self, name: str) -> list[Crossing] | None:
        """The crossings of that name in float32, if they are there and whole."""
        found = self.held.get(name)
        if found is None and (found := self._read(name)) is not None:
            size = sum(s.bytes for s in found)
            if size <= self.room:
                # copies: what was read is mapped from its file
                self.held[name] = [replace(s, states=s.states.clone()) for s in found]
                self.room -= size
        return None if found is None else [s.crossing() for s in found]

    def has(self, name: str) -> bool:
        """Whether they are there and whole; then they are among the last to be thrown away."""
        if self.get(name) is None:
            return False
        disk_cache.used(self._path(name))
        return True

    def put(self, name: str, crossings: Sequence[Crossing]) -> list[Crossing]:
        """Keep crossings; returns them as `get` will.

        Raises:
            AudioftError: the file system refuses.
        """
        from safetensors.torch import save

        stored = [Stored.of(c, self.dtype) for c in crossings]
        tensors = {f"{i}.states": s.states.contiguous() for i, s in enumerate(stored)}
        tensors |= {f"{i}.about": torch.tensor([s.exponent, s.samples, *s.frames]) for i, s in enumerate(stored)}
        path = self._path(name)
        try:
            with cache_file(path) as file:
                file.write(save(tensors, {"name": name, "sha256": _digest(tensors)}))
        except OSError as e:
            raise AudioftError(f"cannot write {path}: {e.strerror}") from e
        self.checked.add(name)
        return [s.crossing() for s in stored]

    def _read(self, name: str) -> list[Stored] | None:
        from safetensors import SafetensorError, safe_open

        path = self._path(name)
        if not path.is_file():
            return None
        try:
            with safe_open(path, "pt") as file:  # mapped, not read
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
                about = file.metadata() or {}
            if name not in self.checked:
                if about.get("name") != name or about.get("sha256") != _digest(tensors):
                    raise ValueError("not what was written")
                self.checked.add(name)
            found = []
            for i in range(len(tensors) // 2):
                exponent, samples, inner, whole = tensors[f"{i}.about"].tolist()
                found.append(Stored(tensors[f"{i}.states"], exponent, samples, (inner, whole)))
        except (OSError, SafetensorError, ValueError, KeyError):
            with contextlib.suppress(OSError):
                path.unlink()  # damaged, or another entry's: made again
            return None
        return found if all(s.states.dtype == self.dtype for s in found) else None

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name}.safetensors"


def _digest(tensors: dict[str, Tensor]) -> str:
    found = hashlib.sha256()
    for key in sorted(tensors):
        found.update(key.encode() + bytes(str(tuple(tensors[key].shape)), "ascii"))
        found.update(tensors[key].contiguous().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
