"""What a run would do, told before it does anything."""

from __future__ import annotations

import time
from pathlib import Path

from audioft.assembly import build, read_on, recipe, recordings
from audioft.assembly.fitting import decoded_cache, frozen_cache, throughput, training_clips
from audioft.configuration import few_shot
from audioft.configuration.config import Config
from audioft.core.progress import Console
from audioft.core.runtime import Processes, choose_precision, explain_precision
from audioft.core.wording import counted
from audioft.models import adapting, freezing
from audioft.models.classifier import AudioClassifier
from audioft.tasks.train import budget, pace
from audioft.training.optim import count_parameters

LAYOUTS = {
    "classes": "a folder a label",
    "splits": "a folder a side, in it a folder a label",
    "table": "a table",
    "events": "labels with times",
}
#: Bytes of a parameter that trains: its gradient, and the two moments that AdamW keeps of it.
TRAINED_BYTES = 12
UNEVEN = 0.75  # the share of the commonest label from which on it is told


def introduce(parts: build.Parts) -> None:
    """Say what will be trained on what."""
    told = [*_data(parts), *uneven(parts), *_model(parts), _device(parts), *throughput.canvas_told(parts)]
    parts.console.say("\n".join(told))


def plan(config: Config, console: Console, examples: Path | None) -> Config:
    """Say what a run would do, from headers alone but for `train.budget`; what is known of the data comes first.

    Args:
        config: of the run.
        console: where it is said.
        examples: a folder for augmented clips and a picture; none are made if not given.

    Returns:
        The config of the run.
    """
    began = time.monotonic()
    config = read_on.as_start(config, console)
    parts = from_headers(config, Processes(config.train.device), console)
    budget.settle(parts, config, began, None, {})
    console.say("\n".join([*_data(parts), *_sides(parts.data), *uneven(parts), *_model(parts), *_sizes(parts)]))
    if few_shot.wanted(config):
        lines = [_device(parts), "steps: none, one pass over the clips"]
    else:
        steps = throughput.step_plan(config, parts.data, parts.model.encoder)
        lines = [*_stages(parts), _device(parts), *throughput.steps_told(parts, steps)]
    console.say("\n".join([*lines, *throughput.canvas_told(parts)]))
    if not few_shot.wanted(config):
        for sentence in pace.told(parts, _kept(parts)):
            console.say(sentence)
    if examples is not None:
        _write_examples(parts, examples)
    return config


def _kept(parts: build.Parts) -> frozen_cache.Cache | None:
    """Say what a run would keep on the disk, and refuse where it would find no room; the cache of what is frozen."""
    if parts.config.cache.audio:
        decoded_cache.plan(parts)
    return frozen_cache.planned(parts, training_clips.of(parts, parts.data.clips("train")), frozen_cache.usual)


def from_headers(config: Config, processes: Processes, console: Console) -> build.Parts:
    """The data as its headers tell it, and the model that a run would begin with."""
    precision = choose_precision(config.train.precision, processes.device)
    return build.assembled(config, processes, console, precision, headers_only=True)


def _data(parts: build.Parts) -> list[str]:
    data = parts.data
    m = data.manifest
    kind = "several labels a clip" if m.multilabel else "one label a clip"
    hours = sum(c.seconds for c in data.checked) / 3600
    clips, labels = counted(len(m.clips), "clip"), counted(len(m.labels), "label")
    untold = throughput.untold(data)
    without = f" without {counted(untold, 'clip')} whose header tells no length" if untold else ""
    return [
        f"source: {_near(Path(str(parts.config.data.source)))} ({LAYOUTS[m.layout]})",
        f"data: {clips}, {hours:.2f} hours{without}, {labels} ({kind})",
        "split: " + ", ".join(f"{side} {len(data.side(side))}" for side in recordings.SIDES),
    ]


def uneven(parts: build.Parts) -> list[str]:
    """What to say where most clips have one label, and rare labels count no more for it."""
    data, t = parts.data, parts.config.train
    if parts.multilabel or parts.model.frame_level or (t.class_weights, t.sampler) != ("none", "shuffle"):
        return []
    counts = data.targets[data.side("train")].sum(0)
    share = counts.max() / max(1.0, counts.sum())
    if len(counts) < 2 or share < UNEVEN:
        return []
    label = data.manifest.labels[int(counts.argmax())]
    return [
        f"note: {share:.0%} of the clips are {label!r}, so that as many are right without listening: look at the "
        "balanced accuracy; train.class_weights=balanced lets rare labels count as much"
    ]


