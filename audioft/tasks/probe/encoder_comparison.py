"""Which encoder for these recordings: a frozen pass each, a linear probe on every layer, a table and a suggestion."""

from __future__ import annotations

import dataclasses
import shlex
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audioft.assembly import kept_probe, recordings
from audioft.assembly.frozen_pass import FrozenPass, say_kept
from audioft.assembly.probed_encoder import EncoderOf
from audioft.configuration.config import Config
from audioft.core import set_aside, storage
from audioft.core.progress import Console
from audioft.core.runtime import generator
from audioft.core.wording import counted
from audioft.errors import ConfigError, DataError, ModelError, UsageError, listed
from audioft.models.hub import misspelt
from audioft.tasks.probe import encoder_pass
from audioft.tasks.probe.comparison_table import Comparison, Row
from audioft.tasks.probe.depth_chart import png
from audioft.tasks.probe.encoder_pass import LOG_MEL, Order, Passed
from audioft.tasks.probe.suggestion import suggest

if TYPE_CHECKING:
    from audioft.tasks.probe.layer_probes import LabelTask, Nested


FILES = ("probe.csv", "layers.csv", kept_probe.COMPARISON, "probe.png", kept_probe.FOLDER)


def compare(
    config: Config,
    encoders: Sequence[str],
    clips: int,
    how: FrozenPass,
    out: Path | None,
    overrides: Sequence[str],
    console: Console,
) -> Comparison:
    """See `audioft.compare_encoders`; `overrides` are what the suggested command repeats."""
    names = list(dict.fromkeys(e for e in encoders if e != LOG_MEL))
    for twice in (n for n in names if list(encoders).count(n) > 1):
        console.say(f"note: {twice} is named more than once; it is measured once")
    if not names:
        raise UsageError("no encoders given: name them with --encoders A,B,C")
    if wrong := [w for n in names if (w := misspelt(n)) is not None]:
        raise UsageError(listed("the encoders", [f"encoder {w}" for w in wrong]))
    how.check(config, "a probe tells clips apart")
    data = recordings.load(config, console, encoders=names)
    chosen = _chosen(data, config, clips, console)
    _task(data, chosen, config)  # what cannot be measured is told before an encoder is run
    clips_of = tuple(dataclasses.replace(data.manifest.clips[i], columns={}) for i in chosen)
    checked = [data.checked[i] for i in chosen]
    digests, seconds = tuple(c.digest for c in checked), tuple(c.seconds for c in checked)
    passing = config.data.max_seconds, how.batch_seconds, how.device, how.store
    order = Order(LOG_MEL, clips_of, digests, seconds, *passing, Path(), config.data)
    with tempfile.TemporaryDirectory(prefix="audioft-") as folder:
        passes = {
            name: _pass(dataclasses.replace(order, encoder=name, result=Path(folder) / f"{i}.npy"), console)
            for i, name in enumerate([*names, LOG_MEL])
        }
        usable = _usable([p[1] for p in passes.values() if isinstance(p, tuple)], len(chosen), console)
        task = _task(data, chosen[usable], config)
        scored = [_scored(name, passed, usable, task, config.seed, console) for name, passed in passes.items()]
    *rows, baseline = (row for row, _ in scored)
    source = str(config.data.source)
    about = (
        f"{source}: {counted(len(usable), 'clip')} of {counted(len(task.labels), 'label')}; {task.tested}; chance is "
        f"{task.chance:.3f}"
    )
    before = data.told_before(next((s for s in ("test", "valid") if len(data.side(s))), "train"))
    about = "; ".join([about, *before])
    found = suggest(rows, baseline.top if baseline.layers else None, task.learnt_from)
    advice = None
    if found is not None:
        without, why = _without_sides(data, config, overrides)
        advice = ((*found.why, *why), found.command(source, [*overrides, *without]))
    keep = _keeping(out) if found is not None else ("", "")
    suggested = None if found is None else found.encoder
    comparison = Comparison(tuple(rows), baseline, task.metric, task.chance, about, advice, keep, suggested)
    if out is not None and found is not None:
        (nested,) = (n for row, n in scored if row.name == found.encoder and n is not None)
        passed = passes[found.encoder]
        assert isinstance(passed, tuple)
        tried = sum(bool(row.layers) for row in rows)
        among = [f"the encoder chosen among {tried} on the tested clips: a little too good"] if tried > 1 else []
        task = dataclasses.replace(task, tested="; ".join([task.tested, *among, *before]))
        with set_aside.replacing(out, FILES):
            _write(comparison, out)
            _keep(
                out / kept_probe.FOLDER, data.only(chosen[usable]), nested, passed, found.encoder, task, usable, config
            )
    return comparison


