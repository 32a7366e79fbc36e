"""The composition root: sections of a config in, checked objects out. Parts themselves never see a config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audioft.assembly import folds, hearings, recipe, recordings, starting_model
from audioft.assembly.recordings import Data
from audioft.assembly.shared import Shared
from audioft.configuration import few_shot
from audioft.configuration.config import Config
from audioft.configuration.values import AUTO, LOSSES, REFINED
from audioft.core.progress import Console
from audioft.core.registry import Registry
from audioft.errors import ConfigError

if TYPE_CHECKING:
    from audioft.assembly.starting_model import Start
    from audioft.audio.hearing import Hearing
    from audioft.augmentation import Chain
    from audioft.core.runtime import Processes
    from audioft.models.classifier import AudioClassifier
    from audioft.models.encoder import Encoder
    from audioft.models.loading import LoadReport


@dataclass
class Parts:
    """What a run is made of, once data and model are there.

    Attributes:
        config: with all that is known before the first step in the place of `auto`.
        native: what the device computes in, `fp32` or `bf16`, or what was asked for.
        asked: the config as it was given.
        shared: with other runs of this process.
    """

    config: Config
    data: Data
    model: AudioClassifier
    loaded: LoadReport
    processes: Processes
    native: str
    console: Console
    asked: Config
    shared: Shared = field(default_factory=Shared)

    @property
    def precision(self) -> str:
        """What the run computes in: float32 where what the encoder says is computed in one pass, which is worth it.

        A head fitted to what it says in bfloat16 is not used in that. Wake words, five of each to learn from: 0.722 of
        those tested are right, and 0.704 so.
        """
        c = self.config
        once = c.freeze == "all" and not c.augment and c.mixup is None and c.latent is None
        return "fp32" if once and c.train.precision == "auto" else self.native

    @property
    def multilabel(self) -> bool:
        return self.data.manifest.multilabel

    @property
    def metric(self) -> str:
        """By which the best epoch is kept."""
        asked = self.config.train.metric
        if asked == AUTO:
            return "map" if self.model.frame_level else REFINED
        return asked or self.figure

    @property
    def figure(self) -> str:
        """What is told of a validation."""
        return "map" if self.multilabel else "accuracy"

    @property
    def max_seconds(self) -> float:
        """`data.max_seconds`, in seconds of the recordings."""
        return self.config.data.max_seconds / self.model.encoder.hearing.expansion


def assembled(
    config: Config,
    processes: Processes,
    console: Console,
    precision: str,
    *,
    bad_files: Path | None = None,
    headers_only: bool = False,
    chosen: Mapping[str, Any] | None = None,
    data: Data | None = None,
    shared: Shared | None = None,
) -> Parts:
    """The recordings and the model of a run; what does not go with the labels is told before the model is loaded.

    Args:
        config: of the run.
        processes: that it runs on; the model is put on their device.
        console: told what was found.
        precision: what it computes in, `fp32` or `bf16`.
        bad_files: where to write the table of bad recordings; nowhere if not given.
        headers_only: trust the headers of recordings instead of decoding every file.
        chosen: what has been chosen before of the settings that are `auto`, by their keys.
        data: the recordings, where they have been read before.
        shared: with runs before it.
    """
    from audioft.data.frames import FrameGrid, require_shown

    start = starting_model.load(config)
    if data is None:
        data = recordings.load(config, console, start=start, headers_only=headers_only, bad_files=bad_files)
        data = data if config.data.fold is None else folds.one(data, config.data.fold, config.seed)
    multilabel = data.manifest.multilabel
    before = {key: value for key, value in (chosen or {}).items() if key in recipe.CHOSEN}
    asked, config = config, recipe.of_data(recipe.fill(config, before), len(data.side("train")))
    if not few_shot.wanted(config):
        loss(config, multilabel, data.targets, data.known)
        _metric_fits(config.train.metric, multilabel)
    model, loaded = classifier(config, data.manifest.labels, multilabel, start)
    hearings.same(data.hearing, model.encoder.hearing, loaded.name)
    if model.frame_level and data.manifest.events is not None:
        heard = {clip.name for clip in data.clips("train")}
        events = [e for name, own in data.manifest.events.items() if name in heard for e in own]
        require_shown(events, FrameGrid(model.encoder.convolutions, model.encoder.hearing.per_second).seconds)
    model.to(processes.device)
    config = recipe.of_machine(recipe.of_model(config, model.encoder.hidden_size), processes.device)
    return Parts(config, data, model, loaded, processes, precision, console, asked, shared or Shared())


def _metric_fits(name: str | None, multilabel: bool) -> None:
    from audioft.evaluation.metrics import metric

    if name not in (None, AUTO, *LOSSES, "last"):
        try:
            metric(str(name), multilabel)
        except ConfigError as problem:
            raise ConfigError(f"train.metric: {problem}") from None


def classifier(
    config: Config, labels: tuple[str, ...], multilabel: bool, start: Start | None = None
) -> tuple[AudioClassifier, LoadReport]:
    """The encoder with a head, whose first weights are a function of the seed where `start` gives none.

    Raises:
        ModelError: the encoder cannot be loaded.
        ConfigError: the freezing plan or the adaptation does not fit it.
    """
    from audioft.models import freezing
    from audioft.models.loading import load_encoder, require_mask_embedding

    e = config.encoder
    dropout, layerdrop = (None if x == AUTO else x for x in (e.dropout, e.layerdrop))
    name = e.name if start is None else start.encoder
    encoder, report = load_encoder(name, revision=e.revision, dropout=dropout, layerdrop=layerdrop)
    if config.latent is not None and require_mask_embedding(encoder):
        report = replace(report, made=(*report.made, "masked_spec_embed"))
    hearings.give(config.data, encoder, start)
    hearings.refuse_longer(config.data.max_seconds, encoder, report.name)
    model = _on_top(config, encoder, labels, start)
    try:
        for policy in freezing.plan(config.freeze).values():
            freezing.frozen_parts(policy, encoder)
    except ValueError as problem:
        raise ConfigError(f"freeze: {problem}") from problem
    _adapt(config, encoder)
    freezing.apply(freezing.at_epoch(freezing.plan(config.freeze), 0), encoder)
    if start is not None:
        kept, told = start.fill(model, labels, multilabel)  # what is left over is the head, told of here
        report = replace(report, name=start.name, left_over=(), notes=(*report.notes, told), head_kept=kept)
    return model, report


def _adapt(config: Config, encoder: Encoder) -> None:
    """Put the adapters of the config, if it has any, into an encoder without."""
    from audioft.core.runtime import address
    from audioft.models import adapting

    if config.adapt is None:
        return
    seed, revision = address(config.seed, "adapt"), config.encoder.revision
    try:
        adapting.adapt(encoder, config.adapt, config.freeze, seed=seed, revision=revision)
    except ValueError as problem:
        raise ConfigError(f"adapt.{problem}") from problem


def _on_top(config: Config, encoder: Encoder, labels: tuple[str, ...], start: Start | None = None) -> AudioClassifier:
    """The encoder with pooling and head."""
    import torch

    from audioft.core.runtime import address
    from audioft.models.classifier import FRAMES, AudioClassifier

    m = config.model
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(address(config.seed, "init"))
            layers, pooling, head = (m.layers, m.pooling, m.head) if start is None else start.spec(config, labels)
            if config.events.use == "frames" or pooling == FRAMES:
                pooling = FRAMES if config.events.use == "frames" else m.pooling
            return AudioClassifier(encoder, len(labels), "last" if layers == AUTO else layers, pooling, head)
    except (ValueError, TypeError) as problem:
        named_key = str(problem).startswith(("model.", "events."))
        raise ConfigError(str(problem) if named_key else f"model: {problem}") from problem


def head_anew(config: Config, encoder: Encoder, labels: tuple[str, ...]) -> AudioClassifier:
    """The encoder of a run with the layers, pooling and head of its config, as if it had been built with them."""
    from audioft.models import adapting, freezing

    adapting.remove(encoder)  # a shorter one has adapters of its own
    model = _on_top(config, encoder, labels)
    _adapt(config, encoder)
    freezing.apply(freezing.at_epoch(freezing.plan(config.freeze), 0), encoder)
    return model


def chain(specs: Sequence[Any], hearing: Hearing | None = None) -> Chain | None:
    """The augmentations in order; None for none. The sounds of their folders are heard as the recordings are."""
    from audioft.augmentation import Chain, augmentations
    from audioft.augmentation.sound_folder import WithFolder

    parts = [augmentations.build(spec) for spec in specs]
    for part in parts:
        if isinstance(part, WithFolder):
            part.hearing = hearing
    return Chain(parts) if parts else None


def single(name: str, settings: Mapping[str, Any] | None) -> Any:
    """The part `mixup`, `latent` or `mixing`, or None."""
    return None if settings is None else singles().build({"name": name, **settings})


def singles() -> Registry:
    """Parts of which a config has one or none, under the key that they have there."""
    from audioft.augmentation import Mixup
    from audioft.data.crops import Mixing
    from audioft.training.latent import LatentMasking

    parts = Registry("part")
    for name, part in (("mixup", Mixup), ("latent", LatentMasking), ("mixing", Mixing)):
        parts.register(name)(part)
    return parts


def loss(config: Config, multilabel: bool, targets: np.ndarray, known: np.ndarray) -> Any:
    """The loss that the config names, or the one that fits the labels."""
    import torch

    from audioft.core.registry import split_spec
    from audioft.models.classifier import named
    from audioft.models.poolings_and_heads import heads
    from audioft.training.losses import balanced_weights, fitting, losses

    spec = config.train.loss or ("bce" if multilabel else "cross_entropy")
    if losses[split_spec(spec)[0]].multilabel != multilabel:  # type: ignore[attr-defined]
        kind = "several labels a clip" if multilabel else "one label a clip"
        raise ConfigError(
            f"train.loss: {split_spec(spec)[0]!r} does not fit data with {kind}; use {' or '.join(fitting(multilabel))}"
        )
    weights = None
    if config.train.class_weights == "balanced":
        weights = balanced_weights(torch.from_numpy(targets), torch.from_numpy(known))
    # a margin loss takes the cosines out of the head's logits again
    scale = heads.value(named(config.model.head, "projection"), "scale")
    return losses.build(spec, class_weights=weights, scale=scale)


def sampling_weights(config: Config, targets: np.ndarray, known: np.ndarray) -> np.ndarray | None:
    """How often each training clip is drawn: the rarest of its labels decides; None for once an epoch."""
    if config.train.sampler == "shuffle":
        return None
    present = (targets * known) > 0
    rarity = 1 / np.maximum(present.sum(0), 1)
    weights = (present * rarity).max(1)
    return np.where(weights > 0, weights, rarity.min())