def _near(path: Path) -> Path:
    """A path as somebody in this folder would write it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _sides(data: recordings.Data) -> list[str]:
    """How many clips of each label are on each side, as a table."""
    width = max(len(x) for x in ("label", *data.manifest.labels))
    unsure = not data.known.all()
    lines = [f"{'label':<{width}} " + "".join(f"{side:>8}" for side in recordings.SIDES) + " unknown" * unsure]
    present = (data.targets * data.known) > 0
    for column, label in enumerate(data.manifest.labels):
        counts = [int(present[data.side(side), column].sum()) for side in recordings.SIDES]
        counts += [int((~data.known[:, column]).sum())] if unsure else []
        lines.append(f"{label:<{width}} " + "".join(f"{n:>8}" for n in counts))
    return lines


def _model(parts: build.Parts) -> list[str]:
    trained, total = count_parameters(parts.model)
    policy = freezing.at_epoch(freezing.plan(parts.config.freeze), 0)
    told = f"parameters: {trained:,} of {total:,} train ({_policy_told(parts.model, policy)})"
    how = parts.model.encoder.hearing
    heard = [] if how.plain else [f"recordings are heard: {how}"]
    chosen = [] if few_shot.wanted(parts.config) else recipe.told(parts.asked, parts.config)
    return [f"encoder: {parts.loaded}", *heard, told, *chosen]


def _device(parts: build.Parts) -> str:
    fellows = f", {parts.processes.count} processes" if parts.processes.count > 1 else ""
    precision = explain_precision(parts.config.train.precision, parts.processes.device)
    if parts.precision != parts.native:
        precision = f"{parts.precision}, once"
    return f"computing on {parts.processes.device} in {precision}{fellows}"


def _policy_told(model: AudioClassifier, policy: freezing.Policy) -> str:
    return adapting.describe(model.encoder, lambda: freezing.describe(policy))


def _sizes(parts: build.Parts) -> list[str]:
    """The parts of the model with their parameters, and whether they train."""
    model, lines = parts.model, []
    for part, parameters in model.encoder.parts():
        size = sum(p.numel() for p in parameters)
        free = sum(p.numel() for p in parameters if p.requires_grad)
        told = "frozen" if not free else "trains" if free == size else f"{free:,} train"
        lines.append(f"  {part:<18} {size:>12,}  {told}")
    size = sum(t.numel() for t in (*model.head_parameters(), *model.head.buffers()))
    return [*lines, f"  {'head':<18} {size:>12,}  {'is fitted' if few_shot.wanted(parts.config) else 'trains'}"]


def _stages(parts: build.Parts) -> list[str]:
    """What trains later on, where that changes, and the memory that all of it takes at least."""
    model, schedule = parts.model, freezing.plan(parts.config.freeze)
    lines, most = [], 0
    for epoch, policy in schedule.items():
        freezing.apply(policy, model.encoder)
        trained, _ = count_parameters(model)
        most = max(most, trained)
        if epoch:
            lines.append(f"from epoch {epoch + 1} on: {trained:,} train ({_policy_told(model, policy)})")
    freezing.apply(schedule[0], model.encoder)
    size = sum(t.numel() * t.element_size() for t in (*model.parameters(), *model.buffers())) + TRAINED_BYTES * most
    told = f"memory: {size / 1e6:,.1f} MB for weights, gradients and AdamW's moments; what a step computes comes on top"
    return [*lines, told]


def _write_examples(parts: build.Parts, folder: Path) -> None:
    from audioft.augmentation.examples import write_examples

    config = parts.config
    how = parts.model.encoder.hearing
    chain = build.chain(config.augment, how)
    if chain is None:
        parts.console.say(
            "note: no augmentations are set, so no examples are written; try --config configs/quick_cpu.yaml"
        )
        return
    picture = write_examples(folder, chain, parts.data.clips("train"), how, parts.max_seconds, config.seed)
    parts.console.say(f"examples: {picture}")
