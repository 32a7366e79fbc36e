"""How fast a run goes: its steps, how much of them is padding, and how long the model waits for data."""

from __future__ import annotations

import os

import numpy as np

from audioft.assembly import build
from audioft.assembly.recordings import Data
from audioft.configuration.config import Config
from audioft.core.wording import counted
from audioft.data.batching import StepPlan
from audioft.evaluation import canvas
from audioft.models.encoder import Encoder

PADDED = 0.2  # the share of padding from which on something should be done about it
WAITED = 0.05  # the share of waiting likewise


def step_plan(config: Config, data: Data, encoder: Encoder) -> StepPlan:
    """The clips of every step, as long as their training crops are for the encoder."""
    index, t = data.side("train"), config.train
    heard = np.array(data.seconds("train")) * data.hearing.expansion
    return StepPlan(
        len(index),
        t.batch_size,
        config.seed,
        build.sampling_weights(config, data.targets[index], data.known[index]),
        seconds=np.minimum(heard, config.data.max_seconds),
        batch_seconds=t.batch_seconds,
        canvas=encoder.canvas_samples / encoder.sample_rate,
    )


def told(plan: StepPlan, epochs: int, processes: int, accumulate: int) -> list[str]:
    """Sentences about the steps of a run, and about what of them is padding where clips differ in length."""
    counts = [plan.steps_of(e) for e in range(epochs)]
    few, many = min(counts), max(counts)
    each = f"{few}" if few == many else f"{few} to {many}, {sum(counts)} in all"
    said = [f"steps: {epochs} epochs of {each}"]
    share = plan.padding(0, processes, accumulate)
    if share >= 0.005:
        remedy = f", all of it on a canvas of {plan.canvas:.3g} s a clip" if plan.canvas else ""
        if share > PADDED and plan.batch_seconds is None and not plan.canvas:
            assert plan.seconds is not None
            seconds = max(1, round(plan.batch_size * float(plan.seconds.mean())))
            remedy = f"; train.batch_seconds={seconds} puts clips of like length together"
        said.append(f"padding: {share:.1%} of what goes through the model in the first epoch{remedy}")
    return said


def steps_told(parts: build.Parts, plan: StepPlan) -> list[str]:
    """Sentences about the steps of a run; not of padding, where lengths are not known."""
    t = parts.config.train
    if not t.epochs:
        return ["steps: none, the head is fitted to what the frozen encoder says"]
    lines = told(plan, t.epochs, parts.processes.count, t.accumulate)
    return [line for line in lines if not (untold(parts.data) and line.startswith("padding"))]


def untold(data: Data) -> int:
    """How many clips have headers that do not tell their length."""
    return sum(c.seconds == 0 and c.problem is None for c in data.checked)


def canvas_told(parts: build.Parts) -> list[str]:
    """A sentence where most of what the encoder computes of the clips is silence, with the time that one pass takes."""
    encoder, most, length = parts.model.encoder, parts.max_seconds, canvas.length(parts.model.encoder)
    found = canvas.windows(parts.data.seconds("train"), most, length, crops=True)
    found += canvas.windows(parts.data.seconds("valid"), most, length)
    if parts.console.quiet or not encoder.canvas_samples or found.silence < canvas.SILENT:
        return []
    one = canvas.seconds_of_one(encoder, parts.precision)
    what = f"the {counted(found.count, 'clip')} to train and validate on"
    return [f"note: {canvas.told(encoder, found, most, one, what, parts.processes.count)}"]


def waiting_told(share: float, config: Config) -> str:
    """What share of the training time, 0 to 1, the model waited for data, and what to do if it is too much."""
    said = f"{share:.1%} of the training time"
    if share <= WAITED:
        return said
    cores, workers = os.cpu_count() or 1, config.data.workers
    remedies = [] if workers >= cores else [f"data.workers={min(cores, workers + 2)}"]
    remedies += [] if config.cache.audio else ["cache.audio=true"]
    return said + (f"; try {' or '.join(remedies)}" if remedies else "")
