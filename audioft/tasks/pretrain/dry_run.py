"""What a pretraining would do, told before it does anything."""

from __future__ import annotations

from pathlib import Path

from audioft.assembly import hearings
from audioft.configuration.config import PretrainConfig
from audioft.core.progress import Console
from audioft.core.runtime import Processes, choose_precision
from audioft.core.wording import counted
from audioft.models import freezing
from audioft.tasks.pretrain import pretraining_run, recordings, rounds, teacher
from audioft.tasks.pretrain.parts import Parts
from audioft.tasks.pretrain.probed_data import probed_data
from audioft.training.optim import count_parameters


def plan(config: PretrainConfig, console: Console) -> None:
    """Say what a pretraining would do, from headers alone; what there is to know of the recordings comes first."""
    data = recordings.survey(config, hearings.known(config.data, config.encoder.start), console)
    encoder, name = rounds.first_encoder(config)
    planned = rounds.plan(config, encoder)
    processes = Processes(config.train.device)
    precision = choose_precision(config.train.precision, processes.device)
    parts = Parts(config, data, [], processes, precision, console, Path())
    parts.teacher = teacher.load(config, encoder, Path(), processes)
    pretraining_run.introduce(parts, encoder, name, planned)
    policy = freezing.at_epoch(freezing.plan(config.frozen()), 0)
    freezing.apply(policy, encoder)
    trained, total = count_parameters(encoder)
    console.say(f"parameters: {trained:,} of {total:,} train ({freezing.describe(policy)})")
    steps, size, length = sum(r.steps for r in planned), config.train.batch_size, config.data.crop_seconds
    heard = steps * size * length / encoder.hearing.expansion
    console.say(
        f"steps: {steps} of {size} crops of {length:g} s: {heard / 3600:.2f} hours, {heard / sum(data.seconds):.1f} "
        "times all there is"
    )
    for source in config.probe.sources:
        manifest = probed_data(config, source)
        clips, labels = counted(len(manifest.clips), "clip"), counted(len(manifest.labels), "label")
        console.say(f"probe: {source}, {clips}, {labels}")
