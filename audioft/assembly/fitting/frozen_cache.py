"""Whether what is frozen in a run is kept, how much of it, and where."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from audioft.assembly.build import Parts
from audioft.assembly.fitting.frozen_states import Cache
from audioft.core import disk_cache
from audioft.core.wording import of_bytes
from audioft.data.check_cache import default_cache
from audioft.data.dataset import TrainingClips
from audioft.errors import ConfigError
from audioft.evaluation.embedding_store import settings_of
from audioft.models import freezing
from audioft.models.boundary import Boundary, boundary, cross
from audioft.models.boundary_store import PRECISIONS, Crossings
from audioft.models.weight_files import weights_hash

VERSION = 1  # of what is computed: raise it whenever what crosses a boundary becomes something else
STATES = "states"  # the folder, beside the cache of the checking pass


def boundaries(parts: Parts) -> dict[int, Boundary | None]:
    """From which epoch on which boundary holds: what is frozen then and was never free before lies below it."""
    plan, model = freezing.plan(parts.config.freeze), parts.model
    found: dict[int, Boundary | None] = {}
    untouched = {name for name, _ in model.encoder.parts()}
    for epoch in sorted(e for e in plan if e < max(1, parts.config.train.epochs)):
        freezing.apply(plan[epoch], model.encoder)
        untouched &= set(model.encoder.frozen)
        found[epoch] = boundary(model, untouched, parts.config.cache.moments)
    freezing.apply(freezing.at_epoch(plan, 0), model.encoder)
    return found


def never_free(parts: Parts) -> set[str]:
    """Names of the parameters that the run never frees."""
    plan, model = freezing.plan(parts.config.freeze), parts.model
    fixed = {name for name, _ in model.named_parameters()}
    for epoch in plan:
        freezing.apply(plan[epoch], model.encoder)
        fixed -= {name for name, p in model.named_parameters() if p.requires_grad}
    freezing.apply(freezing.at_epoch(plan, 0), model.encoder)
    return fixed


@contextlib.contextmanager
def opened(parts: Parts, inner: TrainingClips, spare: Path) -> Iterator[Cache | None]:
    """The cache of a run, filled; None where nothing is to be kept. `spare` takes it if the user's cache cannot.

    Raises:
        ConfigError: see `planned`.
    """
    before = set(parts.shared.held)
    cache = planned(parts, inner, lambda: state_folder(spare))
    if cache is None:
        yield None
        return
    place = next(iter(cache.stores.values())).folder.parent
    limit = _limit(parts)
    with contextlib.ExitStack() as stack:
        for store in cache.stores.values():
            stack.enter_context(disk_cache.using(store.folder))
        if parts.processes.main and not before >= {_held(store.folder) for store in cache.stores.values()}:
            disk_cache.trim(place, max(0, limit - _size(cache)))
        cache.fill()
        yield cache


def planned(parts: Parts, inner: TrainingClips, place_of: Callable[[], Path]) -> Cache | None:
    """The cache of a run, nothing in it computed yet, and said of; None where nothing is to be kept.

    Args:
        parts: the run.
        inner: what is trained on.
        place_of: gives the folder of the cache, if there is to be one.

    Raises:
        ConfigError: it was asked for, and there is nothing to keep, or more than `cache.gigabytes`.
    """
    cuts = boundaries(parts)
    views = _views(parts, inner, cuts)
    kept = list(dict.fromkeys(cut for cut in cuts.values() if cut is not None))
    if not views or not kept:
        return None
    place = place_of()
    stores = {cut: _store(parts, place / _owner(parts, cut)) for cut in kept}
    cache = Cache(parts, cuts, inner, views, stores)
    size, limit = _size(cache), _limit(parts)
    if size > limit:
        said = f"what is frozen takes about {of_bytes(size)}, more than cache.gigabytes={limit / 1e9:g}"
        if parts.config.cache.views is not None:
            raise ConfigError(f"cache.views: {said}; raise cache.gigabytes or lower cache.views")
        parts.console.say(f"note: {said}: it is computed anew in every epoch")
        return None
    parts.console.say(f"cache: {_told(cache)}, about {of_bytes(size)} in {place}")
    return cache


def _store(parts: Parts, folder: Path) -> Crossings:
    return parts.shared.once(_held(folder), lambda: Crossings(folder, parts.config.cache.precision))


def _held(folder: Path) -> tuple[str, Path]:
    """Where an open store is among what runs share."""
    return STATES, folder


def refuse(parts: Parts, cuts: dict[int, Boundary | None] | None = None) -> None:
    """Say where a cache was asked for and there is nothing to keep; `cuts` are the boundaries, if they are known.

    Raises:
        ConfigError: so it is.
    """
    if not parts.config.cache.views:
        return
    frames = parts.model.frame_level
    if frames or all(cut is None for cut in (cuts or boundaries(parts)).values()):
        why = "a model that labels frames moves its windows anew" if frames else "nothing stays frozen"
        raise ConfigError(f"cache.views: {why}, so there is nothing to keep; set cache.views=0")


def _views(parts: Parts, inner: TrainingClips, cuts: dict[int, Boundary | None]) -> int:
    """How many views a clip has in the cache; 0 for no cache."""
    asked, model = parts.config.cache.views, parts.model
    if asked == 0:
        return 0
    if model.frame_level or all(cut is None for cut in cuts.values()):
        refuse(parts, cuts)
        return 0
    hidden = parts.config.latent is not None and any(c is not None and c.kind != "features" for c in cuts.values())
    drawn = hidden or any(inner.is_drawn(i) for i in range(len(inner)))
    if not drawn:
        return 1
    if asked is None and parts.config.train.epochs > 1:
        parts.console.say(
            "note: clips are drawn anew in every epoch (crops, augment, mixup or latent), so what is frozen is "
            "computed anew, too; cache.views=4 draws each four times in all, and computes no more than that"
        )
    return min(asked or 0, parts.config.train.epochs)


def _told(cache: Cache) -> str:
    config = cache.parts.config
    kinds = " and ".join(str(cut) for cut in cache.stores)
    many = f"{len(cache.inner)} clips" + (f" in {cache.views} views" if cache.views > 1 else "")
    inside = [n for n in ("augment", "mixup") if getattr(config, n)]
    if config.latent is not None and any(cut.kind != "features" for cut in cache.stores):
        inside.append("latent")
    drawn = f" ({', '.join(inside)} drawn once a view)" if inside else ""
    return f"{kinds} of {many}{drawn} computed once"


def _size(cache: Cache) -> int:
    """Bytes of all entries, from what two clips of noise give."""
    parts, total = cache.parts, 0.0
    rate, width = parts.model.encoder.hearing.per_second, PRECISIONS[parts.config.cache.precision].itemsize
    seconds = [min(s, cache.inner.max_seconds) for s in cache.inner.seconds] * cache.views
    seconds += parts.data.seconds("valid")
    least = max(parts.model.encoder.min_samples, parts.model.encoder.sample_rate // 2)
    for cut in cache.stores:
        counts = []
        for samples in (least, 2 * least):
            noise = torch.randn(1, samples, generator=torch.Generator().manual_seed(0)).to(parts.processes.device)
            length = torch.tensor([samples], device=noise.device)
            counts.append(cross(parts.model, cut, noise, length)[0].states.numel() * width)
        slope = (counts[1] - counts[0]) / least * rate
        total += sum(max(0.0, counts[0] + slope * (s - least / rate)) + 600 for s in seconds)
    return round(total)


def _limit(parts: Parts) -> int:
    return round(parts.config.cache.gigabytes * 1e9)


def usual() -> Path:
    """The folder in the user's cache."""
    return default_cache().parent / STATES


def state_folder(spare: Path) -> Path:
    """`usual`, or `spare` where that cannot be written."""
    place = usual()
    try:
        place.mkdir(parents=True, exist_ok=True)
        trial = place / ".trial"
        trial.touch()
        trial.unlink(missing_ok=True)
    except OSError:
        return spare
    return place


def _owner(parts: Parts, cut: Boundary) -> str:
    """The folder of a boundary: a hash of all that what crosses it depends on, for every clip alike."""
    model, encoder = parts.model, parts.model.encoder
    below = encoder.parts()[: cut.layer + 2 if cut.layer >= 0 else 1]
    weights: dict[str, torch.Tensor] = {
        f"{name}.{i}": p for name, parameters in below for i, p in enumerate(parameters)
    }
    weights |= {f"buffer.{name}": b for name, b in encoder.named_buffers()}
    about: list[Any] = [
        VERSION,
        cut.kind,
        cut.layer,
        settings_of(encoder),
        repr(encoder.preprocessing),
        parts.config.evaluate.precision,
    ]
    about += [parts.config.cache.precision, model.layer_sum is not None]
    about += [model.spec["pooling"]] if cut.kind == "pooled" else []
    return weights_hash(weights, {"about": about})[:32]
