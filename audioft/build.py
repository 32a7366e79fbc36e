"""The composition root: sections of a config in, checked objects out. Parts themselves never see a config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audioft import few_shot_settings
from audioft.config import Config
from audioft.errors import ConfigError, DataError, UsageError
from audioft.progress import Console
from audioft.registry import Registry

if TYPE_CHECKING:
    from audioft.augmentation import Chain
    from audioft.data.check import Checked
    from audioft.data.clip import Clip
    from audioft.data.manifest import Manifest
    from audioft.data.splits import Split
    from audioft.models.classifier import AudioClassifier
    from audioft.models.loading import LoadReport
    from audioft.runtime import Processes

SIDES = ("train", "valid", "test")


def problems(config: Config) -> list[str]:
    """All that is wrong with the parts a config names: each is bound to its signature before anything is loaded."""
    from audioft.augmentation import augmentations
    from audioft.evaluation.metrics import METRICS
    from audioft.models import freezing
    from audioft.models.parts import heads, poolings
    from audioft.registry import suggest
    from audioft.training.losses import losses
    from audioft.training.schedules import schedules

    found = freezing.problems(config.freeze)
    found += poolings.check(config.model.pooling, "model.pooling")
    found += heads.check(config.model.head, "model.head")
    for i, spec in enumerate(config.augment):
        found += augmentations.check(spec, f"augment.{i}")
    for name in ("mixup", "latent"):
        settings = getattr(config, name)
        if settings is not None:
            found += _singles().check({"name": name, **settings}, name)
    found += schedules.check(config.train.schedule, "train.schedule")
    if config.train.loss is not None:
        found += losses.check(config.train.loss, "train.loss")
    if config.events.use == "frames":
        found += _of_frames(config)
    found += few_shot_settings.problems(config)
    metric = config.train.metric
    if metric not in (None, "loss", *METRICS):
        found.append(f"train.metric: unknown metric {metric!r}{suggest(str(metric), ['loss', *METRICS])}")
    return found


def _of_frames(config: Config) -> list[str]:
    """What does not go together with learning frames."""
    from audioft.augmentation import augmentations
    from audioft.registry import split_spec

    found = [
        f"augment.{i}: {name!r} changes when things happen; leave it out where frames are learnt (events.use=frames)"
        for i, name in enumerate(split_spec(spec)[0] for spec in config.augment)
        if name in augmentations.names() and augmentations[name].moves  # type: ignore[attr-defined]
    ]
    e, metric = config.events, config.train.metric
    if e.context or e.background != "none":
        found.append("events: context and background are of clips; frames learn what lies around events in any case")
    if metric not in (None, "map", "loss"):
        found.append(f"train.metric: {metric!r} is of clips; frames are measured by map or loss")
    return found


@dataclass(frozen=True)
class Data:
    """Recordings ready to train on.

    Attributes:
        manifest: the clips that passed the check.
        split: positions of its clips by side.
        checked: length and content hash of each clip.
        targets, known: `(N, C)`, see `data.targets`.
        bad: the clips that did not pass, with why.
    """

    manifest: Manifest
    split: Split
    checked: list[Checked]
    targets: np.ndarray
    known: np.ndarray
    bad: list[tuple[Clip, Checked]]

    def side(self, name: str) -> np.ndarray:
        return getattr(self.split, name)

    def clips(self, name: str) -> list[Clip]:
        return [self.manifest.clips[i] for i in self.side(name)]

    def seconds(self, name: str) -> list[float]:
        return [self.checked[i].seconds for i in self.side(name)]


@dataclass
class Parts:
    """What a run is made of, once data and model are there."""

    config: Config
    data: Data
    model: AudioClassifier
    loaded: LoadReport
    processes: Processes
    precision: str
    console: Console

    @property
    def multilabel(self) -> bool:
        return self.data.manifest.multilabel

    @property
    def metric(self) -> str:
        return self.config.train.metric or ("map" if self.multilabel else "accuracy")


def data(config: Config, console: Console, *, headers_only: bool = False, bad_files: Path | None = None) -> Data:
    """Load, check and split the recordings.

    Args:
        config: its `data` section and seed are used.
        console: told what was found.
        headers_only: trust the headers instead of decoding every file.
        bad_files: where to write the table of bad recordings.

    Raises:
        UsageError: no source, or it does not exist.
        DataError: the table, the recordings or the split cannot be used.
    """
    from audioft.data import source, splits, targets

    d, e = config.data, config.events
    if d.source is None:
        raise UsageError("no data given: name a folder or a table, `audioft train DATA`, or set data.source")
    manifest = source.load(
        d.source,
        label=d.label,
        group=d.group,
        allow_outside=d.allow_outside,
        events=source.EventUse(e.use, e.context, e.background),
        window=d.max_seconds,
        seed=config.seed,
    )
    for note in manifest.notes:
        console.say(f"note: {note}")
    manifest, checked, bad = _checked(manifest, config, console, headers_only, bad_files)
    split = splits.split(manifest, valid=d.valid, test=d.test, seed=config.seed)
    for note in split.notes:
        console.say(f"note: {note}")
    if not headers_only:
        splits.check_leaks(manifest, split, [c.digest for c in checked])
    wanted, known = targets.targets(manifest.clips, manifest.labels, manifest.multilabel)
    return Data(manifest, split, checked, wanted, known, bad)


def _checked(manifest: Manifest, config: Config, console: Console, headers_only: bool, bad_files: Path | None) -> Any:
    from audioft.data import check as checking
    from audioft.data import targets

    if headers_only:
        checked = checking.headers(manifest.clips)
    else:
        with console.job("checking recordings", len(manifest.clips)) as job:
            checked = checking.check(
                manifest.clips,
                cache=checking.default_cache(),
                workers=max(1, config.data.workers),
                progress=lambda done, total: job.at(done),
            )
    if manifest.layout == "events":
        checked = checking.silence_allowed(checked)
    bad = [(c, k) for c, k in zip(manifest.clips, checked, strict=True) if k.problem is not None]
    if bad_files is not None:
        checking.write_bad_files(bad_files, manifest.clips, checked)
    checking.enforce(manifest.clips, checked, config.data.max_bad, bad_files)
    if bad:
        where = f", see {bad_files}" if bad_files is not None else ""
        console.say(f"note: {len(bad)} of {len(checked)} recordings cannot be used{where}")
        for clip, k in bad[:5]:
            assert k.problem is not None
            console.say(f"      {clip.name}: {k.problem[1]}")
    good = [(c, k) for c, k in zip(manifest.clips, checked, strict=True) if k.problem is None]
    if not good:
        raise DataError(f"{manifest.root}: none of its {len(checked)} recordings can be used")
    clips = tuple(c for c, _ in good)
    labels = targets.label_order(clips)
    if not labels:
        raise DataError(f"{manifest.root}: none of its labels is of a recording that can be used")
    for lost in sorted(set(manifest.labels) - set(labels)):
        console.say(f"note: the label {lost!r} is gone: none of its recordings can be used")
    return replace(manifest, clips=clips, labels=labels), [k for _, k in good], bad


def classifier(config: Config, num_labels: int) -> tuple[AudioClassifier, LoadReport]:
    """The encoder with a new head, its first weights a function of the seed.

    Raises:
        ModelError: the encoder cannot be loaded.
        ConfigError: the freezing plan does not fit it.
    """
    import torch

    from audioft.models import freezing
    from audioft.models.classifier import FRAMES, AudioClassifier
    from audioft.models.loading import load_encoder, require_mask_embedding
    from audioft.runtime import address

    e = config.encoder
    encoder, report = load_encoder(e.name, revision=e.revision, dropout=e.dropout, layerdrop=e.layerdrop)
    if config.latent is not None and require_mask_embedding(encoder):
        report = replace(report, made=(*report.made, "masked_spec_embed"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(address(config.seed, "init"))
        pooling = FRAMES if config.events.use == "frames" else config.model.pooling
        model = AudioClassifier(encoder, num_labels, config.model.layers, pooling, config.model.head)
    try:
        for policy in freezing.plan(config.freeze).values():
            freezing.frozen_parts(policy, encoder)
    except ValueError as problem:
        raise ConfigError(f"freeze: {problem}") from problem
    freezing.apply(freezing.at_epoch(freezing.plan(config.freeze), 0), encoder)
    return model, report


def chain(config: Config) -> Chain | None:
    """The waveform augmentations in order; None for none."""
    from audioft.augmentation import Chain, augmentations

    return Chain([augmentations.build(spec) for spec in config.augment]) if config.augment else None


def single(name: str, settings: Mapping[str, Any] | None) -> Any:
    """The `mixup` or `latent` part, or None."""
    return None if settings is None else _singles().build({"name": name, **settings})


def _singles() -> Registry:
    from audioft.augmentation import Mixup
    from audioft.training.latent import LatentMasking

    parts = Registry("part")
    parts.register("mixup")(Mixup)
    parts.register("latent")(LatentMasking)
    return parts


def loss(config: Config, multilabel: bool, targets: np.ndarray, known: np.ndarray) -> Any:
    """The loss that the config names, or the one that fits the labels."""
    import torch

    from audioft.registry import split_spec
    from audioft.training.losses import balanced_weights, losses

    spec = config.train.loss or ("bce" if multilabel else "cross_entropy")
    if losses[split_spec(spec)[0]].multilabel != multilabel:  # type: ignore[attr-defined]
        fitting = [n for n in losses.names() if losses[n].multilabel == multilabel]  # type: ignore[attr-defined]
        kind = "several labels a clip" if multilabel else "one label a clip"
        raise ConfigError(
            f"train.loss: {split_spec(spec)[0]!r} does not fit data with {kind}; use {' or '.join(fitting)}"
        )
    weights = None
    if config.train.class_weights == "balanced":
        weights = balanced_weights(torch.from_numpy(targets), torch.from_numpy(known))
    return losses.build(spec, class_weights=weights)


def sampling_weights(config: Config, targets: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    """How often each training clip is drawn: the rarest of its labels decides; None for once an epoch."""
    if config.train.sampler == "shuffle":
        return None
    present = (targets * known) > 0
    rarity = 1 / np.maximum(present.sum(0), 1)
    weights = (present * rarity).max(1)
    return np.where(weights > 0, weights, rarity.min())
