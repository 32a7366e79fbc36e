"""A small classifier that learns from a large one, through the one trainer, into a run folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audioft.assembly import build, read_on, run_beginning
from audioft.assembly.distilling import finishing, learning, sides, students
from audioft.assembly.distilling.settings import Distilling
from audioft.assembly.distilling.students import Asked, Given
from audioft.assembly.fitting import probe_start
from audioft.assembly.fitting.frozen_cache import state_folder
from audioft.assembly.run_folder import as_begun
from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.core import disk_cache, folder_lock, storage
from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.core.runtime import Processes, choose_precision
from audioft.errors import CheckpointError
from audioft.models import heard
from audioft.models.heads import linear_start
from audioft.models.heard import Heard
from audioft.training.callbacks import Callback, MetricsFile, Watching
from audioft.training.trainer import Trainer

STUDENT = "student"  # in the run folder: what the student begins as
ASKED = "distilling.json"  # beside it: what was asked for, without which a run does not go on
#: Where the config says nothing: layers train from the first step on, on mixtures and changed sounds.
BY_DEFAULT: dict[str, Any] = {
    "freeze": "feature_extractor",
    "mixup": {"p": 0.5, "alpha": 0.4},
    "augment": [{"name": "speed", "p": 0.3}, {"name": "equalizer", "p": 0.3}],
    "train.lr": 3e-4,
    "train.head_lr": 1e-3,
    "train.schedule": {"name": "cosine", "warmup": 0.1},
    "train.tensorboard": False,
}


@dataclass(frozen=True)
class Job:
    """One distillation.

    Attributes:
        teacher: a model folder, a run, or a hub id.
        asked: what the student is to be.
        how: see `Distilling`.
        unlabelled: folders, tables or recordings without labels.
        out: the run folder.
    """

    teacher: str
    asked: Asked
    how: Distilling
    unlabelled: tuple[str, ...]
    out: Path

    def told(self) -> dict[str, Any]:
        """All that makes it the same, but what the teacher is."""
        return {"student": asdict(self.asked), "unlabelled": list(self.unlabelled), **asdict(self.how)}


def distil(
    teacher_folder: PathLike,
    student: Given,
    data: PathLike,
    unlabelled: Iterable[PathLike] = (),
    out: PathLike = "distilled",
    *,
    how: Distilling | None = None,
    config: PathLike | Config | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    resume: bool = False,
    overwrite: bool = False,
    console: Console | None = None,
) -> Path:
    """Train a student on what a teacher says of recordings, with and without labels.

    Sides, labels and how they are read are the teacher's; nothing of its test side is learnt from. Every recording is
    heard by both as it is drawn: cropped, augmented, mixed. What the teacher says of each draw is computed once and
    kept. A run that goes on ends in the same weights, bit for bit on a CPU in float32.

    Args:
        teacher_folder: model folder, run or hub id of a classifier of clips; an ensemble, too.
        student: `{layers: N}`, every k-th layer of the teacher's own encoder with its head, and with `canvas: SECONDS`
            a Whisper that lays clips on so much instead of 30 s; `{encoder: NAME}`, as `mini`, whose head begins as the
            probe; `{model: FOLDER}`, a classifier of the same labels.
        data: labelled, as for `audioft.finetune`.
        unlabelled: folders, tables or recordings, labels ignored.
        out: the run folder.
        how: see `Distilling`.
        config: of the training, on top of `BY_DEFAULT`.
        overrides: dotted keys to values, on top of it.
        resume: go on with the run in `out`.
        overwrite: replace it.
        console: where messages go; standard error if not given.

    Returns:
        The model folder of the student, `OUT/model`.

    Raises:
        AudioftError: a child of it for whatever is wrong, see `audioft.errors`.
    """
    console, folder = console or Console(), Path(os.path.abspath(out))
    sources = tuple(os.path.abspath(os.fspath(u)) for u in unlabelled)
    job = Job(_absolute(teacher_folder), Asked.of(student), how or Distilling(), sources, folder)
    base = BY_DEFAULT if config is None else {}
    given = {"data.source": os.path.abspath(os.fspath(data)), "start.model": str(folder / STUDENT / "model")}
    if job.asked.canvas is not None:
        base = base | {"data.max_seconds": job.asked.canvas}
    resolved = configs.load(config, [*base.items(), *configs.pairs(overrides), *given.items()])
    with folder_lock.held(folder, "run"):
        run_beginning.going_on(folder)
        processes = Processes(resolved.train.device)
        with run_beginning.beginning(folder, new=processes.main and not resume):
            return _run(job, resolved, processes, console, resume=resume, overwrite=overwrite)


def _absolute(path: PathLike) -> str:
    given = os.fspath(path)
    return os.path.abspath(given) if os.path.exists(given) else given


def _run(job: Job, config: Config, processes: Processes, console: Console, *, resume: bool, overwrite: bool) -> Path:
    folder = job.out
    console = console if processes.main else Console(quiet=True)
    model, card, place = students.teacher(job.teacher)
    if processes.main:
        run_beginning.prepare(folder, config, resume=resume, overwrite=overwrite)
        if not resume:
            students.begin(job.asked, model, card, place, folder / STUDENT / "model", config.seed)
            storage.write_json(folder / ASKED, job.told())
    processes.wait()
    if resume:
        _same(job)
    config = as_begun(config, folder) if resume else read_on.as_start(config, console)
    precision = choose_precision(config.train.precision, processes.device)
    bad_files = folder / "bad_files.csv" if processes.main else None
    known = heard.of_folder(place) or Heard()
    data = sides.load(config, console, known, bad_files)
    parts = build.assembled(config, processes, console, precision, data=data)
    unlabelled = learning.without_labels(parts, job.unlabelled, known)
    made = learning.assemble(parts, job.how, unlabelled, model, state_folder(folder / "states"))
    console.say(
        f"distilling {Path(job.teacher).name} into {job.asked}: {len(parts.data.side('train'))} labelled clips and "
        f"{made.unlabelled} without labels"
    )
    with disk_cache.using(made.objective.teacher.store.folder):
        made.settle(folder)
        new = job.asked.encoder is not None
        if new:
            linear_start.standardise(parts.model)
        trainer = learning.make_trainer(parts, made, folder, job.told())
        if resume and trainer.checkpoints.written():
            for sentence in trainer.resume():
                console.say(f"note: {sentence}")
            console.say(f"resumed after step {trainer.state.step} of {trainer.total_steps}")
        if new and trainer.state.fresh:
            probe_start.begin(parts, made.dataset.inner, None)
        if processes.main:
            trainer.callbacks = _listeners(parts, trainer, folder)
        state = trainer.fit(validate_first=True)
    disk_cache.trim(made.objective.teacher.store.folder.parent, round(job.how.gigabytes * 1e9))
    assert state.best_epoch is not None
    trainer.checkpoints.load_best(made.student, state.best_epoch)
    linear_start.fold(parts.model)
    if processes.main:
        finishing.write(parts, job.told(), card, Path(job.teacher).name, state, folder / "model")
    processes.wait()
    return folder / "model"


def _same(job: Job) -> None:
    """Refuse to go on with what was another distillation."""
    before = storage.read_json(job.out / ASKED, CheckpointError)
    now = json.loads(json.dumps(job.told()))
    changed = [k for k in now if before.get(k) != now[k] and k != "gigabytes"]
    if changed:
        listed = "".join(f"\n  - {k}: was {before.get(k)!r}, is {now[k]!r}" for k in changed)
        raise CheckpointError(f"{job.out} holds a distillation of other settings; leave them as they were:{listed}")


def _listeners(parts: build.Parts, trainer: Trainer, folder: Path) -> list[Callback]:
    parts.data.save(folder / "manifest.csv")
    step = trainer.state.step
    watching = Watching(parts.console, trainer.total_steps, step, parts.figure, parts.metric, job="distilling")
    return [MetricsFile(folder / "metrics.jsonl", step), watching]
