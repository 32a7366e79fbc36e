"""What is wrong with a config that its sections cannot tell: of parts that it names, and what does not go together."""

from __future__ import annotations

from audioft.assembly import hearings
from audioft.assembly.build import singles
from audioft.configuration import few_shot
from audioft.configuration.config import Config
from audioft.configuration.values import AUTO, LOSSES


def problems(config: Config) -> list[str]:
    """All that is wrong with the parts a config names: each is bound to its signature before anything is loaded."""
    from audioft.augmentation import augmentations
    from audioft.core.registry import split_spec, suggest
    from audioft.evaluation.metrics import METRICS
    from audioft.models import adapting, freezing
    from audioft.models.adaptations import adaptations
    from audioft.models.classifier import named
    from audioft.models.hub import misspelt
    from audioft.models.poolings_and_heads import heads, poolings
    from audioft.training import objectives
    from audioft.training.losses import losses
    from audioft.training.schedules import schedules

    found = [] if config.freeze == AUTO else freezing.problems(config.freeze)
    if config.start.model is None and (wrong := misspelt(config.encoder.name)) is not None:
        found.append(f"encoder.name: {wrong}")
    if config.adapt is not None:
        if not found and config.freeze != AUTO and not few_shot.wanted(config):  # which trains nothing: told below
            found += adapting.contradictions(config.freeze)
        found += (of_adapter := adaptations.check(config.adapt, "adapt"))
        if not of_adapter and config.start.model is not None and split_spec(config.adapt)[1].get("save") == "adapter":
            found.append("adapt.save: an adapter alone needs a published encoder; with start.model save merged")
    found += poolings.check(named(config.model.pooling, "mean"), "model.pooling")
    head = named(config.model.head, "projection")
    found += (of_head := heads.check(head, "model.head"))
    found += [p for i, spec in enumerate(config.augment) for p in augmentations.check(spec, f"augment.{i}")]
    for name in ("mixup", "latent"):
        settings = getattr(config, name)
        if settings is not None:
            found += singles().check({"name": name, **settings}, name)
    found += schedules.check(config.train.schedule, "train.schedule")
    if config.train.loss is not None:
        of_loss = losses.check(config.train.loss, "train.loss")
        found += of_loss
        if not (of_loss or of_head):
            mixed, frames = config.mixup is not None, config.events.use == "frames"
            found += objectives.problems(config.train.loss, head, mixed, frames)
    if config.events.use == "frames":
        found += _of_frames(config)
    found += hearings.problems(config.data)
    found += few_shot.problems(config)
    if few_shot.wanted(config):
        found += _learnt_pooling(config)
    metric = config.train.metric
    if metric not in (None, AUTO, *LOSSES, "last", *METRICS):
        found.append(f"train.metric: unknown metric {metric!r}{suggest(str(metric), [*LOSSES, 'last', *METRICS])}")
    if metric == "last" and config.train.patience not in (AUTO, 0):
        found.append(
            "train.patience: nothing is waited for where the last epoch is kept (train.metric=last); set it to 0"
        )
    if config.train.ema is not None and config.train.average_last:
        found.append("train.ema: weights are averaged over steps or over epochs (train.average_last); take one of them")
    return found


def _learnt_pooling(config: Config) -> list[str]:
    """What prototypes cannot go with: weights below them that nothing trains."""
    from audioft.core.registry import split_spec
    from audioft.models.classifier import named
    from audioft.models.poolings_and_heads import poolings

    spec = named(config.model.pooling, "mean")
    if poolings.check(spec, "model.pooling") or not list(poolings.build(spec, hidden_size=8).parameters()):
        return []
    return [f"model.pooling: {split_spec(spec)[0]!r} has weights to be trained, and {few_shot.nothing()}; take mean"]


def _of_frames(config: Config) -> list[str]:
    """What does not go together with learning frames."""
    from audioft.augmentation import augmentations
    from audioft.core.registry import split_spec

    found = [
        f"augment.{i}: {name!r} changes when things happen; leave it out where frames are learnt (events.use=frames)"
        for i, name in enumerate(split_spec(spec)[0] for spec in config.augment)
        if name in augmentations.names() and augmentations[name].moves  # type: ignore[attr-defined]
    ]
    e, metric = config.events, config.train.metric
    if e.context or e.background != "none":
        found.append("events.context, events.background: for clips; leave them out, frames learn what is around events")
    if metric not in (None, AUTO, "map", "loss", "last"):
        found.append(f"train.metric: {metric!r} is of clips; with events.use=frames take map, loss or last")
    return found
