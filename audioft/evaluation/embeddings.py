"""Clips as numbers: what every layer of a frozen encoder says of them, in one pass, kept for what follows.

A clip's features are those of `evaluation.probe.embed`; of a clip in several windows the mean over its windows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from audioft.data.clip import Clip
from audioft.data.inputs import content
from audioft.data.windowed import clip_windows
from audioft.errors import AudioError
from audioft.evaluation.embedding_store import Store
from audioft.evaluation.labelling.window_scores import BATCH_SECONDS, PENDING_BATCHES, flat, grouped
from audioft.evaluation.probe import embed
from audioft.evaluation.scoring import preparation_of
from audioft.models.encoder import Encoder
from audioft.models.log_mel import LogMel


@dataclass(frozen=True)
class Embeddings:
    """Features of N clips.

    Attributes:
        features: `(N, L + 1, 2 * H)` float32: mean and deviation over time of the states before the first layer and
            after each of the L layers; nan for a clip that failed.
        failures: position of each clip that could not be read to its end, and why.
        reused: how many were found in the store and not computed.
        heard: seconds of sound that went through the encoder.
        computed: seconds that the encoder computed for them, its canvas included.
        took: seconds that reading them, and the encoder, took; what the store takes is not in it.
        unkept: why the store could not be written; None if it could.
    """

    features: np.ndarray
    failures: dict[int, AudioError] = field(default_factory=dict)
    reused: int = 0
    heard: float = 0.0
    computed: float = 0.0
    took: float = 0.0
    unkept: str | None = None

    @property
    def usable(self) -> np.ndarray:
        """`(N,)` bool, which clips have features."""
        mask = np.ones(len(self.features), bool)
        mask[list(self.failures)] = False
        return mask

    def layer(self, index: int) -> np.ndarray:
        """`(N, 2 * H)` of one layer: 0 is before the first, -1 the last."""
        return self.features[:, index]


def embed_clips(
    encoder: Encoder | LogMel,
    clips: Sequence[Clip],
    *,
    max_seconds: float,
    batch_seconds: float | None = None,
    store: Store | None = None,
    digests: Sequence[str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Embeddings:
    """Features of clips from one frozen pass, in the memory of a few batches besides the features themselves.

    Args:
        encoder: an `Encoder`, or a `LogMel`; its device is used and its mode is restored afterwards.
        clips: N clips.
        max_seconds: longer clips go through in windows of this length, and have the mean of their features.
        batch_seconds: how much sound goes through at once, padding and a canvas included; None for what suits the
            device. It changes no feature by more than rounding.
        store: where features are kept and looked for, made for this encoder and `max_seconds`, and open; None keeps
            none. An entry is used only for the same weights, preprocessing, `max_seconds`, bytes of the recording,
            start and end.
        digests: sha256 in hex of each clip's recording, where the checking pass has told them; the recordings are
            hashed if not given.
        progress: is called with the number of clips done: first those that were kept, then as it goes on.
    """
    assert store is None or store.max_seconds == max_seconds, "a store of other windows"
    names = _names(store, clips, digests)
    found: dict[int, np.ndarray] = {}
    if store is not None:
        found = {i: old for i, name in enumerate(names) if (old := store.get(name)) is not None}
    reused = len(found)

    def tell(done: int) -> None:
        if progress is not None:
            progress(reused + done)

    tell(0)
    waiting = [i for i in range(len(clips)) if i not in found]
    failures: dict[int, AudioError] = {}
    heard, computed, storing, began = 0.0, 0.0, 0.0, time.monotonic()
    for i, row, *seconds in _computed(encoder, clips, waiting, max_seconds, batch_seconds, tell):
        heard, computed = heard + seconds[0], computed + seconds[1]
        if isinstance(row, AudioError):
            failures[i] = row
            continue
        found[i] = row
        if store is not None:
            before = time.monotonic()
            store.put(names[i], row)
            storing += time.monotonic() - before
    took = time.monotonic() - began - storing
    features = np.full((len(clips), encoder.num_layers + 1, 2 * encoder.hidden_size), np.nan, np.float32)
    for i, own in found.items():
        features[i] = own
    return Embeddings(features, failures, reused, heard, computed, took, None if store is None else store.failure)


def _computed(
    encoder: Encoder | LogMel,
    clips: Sequence[Clip],
    waiting: Sequence[int],
    max_seconds: float,
    batch_seconds: float | None,
    tell: Callable[[int], None],
) -> Iterator[tuple[int, np.ndarray | AudioError, float, float]]:
    """(position, features `(L + 1, 2 * H)` or why there are none, seconds heard, seconds computed) of `waiting`."""
    prepare = preparation_of(encoder)
    device = next((p.device.type for p in encoder.parameters()), "cpu")
    most = max(1, round((batch_seconds or BATCH_SECONDS.get(device, 60.0)) * prepare.sample_rate))
    shape = (encoder.num_layers + 1, 2 * encoder.hidden_size)
    total, windows, samples, computed, done = np.zeros(shape), 0, 0, 0, 0
    sources = (clip_windows(clips[i], prepare, max_seconds) for i in waiting)
    for group in grouped(flat(sources), most * PENDING_BATCHES):
        heard: list[Tensor] = [w.waveform for _, w, _ in group if w is not None]
        ends = len(group) - len(heard)

        def passed(count: int, done: int = done, ends: int = ends, of: int = len(heard)) -> None:
            tell(done + ends * count // of)

        rows = iter(embed(encoder, heard, most, passed).reshape(-1, *shape) if heard else ())
        for at, window, failure in group:
            if window is not None:
                total, windows, samples = total + next(rows), windows + 1, samples + window.samples
                computed += max(window.samples, encoder.canvas_samples)
                continue
            done += 1
            seconds = samples / prepare.per_second, computed / prepare.per_second
            yield waiting[at], failure or (total / windows).astype(np.float32), *seconds
            total, windows, samples, computed = np.zeros(shape), 0, 0, 0


def _names(store: Store | None, clips: Sequence[Clip], digests: Sequence[str] | None) -> list[str]:
    if store is None:
        return [""] * len(clips)
    known = {} if digests is None else {c.path: d for c, d in zip(clips, digests, strict=True)}
    for path in {c.path for c in clips}:
        known[path] = known.get(path) or content(path)
    return [store.name(c, known[c.path]) for c in clips]
