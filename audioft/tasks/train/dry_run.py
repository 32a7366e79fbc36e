"""What a run would do, told before it does anything."""

from __future__ import annotations

from pathlib import Path

from audioft.assembly import build, recordings, starting_model
from audioft.configuration import few_shot
from audioft.configuration.config import Config
from audioft.core.progress import Console
from audioft.core.runtime import Processes, choose_precision, explain_precision
from audioft.core.wording import counted
from audioft.models import adapting, freezing
from audioft.models.classifier import AudioClassifier
from audioft.models.loading import LoadReport
from audioft.tasks.train import throughput
from audioft.training.optim import count_parameters


def introduce(parts: build.Parts) -> None:
    """Say what will be trained on what."""
    data, console = parts.data, parts.console
    m = data.manifest
    kind = "several labels a clip" if m.multilabel else "one label a clip"
    hours = sum(c.seconds for c in data.checked) / 3600
    clips, labels = counted(len(m.clips), "clip"), counted(len(m.labels), "label")
    console.say(f"data: {clips}, {hours:.2f} hours, {labels} ({kind}), from {m.layout}")
    console.say("split: " + ", ".join(f"{side} {len(data.side(side))}" for side in recordings.SIDES))
    console.say(f"encoder: {parts.loaded}")
    trained, total = count_parameters(parts.model)
    policy = freezing.at_epoch(freezing.plan(parts.config.freeze), 0)
    said = adapting.describe(parts.model.encoder, lambda: freezing.describe(policy))
    console.say(f"parameters: {trained:,} of {total:,} train ({said})")
    fellows = f", {parts.processes.count} processes" if parts.processes.count > 1 else ""
    precision = explain_precision(parts.config.train.precision, parts.processes.device)
    console.say(f"computing on {parts.processes.device} in {precision}{fellows}")


def plan(config: Config, console: Console, examples: Path | None) -> None:
    """What a run would do, from headers alone: the split by label, what trains, how many steps; and examples."""
    data, model, loaded = from_headers(config, console)
    processes = Processes(config.train.device)
    precision = choose_precision(config.train.precision, processes.device)
    parts = build.Parts(config, data, model, loaded, processes, precision, console)
    introduce(parts)
    for part, parameters in model.encoder.parts():
        size = sum(p.numel() for p in parameters)
        free = sum(p.numel() for p in parameters if p.requires_grad)
        told = "frozen" if not free else "trains" if free == size else f"{free:,} train"
        console.say(f"  {part:<18} {size:>12,}  {told}")
    few = few_shot.wanted(config)
    size = sum(t.numel() for t in (*model.head_parameters(), *model.head.buffers()))
    console.say(f"  {'head':<18} {size:>12,}  {'is fitted' if few else 'trains'}")
    steps = ["steps: none, one pass over the clips"] if few else steps_told(parts, throughput.step_plan(config, data))
    console.say("\n".join(steps))
    width = max(len(x) for x in ("label", *data.manifest.labels))
    unsure = not data.known.all()
    console.say(f"{'label':<{width}} " + "".join(f"{side:>8}" for side in recordings.SIDES) + " unknown" * unsure)
    present = (data.targets * data.known) > 0
    for column, label in enumerate(data.manifest.labels):
        counts = [int(present[data.side(side), column].sum()) for side in recordings.SIDES]
        counts += [int((~data.known[:, column]).sum())] if unsure else []
        console.say(f"{label:<{width}} " + "".join(f"{n:>8}" for n in counts))
    if examples is not None:
        from audioft.augmentation.examples import write_examples

        chain = build.chain(config)
        if chain is None:
            console.say(
                "note: no augmentations are set, so no examples are written; try --config configs/quick_cpu.yaml"
            )
            return
        picture = write_examples(
            examples,
            chain,
            data.clips("train"),
            model.encoder.sample_rate,
            config.data.max_seconds,
            config.seed,
        )
        console.say(f"examples: {picture}")


def steps_told(parts: build.Parts, plan: throughput.StepPlan) -> list[str]:
    t = parts.config.train
    return throughput.told(plan, t.epochs, parts.processes.count, t.accumulate)


def from_headers(config: Config, console: Console) -> tuple[recordings.Data, AudioClassifier, LoadReport]:
    """The data as its headers tell it, and the model that a run would begin with."""
    start = starting_model.load(config)
    data = recordings.load(config, console, start=start, headers_only=True)
    return data, *build.classifier(config, data.manifest.labels, data.manifest.multilabel, start)
