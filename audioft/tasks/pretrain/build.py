"""The composition root of pretraining: sections of its config in, checked objects out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audioft.configuration.config import PretrainConfig
from audioft.core.progress import Console
from audioft.errors import DataError, ModelError, UsageError

if TYPE_CHECKING:
    from audioft.augmentation import Chain
    from audioft.core.runtime import Processes
    from audioft.data.clip import Clip
    from audioft.data.crops import Mixing
    from audioft.models.encoder import Encoder
    from audioft.training.latent import LatentMasking

#: What is heard must stay in step with what is predicted.
CHANGING_LENGTH = ("speed", "time_stretch", "shift")
DROPOUTS = ("hidden_dropout", "attention_dropout", "activation_dropout", "feat_proj_dropout")


def problems(config: PretrainConfig) -> list[str]:
    """All that is wrong with the parts a config names, found before anything is loaded."""
    from audioft.augmentation import augmentations
    from audioft.core.registry import split_spec
    from audioft.models import architecture, freezing
    from audioft.training.schedules import schedules

    found = freezing.problems(config.frozen())
    found += schedules.check(config.train.schedule, "train.schedule")
    for key in ("augment", "disturb"):
        for i, spec in enumerate(getattr(config, key)):
            wrong = augmentations.check(spec, f"{key}.{i}")
            found += wrong
            if key == "disturb" and not wrong and split_spec(spec)[0] in CHANGING_LENGTH:
                found.append(f"disturb.{i}: {split_spec(spec)[0]} moves what is to be predicted; set it in augment")
    if config.mixing is not None:
        found += _mixings().check({"name": "mixing", **config.mixing}, "mixing")
    for i, spec in enumerate(config.data.sources):
        found += _source_problems(spec, f"data.sources.{i}")
    o = config.objective
    if o.like_recording and o.crops < 2:
        found.append(
            f"objective.like_recording: it compares crops of one recording; objective.crops is {o.crops}, set 2"
        )
    if o.like_recording and config.train.accumulate > 1:
        found.append(
            "objective.like_recording: the crops of a recording must be in one piece; set train.accumulate=1, or "
            "objective.like_recording=0"
        )
    if config.train.batch_size % o.crops:
        found.append(f"train.batch_size: {config.train.batch_size} is no multiple of objective.crops, {o.crops}")
    if config.encoder.start is None:
        found += architecture.problems(config.encoder.architecture, "encoder.architecture")
        if config.objective.rounds and config.objective.rounds[0].targets == "layer":
            found.append(
                "objective.rounds.0: an encoder from nothing has no layer worth clustering yet; begin with mfcc"
            )
    return found


def _source_problems(spec: Any, where: str) -> list[str]:
    from audioft.data.unlabelled_pool import Source

    if isinstance(spec, str):
        return []
    known = [f.name for f in fields(Source)]
    found = [f"{where}.{k}: unknown; known are {', '.join(known)}" for k in spec if k not in known]
    if "path" not in spec:
        found.append(f"{where}: path is missing")
    elif not isinstance(spec["path"], str):
        found.append(f"{where}.path: expected a folder, a table or a recording; found {spec['path']!r}")
    if not isinstance(spec.get("test", False), bool):
        found.append(f"{where}.test: expected true or false; found {spec['test']!r}")
    for key in ("where", "without"):
        if not isinstance(spec.get(key, {}), dict):
            found.append(f"{where}.{key}: expected columns and values, as {{fold: [1, 2]}}; found {spec[key]!r}")
    weight = spec.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or weight <= 0:
        found.append(f"{where}.weight: {weight!r} is not a number above 0")
    return found


@dataclass(frozen=True)
class PretrainingData:
    """Recordings ready to pretrain on.

    Attributes:
        clips: N of them, each in a file where a crop is read quickly.
        seconds, digests: of each.
        shares: `(N,)`, how likely each is to be drawn.
        learnt, held_out: positions of those that are learnt from, and of those only measured on.
        sources: of each source its name, its seconds, and its share of the crops.
        bad: how many recordings could not be used.
    """

    clips: list[Clip]
    seconds: list[float]
    digests: list[str]
    shares: np.ndarray
    learnt: list[int]
    held_out: list[int]
    sources: list[tuple[str, float, float]]
    bad: int


def data(
    config: PretrainConfig, encoder: Encoder, folder: Path, processes: Processes, console: Console
) -> PretrainingData:
    """Find, check and decode the recordings.

    Raises:
        UsageError: no source is named, or one does not exist.
        DataError: a source has no recordings, too many are bad, or there is nothing to learn from.
    """
    from audioft.data import check as checking
    from audioft.data import decoded, unlabelled_pool

    sources = [
        unlabelled_pool.Source(s) if isinstance(s, str) else unlabelled_pool.Source(**s) for s in config.data.sources
    ]
    if not sources:
        raise UsageError("no recordings given: `audioft pretrain DATA... --out ENCODER`, or set data.sources")
    found = unlabelled_pool.gather(sources, config.data.allow_outside)
    for note in found.notes:
        console.say(f"note: {note}")
    with console.job("checking recordings", len(found.clips)) as job:
        checked = checking.check(
            found.clips,
            cache=checking.default_cache(),
            workers=max(1, config.data.workers),
            progress=lambda done, total: job.at(done),
        )
    table = folder / "bad_files.csv"
    if processes.main:
        checking.write_bad_files(table, found.clips, checked)
    checking.enforce(found.clips, checked, config.data.max_bad, table)
    good = [i for i, c in enumerate(checked) if c.problem is None]
    bad = len(checked) - len(good)
    if bad:
        console.say(f"note: {bad} of {len(checked)} recordings cannot be used, see {table}")
    kept = unlabelled_pool.Pool(tuple(found.clips[i] for i in good), tuple(found.source[i] for i in good), ())
    seconds = [checked[i].seconds for i in good]
    digests = [checked[i].digest for i in good]
    drawn = [f"{d} {c.key}" for d, c in zip(digests, kept.clips, strict=True)]
    learnt, held_out = _held_out(drawn, config.data.held_out)
    if not learnt:
        raise DataError(f"{len(good)} recordings are too few to hold some out; set data.held_out=0")
    shares = unlabelled_pool.shares(kept, seconds, sources, config.data.crop_seconds)
    place = folder / "decoded"
    if processes.main:
        _make_room(place)
        with console.job("decoding recordings", len(good)) as job:
            clips = decoded.decoded(kept.clips, seconds, place, encoder.sample_rate, job.at)
    processes.wait()
    if not processes.main:  # all files are there by now
        clips = decoded.decoded(kept.clips, seconds, place, encoder.sample_rate, lambda done: None)
    told = []
    for i, source in enumerate(sources):
        mine = [k for k, s in enumerate(kept.source) if s == i]
        told.append((source.path, sum(seconds[k] for k in mine), float(shares[mine].sum())))
    return PretrainingData(clips, seconds, digests, shares, learnt, held_out, told, bad)


def _held_out(names: Sequence[str], share: float) -> tuple[list[int], list[int]]:
    """Positions to learn from and to hold out, by the names' hashes, so that adding recordings moves few of them."""
    order = sorted(range(len(names)), key=lambda i: hashlib.sha256(names[i].encode()).hexdigest())
    count = round(share * len(names))
    if share > 0 and count == 0 and len(names) >= 4:
        count = 1
    return sorted(order[count:]), sorted(order[:count])