def _chosen(data: recordings.Data, config: Config, most: int, console: Console) -> np.ndarray:
    """Positions of the clips that are listened to."""
    total = len(data.manifest.clips)
    if total <= most:
        return np.arange(total)
    console.say(f"note: {most} of {counted(total, 'clip')} are chosen by the seed; --clips takes more")
    return np.sort(generator(config.seed, "probe").permutation(total)[:most])


def _pass(order: Order, console: Console) -> tuple[np.ndarray, Passed] | str:
    """Features and what else came of an encoder's pass; or why there are none."""
    name, clips = order.encoder, len(order.clips)
    told: list[int] = []
    with console.job(f"{name}: one frozen pass over clips", clips) as job:

        def progress(done: int) -> None:
            if not told:  # its process has begun, and loaded the encoder
                job.started = time.monotonic()
                job.resume_at(done)
            told.append(done)
            job.at(done)

        try:
            found, passed = encoder_pass.features(order, progress, lambda said: console.say(f"note: {name}: {said}"))
        except ModelError as e:
            console.say(f"{name}: FAILED, and told below why")
            return str(e)
    for note in passed.notes:
        console.say(f"note: {note}")
    say_kept(console, clips, passed.reused, passed.unkept, f"{name}: ")
    return found, passed


def _usable(passes: Iterable[Passed], clips: int, console: Console) -> np.ndarray:
    """Positions of the clips that every encoder could read, so that all are measured on the same."""
    bad = {i: reason for p in passes for i, _, reason in p.failures}
    if bad:
        console.say(
            f"note: {counted(len(bad), 'clip')} could not be read to the end, left out: {next(iter(bad.values()))}"
        )
    if len(bad) == clips:
        raise DataError(f"none of {counted(clips, 'clip')} can be read; the first says: {bad[0]}")
    return np.array([i for i in range(clips) if i not in bad], np.int64)


def _task(data: recordings.Data, rows: np.ndarray, config: Config) -> LabelTask:
    """The labels of the clips `rows`, and on which sides they are.

    Raises:
        DataError: there is no side to learn from or to test on.
    """
    from audioft.evaluation import probe
    from audioft.evaluation.choosing import several_folds
    from audioft.tasks.probe.layer_probes import LabelTask

    manifest = data.manifest
    clips = [manifest.clips[i] for i in rows]
    targets, known = data.targets[rows], data.known[rows]
    groups = np.array([c.group or c.key for c in clips])
    sides = np.array(data.split.sides(len(manifest.clips)))[rows]
    other = next((s for s in ("test", "valid") if (sides == s).any()), None)
    try:
        if other is not None:
            splits = [(sides == "train", sides == other)]
            tested = f"learnt on {splits[0][0].sum()} (train), tested on {splits[0][1].sum()} ({other})"
        elif manifest.multilabel:
            splits = several_folds(targets, groups.tolist(), config.seed, probe.FOLDS)
            tested = f"{len(splits)} folds"
        else:
            splits = probe.folds(np.array([c.labels[0] for c in clips]), groups, config.seed)
            tested = f"{len(splits)} folds"
    except ValueError as e:
        chosen = f" (of {counted(len(rows), 'clip')} that were chosen; --clips takes more)"
        more = chosen if len(rows) < len(manifest.clips) else ""
        raise DataError(f"{manifest.root}: nothing to probe on: {e}{more}") from e
    if manifest.grouping != "recording":
        tested += f", resampled by {manifest.grouping}"
    if any(((targets * known)[learn].sum(0) > 0).sum() < (1 if manifest.multilabel else 2) for learn, _ in splits):
        raise DataError(f"{manifest.root}: nothing to probe on: fewer than two labels among the clips to learn from")
    return LabelTask(manifest.labels, manifest.multilabel, targets, known, groups, splits, tested, other is not None)


