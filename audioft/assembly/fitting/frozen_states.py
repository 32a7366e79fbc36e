"""What is frozen, of the clips of a run: computed once, kept, and read by training and validation."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audioft.assembly import build
from audioft.assembly.build import Parts
from audioft.core.runtime import evaluating
from audioft.data.batching import loader
from audioft.data.clip import Clip
from audioft.data.dataset import Draw, TrainingClips
from audioft.data.windowed import clip_windows
from audioft.errors import AudioError, AudioftError
from audioft.evaluation.scoring import autocast, preparation, probabilities
from audioft.models.boundary import Boundary, Crossing, cross, go_on
from audioft.models.boundary_store import Crossings
from audioft.training.cached import CachedClips

WAITING = 64  # clips of a validation that are held at once
TOGETHER = 8  # and of them, windows that go through the layers at once
NUMBERS = 2**24  # or, of what is pooled, numbers


@dataclass
class Cache:
    """What crossed the boundaries of a run.

    Attributes:
        parts: the run.
        cuts: see `boundaries`.
        inner: the clips that are trained on.
        views: how many are drawn of a clip.
        stores: of each boundary.
        epoch: the one that is computed now.
        failures: recordings that failed, by what names their entry.
        filled_anew: whether nothing was there of what is trained on.
        part: of the numbers of what is pooled, those that the run has chosen; None for all.
        side_names: of clips of the validation side, by their keys, see `side_name`.
    """

    parts: Parts
    cuts: dict[int, Boundary | None]
    inner: TrainingClips
    views: int
    stores: dict[Boundary, Crossings]
    epoch: int = 0
    failures: dict[str, AudioError] = field(default_factory=dict)
    filled_anew: bool = False
    part: slice | None = None
    side_names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.latent = build.single("latent", self.parts.config.latent)
        self.clips = CachedClips(self.inner, self.cut_of, self.views, self.latent is not None, self.find)
        data = self.parts.data
        self.seconds = {c.key: k.seconds for c, k in zip(data.manifest.clips, data.checked, strict=True)}
        self.digests = {c.key: k.digest for c, k in zip(data.manifest.clips, data.checked, strict=True)}
        self.drawn_by = _drawn_by(self.parts)

    def cut_of(self, epoch: int) -> Boundary | None:
        return self.cuts[max(e for e in self.cuts if e <= epoch)]

    @property
    def always(self) -> bool:
        """Whether no epoch needs the clips themselves."""
        return all(cut is not None for cut in self.cuts.values())

    def name(self, cut: Boundary, draw: Draw) -> str:
        """What names the entry of an example: all that its crossing depends on besides the folder's own name."""
        clip = self.inner.clips[draw.index]
        about: list[Any] = [self.digests[clip.key], clip.start, clip.end]
        if self.clips.is_drawn(draw.index, cut):
            about += [self.inner.address(draw), self.inner.seconds[draw.index], self.drawn_by]
            partner = self.inner.mixed_with(draw)
            if partner is not None:
                other = self.inner.clips[partner]
                about += [other.key, self.digests[other.key], other.start, other.end, self.inner.seconds[partner]]
        return _hash(about)

    def side_name(self, clip: Clip) -> str:
        """What names the entry of all windows of a clip of another side; of a clip of one window that of training."""
        if clip.key not in self.side_names:
            about: list[Any] = [self.digests[clip.key], clip.start, clip.end]
            config = self.parts.config
            windows = _hash([*about, "windows", config.data.max_seconds])
            several = self.seconds[clip.key] > self.parts.max_seconds or config.cache.audio  # whose samples are rounded
            kept = several or any(store.has(windows) for store in self.stores.values())  # by an older audioft
            self.side_names[clip.key] = windows if kept else _hash(about)
        return self.side_names[clip.key]

    def fill(self) -> None:
        """Compute whatever is not there, each process a share of it."""
        processes, console = self.parts.processes, self.parts.console
        views = [Draw(i, v) for v in range(self.views) for i in range(len(self.inner))]
        wanted = [d for d in views if any(self._lacks(cut, d) for cut in self.stores)][
            processes.rank :: processes.count
        ]
        side = [c for c in self._valid() if any(not s.has(self.side_name(c)) for s in self.stores.values())]
        side = side[processes.rank :: processes.count]
        self.filled_anew = len(wanted) == len(views[processes.rank :: processes.count])
        with console.job("computing what is frozen", len(wanted) + len(side), unit=" clips") as job:
            # one clip at a time, so that what crosses is a function of the clip alone, to the last bit
            batches = loader(self.inner, [[d] for d in wanted], self.parts.config.data.workers if wanted else 0)
            for done, (draw, batch) in enumerate(zip(wanted, batches, strict=True)):
                for cut in [c for c in self.stores if self._lacks(c, draw)]:
                    if batch.failures:
                        self.failures[self.name(cut, draw)] = batch.failures[0][1]
                    else:
                        self._keep(cut, self.name(cut, draw), batch.waveforms, batch.lengths, batch.addresses)
                job.at(done + 1)
            for done, clip in enumerate(side):
                self._windows(clip)
                job.at(len(wanted) + done + 1)
        processes.wait()

    def _lacks(self, cut: Boundary, draw: Draw) -> bool:
        seen = self.clips.view(draw, cut)
        return seen == draw and not self.stores[cut].has(self.name(cut, draw))

    def _keep(self, cut: Boundary, name: str, waveforms: Any, lengths: Tensor, addresses: Any = None) -> list[Crossing]:
        """Let a clip cross, or several windows of one, and keep what crossed."""
        device, precision, found = self.parts.processes.device, self.parts.config.evaluate.precision, []
        for waveform, length in zip(waveforms, lengths.tolist(), strict=True):
            alone = waveform[None, :length].to(device), torch.tensor([length], device=device)
            mask = None
            if self.latent is not None and addresses is not None and cut.kind != "features":
                mask = self.latent.draw(self.parts.model.encoder, alone[1], addresses)
            with autocast(device, precision):
                found += cross(self.parts.model, cut, *alone, mask)
        if not all(bool(torch.isfinite(c.states).all()) for c in found):
            raise AudioftError(
                "the frozen part of the encoder gives numbers that are not finite (NaN or infinity); "
                + ("its weights are damaged" if precision == "fp32" else "set evaluate.precision=fp32")
            )
        return self.stores[cut].put(name, found)

    def _windows(self, clip: Clip) -> None:
        name = self.side_name(clip)
        try:
            windows = list(clip_windows(clip, preparation(self.parts.model), self.parts.max_seconds))
        except AudioError as e:
            self.failures[name] = e
            return
        waveforms = [w.waveform for w in windows]
        for cut, store in self.stores.items():
            if not store.has(name):
                self._keep(cut, name, waveforms, torch.tensor([len(w) for w in waveforms]))

    def find(self, cut: Boundary, draw: Draw) -> Crossing:
        """What crossed a boundary of an example; computed anew where it is gone.

        Raises:
            AudioError: the recording fails.
        """
        name = self.name(cut, draw)
        if name in self.failures:
            raise self.failures[name]
        found = self.stores[cut].get(name)
        if found is None:
            batch = next(iter(loader(self.inner, [[draw]], 0)))
            if batch.failures:
                self.failures[name] = batch.failures[0][1]
                raise self.failures[name]
            found = self._keep(cut, name, batch.waveforms, batch.lengths, batch.addresses)
        return self._own(cut, found)[0]

    def _own(self, cut: Boundary, found: list[Crossing]) -> list[Crossing]:
        """What the run has chosen of it."""
        part = self.part
        if part is None or cut.kind != "pooled":
            return found
        return [replace(c, states=c.states[..., part]) for c in found]

    def side_states(self, cut: Boundary, clip: Clip) -> list[Tensor] | None:
        """Of each window of a clip of the validation side what crossed; None where the recording failed."""
        name = self.side_name(clip)
        if name not in self.failures and not self.stores[cut].has(name):
            self._windows(clip)
        return None if name in self.failures else [c.states for c in self._own(cut, self.stores[cut].get(name) or [])]

    def score(self, cut: Boundary) -> list[tuple[int, np.ndarray | AudioError]]:
        """Of each clip of the validation side its position, and its probabilities `(C,)` or why there are none."""
        parts, out = self.parts, []
        waiting: list[tuple[int, list[Crossing]]] = []
        mine = list(enumerate(self._valid()))[parts.processes.rank :: parts.processes.count]
        with evaluating(parts.model):
            for n, (i, clip) in enumerate(mine):
                name = self.side_name(clip)
                if name not in self.failures and not self.stores[cut].has(name):
                    self._windows(clip)
                if name in self.failures:
                    out.append((i, self.failures[name]))
                else:
                    waiting.append((i, self._own(cut, self.stores[cut].get(name) or [])))
                if len(waiting) >= WAITING or n + 1 == len(mine):
                    out += self._scored(cut, waiting)
                    waiting = []
        return sorted(parts.processes.gather(out), key=lambda entry: entry[0])

    def _scored(self, cut: Boundary, waiting: list[tuple[int, list[Crossing]]]) -> list[tuple[int, Any]]:
        """The mean of the windows' probabilities, like lengths computed together."""
        flat = [(i, c) for i, crossings in waiting for c in crossings]
        order = sorted(range(len(flat)), key=lambda n: flat[n][1].samples)
        most = TOGETHER
        if flat and cut.kind == "pooled":
            most = max(1, NUMBERS // flat[0][1].states.numel())
        rows: dict[int, np.ndarray] = {}
        for at in range(0, len(order), most):
            group = order[at : at + most]
            with torch.inference_mode(), autocast(self.parts.processes.device, self.parts.config.evaluate.precision):
                logits = go_on(self.parts.model, cut, [flat[n][1] for n in group])
            rows |= dict(zip(group, probabilities(logits, self.parts.multilabel).cpu().numpy(), strict=True))
        means: dict[int, list[np.ndarray]] = {}
        for n, (i, _) in enumerate(flat):
            means.setdefault(i, []).append(rows[n])
        return [(i, np.mean(own, axis=0)) for i, own in means.items()]

    def _valid(self) -> list[Clip]:
        return self.parts.data.clips("valid")


def _drawn_by(parts: Parts) -> list[Any]:
    """All settings that the draws of a view depend on, and the files they name."""
    c = parts.config
    files = [str(p) for spec in c.augment if isinstance(spec, dict) for p in spec.values() if isinstance(p, str)]
    found = []
    for path in (Path(f) for f in files):
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in inside if p.is_file()]
    return [c.augment, c.mixup, c.latent, c.data.max_seconds, len(parts.data.side("train")), found]


def _hash(about: Any) -> str:
    return hashlib.sha256(json.dumps(about, default=str).encode()).hexdigest()