def _make_room(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise UsageError(f"{folder} cannot be made: {e.strerror}; give another --out") from e


def encoder(config: PretrainConfig) -> tuple[Encoder, str]:
    """The encoder to begin with, in training form, and its name.

    Raises:
        ModelError: it cannot be loaded.
    """
    from audioft.models.architecture import new_encoder
    from audioft.models.loading import load_encoder, require_mask_embedding

    e = config.encoder
    if e.start is None:
        shape = dict(e.architecture) | dict.fromkeys(DROPOUTS, e.dropout) | {"layerdrop": e.layerdrop}
        return new_encoder(shape, config.seed), "nothing"
    loaded, _ = load_encoder(e.start, revision=e.revision, dropout=e.dropout, layerdrop=e.layerdrop)
    require_mask_embedding(loaded)
    return loaded, e.start


def own_rates(config: PretrainConfig) -> dict[str, float]:
    """Dropouts and layer drop that the encoder is written with: what it began with, not those of the pretraining."""
    from transformers import AutoConfig

    from audioft.models.architecture import shape_config
    from audioft.models.loading import quiet_transformers, resolve

    if config.encoder.start is None:
        whole = shape_config(config.encoder.architecture)
    else:
        with quiet_transformers():
            whole = AutoConfig.from_pretrained(resolve(config.encoder.start), revision=config.encoder.revision)
    return {key: getattr(whole, key) for key in (*DROPOUTS, "layerdrop") if hasattr(whole, key)}


@dataclass(frozen=True)
class RoundPlan:
    """One round, with everything filled in.

    Attributes:
        name: `round-1`, ...
        targets, clusters, layer: see `sections.Round`; `layer` is None for MFCCs.
        measures: how many times it is measured.
        steps: a multiple of that.
        before: the folder of the encoder whose layer is clustered, below the run folder; None for the one that
            the pretraining began with.
    """

    name: str
    targets: str
    clusters: int
    layer: int | None
    measures: int
    steps: int
    before: str | None

    def spell(self) -> str:
        """In words."""
        what = "MFCCs with their deltas" if self.targets == "mfcc" else f"the encoder's own layer {self.layer}"
        return f"{self.clusters} clusters of {what}, {self.steps} steps"


def rounds(config: PretrainConfig, encoder: Encoder) -> list[RoundPlan]:
    """The rounds of a pretraining, as set or as fits how it begins.

    Raises:
        ModelError: a round names a layer that the encoder has not.
    """
    from audioft.configuration.pretraining import Round

    asked = list(config.objective.rounds)
    if not asked:
        asked = [Round(targets="layer", clusters=200)]
        if config.encoder.start is None:
            asked.insert(0, Round(targets="mfcc", clusters=100))
    plans = []
    for i, r in enumerate(asked):
        layer = None
        if r.targets == "layer":
            layer = r.layer or max(1, (encoder.num_layers + 1) // 2)  # HuBERT's second round takes the middle one
            if layer > encoder.num_layers:
                raise ModelError(
                    f"objective.rounds.{i}.layer: {layer}, but the encoder has {encoder.num_layers} layers"
                )
        measures = min(config.train.measures, r.steps)
        steps = -(-r.steps // measures) * measures
        before = f"round-{i}/encoder" if i else None
        plans.append(RoundPlan(f"round-{i + 1}", r.targets, r.clusters, layer, measures, steps, before))
    return plans


def masking(config: PretrainConfig) -> LatentMasking:
    """Spans that hide about the asked share; so many more are laid as will overlap."""
    from audioft.training.latent import LatentMasking

    o = config.objective
    return LatentMasking(time=float(-np.log1p(-o.mask)), time_length=o.mask_frames)


def chain(specs: Sequence[Any]) -> Chain | None:
    from audioft.augmentation import Chain, augmentations

    return Chain([augmentations.build(s) for s in specs]) if specs else None


def mixing(config: PretrainConfig) -> Mixing | None:
    return None if config.mixing is None else _mixings().build({"name": "mixing", **config.mixing})


def _mixings() -> Any:
    from audioft.core.registry import Registry
    from audioft.data.crops import Mixing

    parts = Registry("part")
    parts.register("mixing")(Mixing)
    return parts
