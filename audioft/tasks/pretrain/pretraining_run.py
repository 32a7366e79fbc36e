"""One pretraining, from a config to an encoder folder: the steps behind `audioft.pretrain`.

It is a few rounds of masked prediction, each with its targets, trainer and folder in `ENCODER/pretraining/`. A round
ends with an encoder that the next one begins with: after a kill, the first round that has none goes on.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from audioft.assembly import build, reading, run_beginning
from audioft.assembly.run_folder import PRETRAINING, identity
from audioft.configuration.config import PretrainConfig
from audioft.core import workers
from audioft.core.progress import Console
from audioft.core.runtime import Processes, address, choose_precision, explain_precision
from audioft.core.storage import new_folder, read_json, write_json
from audioft.data.batching import StepPlan
from audioft.errors import CheckpointError
from audioft.evaluation.probe import ProbeTask
from audioft.evaluation.probe_data import names_of, probe_task
from audioft.models import freezing
from audioft.models.architecture import count, save_encoder
from audioft.models.encoder import Encoder
from audioft.models.loading import load_encoder
from audioft.tasks.pretrain import encoder_card, recordings
from audioft.tasks.pretrain import rounds as rounding
from audioft.tasks.pretrain import teacher as teaching
from audioft.tasks.pretrain.parts import Parts, crops_of, heard_of_probes, held_out
from audioft.tasks.pretrain.probed_data import PROBED, probed_data
from audioft.tasks.pretrain.round_targets import make_objective
from audioft.tasks.pretrain.rounds import RoundPlan
from audioft.training.callbacks import Callback, MetricsFile, TensorBoard, Watching
from audioft.training.checkpoint import Checkpoints, Saving
from audioft.training.masked import MaskedPrediction, MaskedPredictor, measure
from audioft.training.optim import adamw, count_parameters, parameter_groups
from audioft.training.schedules import schedules
from audioft.training.trainer import Trainer

SAME = "round.json"  # beside a round's encoder: what makes it the same round
MIXED = """was trained on other recordings or with other settings, and going on would mix two runs;
leave them as they were, give another --out, or begin anew with --overwrite"""


def start(config: PretrainConfig, folder: Path, *, resume: bool, overwrite: bool, console: Console) -> Path:
    """A pretraining in a folder that this process holds: see `audioft.pretrain`."""
    processes = Processes(config.train.device)
    folder = Path(processes.gather([str(folder)])[0])
    if config.data.workers:
        chains = [build.chain(config.augment), build.chain(config.disturb)]
        workers.refuse([*chains, build.single("mixing", config.mixing)])
    with run_beginning.beginning(folder / PRETRAINING, new=processes.main and not resume):
        if processes.main:
            how = {"resume": resume, "overwrite": overwrite}
            run_beginning.prepare(folder / PRETRAINING, config, encoder=folder, **how)
        processes.wait()
        return run(config, folder, processes, console if processes.main else Console(quiet=True), resume)


def run(config: PretrainConfig, out: Path, processes: Processes, console: Console, resume: bool) -> Path:
    """Pretrain and write the encoder into `out`, whose run folder `run.prepare` has made ready."""
    folder = out / PRETRAINING
    encoder, name = rounding.first_encoder(config)
    rounds = rounding.plan(config, encoder)
    probes = _probes(config, encoder, console)
    teacher = teaching.load(config, encoder, folder / "teacher", processes)
    data = recordings.load(config, encoder, folder, processes, console)
    precision = choose_precision(config.train.precision, processes.device)
    parts = Parts(config, data, probes, processes, precision, console, folder, teacher=teacher)
    introduce(parts, encoder, name, rounds)
    parts.rounds = rounds
    if processes.main:
        parts.told_before = heard_of_probes(parts)
        for note in parts.told_before:
            console.say(f"note: {note}")
        parts.before = probed(parts, encoder.to(processes.device))
    with teaching.kept(config, parts.teacher):
        for plan in rounds:
            place = folder / plan.name
            if not (place / "encoder" / "config.json").is_file():
                train_round(parts, encoder, plan, resume)
            elif read_json(place / "encoder" / SAME, CheckpointError) != _identity(parts, plan):
                raise CheckpointError(f"{place} {MIXED}")
            # read back from the disk in any case, so that a run that was never stopped computes with the same numbers
            encoder, _ = load_encoder(str(place / "encoder"))
    if processes.main:
        for key, value in rounding.own_rates(config).items():
            setattr(encoder.model.config, key, value)
        encoder_card.write(parts, encoder, name, rounds, parts.before, out)
    processes.wait()
    return out


def _probes(config: PretrainConfig, encoder: Encoder, console: Console) -> list[ProbeTask]:
    """The labelled data that the encoder is probed on, read as the section `probe.data` says."""
    p, found = config.probe, []
    for source, name in zip(p.sources, names_of(p.sources), strict=True):
        manifest = probed_data(config, source)
        for note in manifest.notes:
            console.say(f"note: {source}: {reading.renamed(note, PROBED)}")
        found.append(
            probe_task(manifest, source, encoder, clips=p.clips, seconds=p.seconds, seed=config.seed, name=name)
        )
    return found


def introduce(parts: Parts, encoder: Encoder, name: str, rounds: list[RoundPlan]) -> None:
    """Say what will be learnt from what."""
    console, data, p, asked = parts.console, parts.data, parts.processes, parts.config.train.precision
    hours, measured = sum(data.seconds) / 3600, len(data.held_out)
    console.say(f"data: {len(data.clips)} recordings, {hours:.2f} hours; {measured} of them are only measured on")
    for source, amount, share in data.sources:
        console.say(f"  {source:<40} {amount / 3600:6.2f} h, {share:5.1%} of the crops")
    start = "from nothing" if parts.config.encoder.start is None else f"going on from {name}"
    console.say(
        f"encoder: {encoder.family}, {encoder.num_layers} layers of width {encoder.hidden_size}, "
        f"{count(encoder):,} parameters, a frame every {1000 * encoder.seconds_per_frame:g} ms, {start}"
    )
    if parts.teacher is not None:
        console.say(
            f"teacher: {parts.teacher.spell()}; whether its licence lets you pass on what it teaches is for you to see"
        )
    if not encoder.hearing.plain:
        console.say(f"recordings are heard: {encoder.hearing}")
    console.say("\n".join(f"{plan.name}: {plan.spell()}" for plan in rounds))
    console.say(f"computing on {p.device} in {explain_precision(asked, p.device)}, {p.count} process(es)")


def train_round(parts: Parts, encoder: Encoder, plan: RoundPlan, resume: bool) -> None:
    """One round, from its targets to the encoder it ends with."""
    config, processes, console = parts.config, parts.processes, parts.console
    place = parts.folder / plan.name
    if processes.main:
        place.mkdir(parents=True, exist_ok=True)
    processes.wait()
    device = processes.device
    encoder.to(device)
    objective = make_objective(parts, encoder, plan, place)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(address(config.seed, plan.name, "heads"))
        clusters = 0 if objective.clusters is None else len(objective.clusters)
        taught = 0 if parts.teacher is None else parts.teacher.size
        model = MaskedPredictor(encoder, clusters, objective.features is not None, taught)
    model.to(device)
    trainer = make_trainer(parts, model, objective, plan, place)
    if resume and trainer.checkpoints.written():
        for sentence in trainer.resume():
            console.say(f"note: {sentence}")
        console.say(f"{plan.name}: resumed after step {trainer.state.step} of {trainer.total_steps}")
    if processes.main:
        trainer.callbacks = _callbacks(parts, trainer, plan, place)
    trainer.fit()
    if processes.main:
        with new_folder(place / "encoder") as partial:
            save_encoder(encoder, partial)
            write_json(partial / SAME, _identity(parts, plan))
    processes.wait()


def make_trainer(
    parts: Parts, model: MaskedPredictor, objective: MaskedPrediction, plan: RoundPlan, place: Path
) -> Trainer:
    """The trainer of a round, at its beginning."""
    config, t, data = parts.config, parts.config.train, parts.data
    crops = crops_of(parts, model.encoder)
    shares = data.shares[data.learnt]
    draws = plan.steps // plan.measures * t.batch_size
    steps = StepPlan(len(crops), t.batch_size, config.seed, shares, draws, config.objective.crops)
    freeze = freezing.plan(config.frozen())
    freezing.apply(freezing.at_epoch(freeze, 0), model.encoder)
    held = held_out(parts, model.encoder)

    def validate() -> dict[str, float]:
        found = measure(model, objective, held).figures(taught=parts.teacher is not None)
        return found | probed(parts, model.encoder)

    return Trainer(
        model,
        objective,
        crops,
        steps,
        adamw(parameter_groups(model, t.lr, t.lr, t.layer_decay, t.weight_decay)),
        schedules.build(t.schedule, steps=plan.steps),
        epochs=plan.measures,
        checkpoints=Checkpoints(
            place / "checkpoints",
            _identity(parts, plan, objective),
            t.keep,
            begun=lambda: run_beginning.worth_keeping(parts.folder),
        ),
        processes=parts.processes,
        validate=validate if held else None,
        begin_epoch=lambda epoch: freezing.apply(freezing.at_epoch(freeze, epoch), model.encoder),
        metric="loss",
        accumulate=t.accumulate,
        clip_norm=t.clip_norm,
        precision=parts.precision,
        workers=config.data.workers,
        seed=config.seed,
        log_every=t.log_every,
        saving=Saving(t.save_steps, t.save_minutes),
    )


def probed(parts: Parts, encoder: Encoder) -> dict[str, float]:
    """Accuracy of every probe, as `probe_NAME`."""
    return {f"probe_{task.name}": task.measure(encoder).accuracy for task in parts.probes}


def _identity(parts: Parts, plan: RoundPlan, objective: MaskedPrediction | None = None) -> str:
    """What makes it the same round: settings, recordings, and the targets if they are given."""
    data = parts.data
    found = None if objective is None else objective.clusters
    centres = b"" if found is None else found.centres.cpu().numpy().tobytes()
    targets = hashlib.sha256(centres).hexdigest() + ("" if parts.teacher is None else parts.teacher.owner)
    clips = [(c.key, f"{s:.9f}", d) for c, s, d in zip(data.clips, data.shares, data.digests, strict=True)]
    return identity(parts.config, [*clips, (plan.name, "targets", targets)], parts.folder)


def _callbacks(parts: Parts, trainer: Trainer, plan: RoundPlan, place: Path) -> list[Callback]:
    step = trainer.state.step
    callbacks: list[Callback] = [MetricsFile(place / "metrics.jsonl", step)]
    if parts.config.train.tensorboard:
        callbacks.append(TensorBoard(place / "tensorboard", step))
    callbacks.append(encoder_card.Picture(parts.folder, parts.rounds, parts.before))
    shown = ("masked_accuracy", "guess", "teacher_loss", *(f"probe_{t.name}" for t in parts.probes))
    callbacks.append(Watching(parts.console, trainer.total_steps, step, *shown, job=plan.name, unit="measure"))
    trained, total = count_parameters(trainer.model)
    parts.console.say(f"{plan.name}: {trained:,} of {total:,} parameters train, {trainer.total_steps} steps")
    return callbacks
