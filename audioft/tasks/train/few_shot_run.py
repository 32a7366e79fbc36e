"""A run on few examples: the encoder as it is, one pass over the clips, and a head that is fitted to them."""

from __future__ import annotations

import time
from pathlib import Path

import torch

from audioft.assembly import build
from audioft.assembly.run_folder import Run
from audioft.configuration.config import Config
from audioft.core.progress import Console, spell_seconds
from audioft.core.runtime import Processes, choose_precision
from audioft.core.wording import counted
from audioft.errors import DataError
from audioft.evaluation.recording_embeddings import pooled
from audioft.models.heads.prototypes import Fit
from audioft.tasks.train import dry_run, final_report


def run(config: Config, folder: Path, processes: Processes, console: Console) -> Run:
    """Fit, evaluate and write everything into `folder`, which `run.prepare` has made ready.

    There is nothing to go on with: a run that was interrupted is done again. One process does it all.
    """
    if not processes.main:
        return Run(folder)
    precision = choose_precision(config.evaluate.precision, processes.device)
    parts = build.assembled(config, processes, console, precision, bad_files=folder / "bad_files.csv")
    dry_run.introduce(parts)
    parts.data.save(folder / "manifest.csv")
    final_report.finish(parts, folder, fit(parts))
    if (folder / "checkpoints").is_dir() and not any((folder / "checkpoints").iterdir()):
        (folder / "checkpoints").rmdir()
    return Run(folder)


def fit(parts: build.Parts) -> final_report.Learnt:
    """Fit the head to the train side.

    Raises:
        DataError: a label has no training clip that can be read.
    """
    config, data, model = parts.config, parts.data, parts.model
    began = time.monotonic()
    clips, index = data.clips("train"), data.side("train")
    with parts.console.job("listening to the train side", round(sum(data.seconds("train"))), unit=" s of sound") as job:
        vectors, failures = pooled(
            model,
            clips,
            window=parts.max_seconds,
            batch_seconds=config.evaluate.batch_seconds,
            precision=config.evaluate.precision,
            progress=lambda heard: job.at(round(heard)),
        )
    good = [i for i in range(len(clips)) if i not in failures]
    targets, known = data.targets[index][good], data.known[index][good]
    lacking = [x for x, n in zip(data.manifest.labels, ((targets > 0) & known).sum(0), strict=True) if not n]
    if lacking:
        first = next(iter(failures.values()), "none is known to have it")
        raise DataError(f"no training clip of {', '.join(map(repr, lacking[:10]))} can be used: {first}")
    found = model.head.fit(torch.from_numpy(vectors[good]), targets, known, parts.multilabel)
    said = describe(found, parts.multilabel)
    parts.console.say(
        f"prototypes of {counted(len(data.manifest.labels), 'label')} from {counted(len(good), 'clip')}; {said}"
    )
    return final_report.Learnt(
        failures=[(clips[i].key, e.stage, e.reason) for i, e in failures.items()],
        about={"learning": f"prototypes, {said}", "learning time": spell_seconds(time.monotonic() - began)},
    )


def describe(found: Fit, multilabel: bool) -> str:
    """What clips that were left out one by one say of the fit."""
    if not found.clips:
        return f"no label has a second clip, so the scale of the scores is not fitted ({found.scale:g})"
    right = "" if multilabel else f"{found.accuracy:.1%} of them labelled right by the others, "
    return f"{found.clips} clips left out one by one: {right}log loss {found.loss:.3f}, scale {found.scale:.1f}"