def _without_sides(data: recordings.Data, config: Config, overrides: Sequence[str]) -> tuple[list[str], list[str]]:
    """Settings without which `audioft train` would refuse its usual sides of this data, and why, in a sentence."""
    from audioft.data import splits

    given = {o.partition("=")[0] for o in overrides}
    free = [s for s in ("valid", "test") if f"data.{s}" not in given]
    usual, problem = type(config.data)(), None
    sides = {s: getattr(usual if s in free else config.data, s) for s in ("valid", "test")}
    for none in (free[:i] for i in range(len(free) + 1)):
        try:
            split = splits.split(data.manifest, **(sides | dict.fromkeys(none)), seed=config.seed)
            splits.check_leaks(data.manifest, split, [c.digest for c in data.checked])
        except (ConfigError, DataError) as e:
            problem = problem or e.problems[0].split(". ")[0].split("; ")[0]
            continue
        settings = [f"data.{s}=null" for s in none]
        if problem is None:
            return [], []
        unmeasured = "; the model is then not measured" if len(none) == 2 else ""
        return settings, [f"Training needs {' '.join(settings)}{unmeasured}: {problem}."]
    return [], []  # what was given allows no training: it was told when the data was loaded


def _scored(
    name: str, found: tuple[np.ndarray, Passed] | str, usable: np.ndarray, task: LabelTask, seed: int, console: Console
) -> tuple[Row, Nested | None]:
    if isinstance(found, str):
        return Row(name, problem=" ".join(found.split())), None
    features, passed = found
    layers = []
    with console.job(f"{name}: probes of layers", features.shape[1]) as job:
        for i in range(features.shape[1]):
            layers.append(task.score(np.array(features[usable, i]), seed))
            job.at(i + 1)
        nested = task.nested(np.array(features[usable]), seed)
    cost = (passed.seconds_per_minute, passed.peak_bytes)
    row = Row(name, tuple(layers), passed.parameters, passed.width, *cost, passed.reused)
    return dataclasses.replace(row, score=nested.score, choice=nested.choice, unchosen=nested.problem), nested


def _keeping(out: Path | None) -> tuple[str, str]:
    """How the probe itself becomes a model."""
    if out is None:
        return "Or keep the probe itself: with --out DIR, `audioft train --from-probe DIR` makes a model of it.", ""
    return "Or keep the probe itself, in seconds:", shlex.join(["audioft", "train", "--from-probe", str(out)])


def _keep(
    place: Path,
    data: recordings.Data,
    nested: Nested,
    passed: tuple[np.ndarray, Passed],
    name: str,
    task: LabelTask,
    usable: np.ndarray,
    config: Config,
) -> None:
    """Keep the probe of the encoder that is suggested."""
    features, about = passed
    which = Path(name).expanduser()
    known = about.revision, about.sha256, about.settings
    encoder = EncoderOf(str(which.absolute()) if which.is_dir() else name, *known)
    score = nested.score
    figure = kept_probe.Figure(task.metric, score.value, score.low, score.high, task.tested)
    scores = nested.classifier.scores(nested.choice.of(features[usable]))
    side = next(s for s in ("test", "valid") if len(data.side(s))) if task.fixed else None
    kept_probe.write(place, data, scores, (nested.choice, nested.classifier), encoder, figure, config, side)


def _write(found: Comparison, out: Path) -> None:
    storage.write_text(out / "probe.csv", found.csv())
    storage.write_text(out / "layers.csv", found.layers_csv())
    storage.write_json(out / kept_probe.COMPARISON, found.json())
    storage.write_bytes(out / "probe.png", png(found))
