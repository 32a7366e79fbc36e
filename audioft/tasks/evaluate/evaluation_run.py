"""A saved model against labelled recordings: the steps behind `audioft.evaluate`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from audioft.assembly import event_scores, side_scores
from audioft.core.places import folder_for
from audioft.core.progress import Console
from audioft.core.runtime import Processes
from audioft.data import check as checking
from audioft.data import source
from audioft.data import targets as labelling
from audioft.data.annotated import Found
from audioft.data.clip import Clip
from audioft.data.manifest import Manifest
from audioft.data.manifest import load as load_manifest
from audioft.errors import DataError, UsageError
from audioft.evaluation.clip_report import make_report
from audioft.evaluation.html import write_html
from audioft.evaluation.report import Report
from audioft.inference.predictor import Predictor

SIDES = ("train", "valid", "test", "all")

Clips = tuple[Clip, ...]


def evaluate(
    predictor: Predictor,
    model: Path,
    data: Path,
    *,
    out: Path | None,
    side: str | None,
    label: str | None,
    group: str | None,
    events: bool,
    window: float | None,
    hop: float | None,
    resamples: int,
    seed: int,
    console: Console,
    processes: Processes | None = None,
) -> Report:
    """See `audioft.evaluate`."""
    if side not in (None, *SIDES):
        raise UsageError(f"side {side!r}: expected one of {', '.join(SIDES)}")
    if out is not None and out.is_file():
        raise UsageError(f"{out} is a file; --out takes a folder")
    if out is not None and (out / "config.yaml").is_file():
        raise UsageError(f"{out} holds a run, whose own report would be replaced; give another --out")
    found = source.read_annotated(
        data, label=label, group=group, allow_outside=False, asked=events or predictor.model.frame_level
    )
    if processes is not None and not processes.main:
        out = None  # the first process writes
    how = {"side": side, "out": out, "resamples": resamples, "seed": seed, "console": console, "processes": processes}
    if found is not None:
        report = _in_time(predictor, model, found, window=window, hop=hop, **how)  # type: ignore[arg-type]
    else:
        manifest = load_manifest(data, label=label, group=group, least_labels=1)
        report = _of_clips(predictor, model, manifest, **how)  # type: ignore[arg-type]
    if out is not None:
        report.save(out / "report.json")
        write_html(
            out / "report.html",
            report,
            [],
            {"title": f"audioft: {model} on {data}", "model": str(model), "data": str(data)},
        )
    return report


def _of_clips(
    predictor: Predictor,
    model: Path,
    manifest: Manifest,
    *,
    side: str | None,
    out: Path | None,
    resamples: int,
    seed: int,
    console: Console,
    processes: Processes | None = None,
) -> Report:
    """Each clip has its labels, whatever happens when in it."""
    for note in manifest.notes:
        console.say(f"note: {note}")
    clips, side = _side(manifest.root, manifest.clips, side)
    if manifest.multilabel and not predictor.card.multilabel:
        raise DataError(
            "the data may give several labels a clip (`labels`), the model gives exactly one: they cannot be compared"
        )
    _known(
        predictor,
        (
            (name, clip.name)
            for clip in clips
            for name in (*clip.labels, *(() if clip.unknown == "rest" else clip.unknown))
        ),
    )
    clips, notes = _readable(clips, model, out, console)
    wanted, known = labelling.targets(clips, predictor.labels, manifest.multilabel)
    found = side_scores.score_clips(
        predictor.scoring,
        clips,
        wanted,
        known,
        predictor.labels,
        _scoring(predictor, predictor.window, None, processes, console),
    )
    if found.failures:
        notes.append(f"{len(found.failures)} recordings could not be scored and are left out")
    report = make_report(found.predictions, side, predictor.card.thresholds, resamples, seed, notes)
    if out is not None:
        found.predictions.write(out / "predictions.csv", predictor.card.thresholds)
        side_scores.append_bad_files(out / "bad_files.csv", [(c.key, e.stage, e.reason) for c, e in found.failures])
    return report


def _in_time(
    predictor: Predictor,
    model: Path,
    found: Found,
    *,
    window: float | None,
    hop: float | None,
    side: str | None,
    out: Path | None,
    resamples: int,
    seed: int,
    console: Console,
    processes: Processes | None = None,
) -> Report:
    """What happens when in whole recordings."""
    window, hop = predictor.grid(window, hop)
    for note in found.notes:
        console.say(f"note: {note}")
    clips, side = _side(found.root, tuple(a.clip for a in found.recordings), side)
    own = {a.clip.name: a for a in found.recordings}
    _known(predictor, ((e.label, c.name) for c in clips for e in own[c.name].events))
    clips, notes = _readable(clips, model, out, console)
    heard = event_scores.listen(
        predictor.scoring,
        [own[c.name] for c in clips],
        _scoring(predictor, window, hop, processes, console),
    )
    report, compared = event_scores.report(
        heard, predictor.labels, predictor.rules(), side, resamples=resamples, seed=seed, notes=notes
    )
    if out is not None:
        event_scores.write_events(out / "predictions.csv", compared)
    return report


def _scoring(
    predictor: Predictor, window: float, hop: float | None, processes: Processes | None, console: Console
) -> side_scores.Scoring:
    return side_scores.Scoring(
        predictor.card.multilabel,
        window,
        hop,
        predictor.batch_seconds,
        predictor.precision,
        processes,
        console,
    )


def _side(root: Path, clips: Clips, side: str | None) -> tuple[Clips, str]:
    """The clips to measure on, and what they are called."""
    given = {c.split for c in clips} - {None}
    if side is None:
        side = "test" if "test" in given else "all"
    if side == "all":
        return clips, side
    chosen = tuple(c for c in clips if c.split == side)
    if not chosen:
        has = f"it has {', '.join(sorted(str(g) for g in given))}" if given else "it gives no split"
        raise DataError(f"{root}: no clip is on the side {side!r}; {has}. Use --side all to take all clips")
    return chosen, side


def _known(predictor: Predictor, named: Iterable[tuple[str, str]]) -> None:
    """Refuse labels that the model does not know; `named` are labels with the file they are of."""
    known = set(predictor.labels)
    strange: dict[str, str] = {}
    for name, file in named:
        if name not in known:
            strange.setdefault(name, file)
    if strange:
        listed = ", ".join(f"{name!r} (as of {file})" for name, file in sorted(strange.items())[:10])
        raise DataError(
            f"the data has {len(strange)} label(s) that the model does not know: {listed}. It knows "
            f"{', '.join(predictor.labels)}; rename the labels, or leave those clips out"
        )


def _readable(clips: Clips, model: Path, out: Path | None, console: Console) -> tuple[Clips, list[str]]:
    """The clips that can be used, and what is to be noted of them; the findings are not kept: there may be millions."""
    with console.job("checking recordings", len(clips)) as job:
        checked = checking.check(clips, cache=checking.default_cache(), progress=lambda done, total: job.at(done))
    if out is not None:
        folder_for(out, "--out")
        checking.write_bad_files(out / "bad_files.csv", clips, checked)
    bad = [(c, k.problem) for c, k in zip(clips, checked, strict=True) if k.problem]
    for clip, problem in bad[:5]:
        console.say(f"note: {clip.key} is left out: {problem[1]}")
    if len(bad) == len(clips):
        raise DataError(f"none of the {len(clips)} recordings can be read; the first says: {bad[0][1]}")
    notes = [f"{len(bad)} of {len(clips)} recordings could not be used and are left out"] if bad else []
    notes += _seen(model, [k for k in checked if not k.problem])
    return tuple(c for c, k in zip(clips, checked, strict=True) if not k.problem) if bad else clips, notes


def _seen(model: Path, checked: Sequence[checking.Checked]) -> list[str]:
    """A note if the run's own manifest has some of these contents on its training side."""
    manifest = model / "manifest.csv"
    if not manifest.is_file():
        return []
    with open(manifest, newline="", encoding="utf-8") as f:
        trained = {row["sha256"] for row in csv.DictReader(f) if row["split"] == "train"}
    seen = sum(c.digest in trained for c in checked)
    return (
        [f"{seen} of {len(checked)} recordings were trained on by this run: the figures are too good"] if seen else []
    )
