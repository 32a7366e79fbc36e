"""How much the clips at hand are worth, and more of them would be: one frozen pass, then many draws of a few clips."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audioft.assembly import hearings, recordings
from audioft.assembly.frozen_pass import FrozenPass, say_kept
from audioft.configuration.config import Config
from audioft.core import storage
from audioft.core.progress import Console
from audioft.core.runtime import find_device
from audioft.core.wording import counted, listed, quoted
from audioft.errors import DataError

if TYPE_CHECKING:
    from audioft.tasks.learning_curve.curve_report import LearningCurve

CHUNK = 2000  # clips whose features of all layers are held at once; the last layer is kept of each
FILES = ("learning_curve.csv", "learning_curve.json", "learning_curve.png")


def measure(
    config: Config, shots: Sequence[int], count: int, how: FrozenPass, out: Path | None, console: Console
) -> LearningCurve:
    """See `audioft.tasks.learning_curve.api.learning_curve`."""
    from audioft.tasks.learning_curve import draws
    from audioft.tasks.learning_curve.curve_report import LearningCurve, png

    how.check(config, "a learning curve is of clips")
    data = _loaded(config, console)
    side = _tested(data)
    positions, train = np.concatenate([data.side("train"), data.side(side)]), len(data.side("train"))
    features, usable = _features(config, data, positions, how, console)
    labels = np.array([data.manifest.clips[i].labels[0] for i in positions])
    learn, test = np.flatnonzero(usable[:train]), train + np.flatnonzero(usable[train:])
    _enough(data, labels[learn], len(test))
    groups = np.array([data.manifest.clips[i].group or data.manifest.clips[i].key for i in positions[test]])
    drawn: Any = {"shots": shots, "draws": count, "seed": config.seed, "groups": groups}
    with console.job("learning from draws", count * len(draws.sizes(labels[learn], shots)) + 1) as job:
        points = draws.measure(features, labels, learn, test, **drawn, progress=job.at)
    _say_left_out(points, shots, int(np.unique(labels[learn], return_counts=True)[1].max()), console)
    outlooks = {m: draws.outlook(points, m, groups, config.seed) for m in draws.METHODS}
    about = (
        f"{config.data.source}, {config.encoder.name} as it is: drawn from {counted(len(learn), 'clip')} (train), "
        f"tested on {len(test)} ({side}), {len(set(labels[learn]))} labels, {counted(count, 'draw')}"
    )
    about = "; ".join([about, *data.told_before(side)])
    chance = float(np.unique(labels[test], return_counts=True)[1].max() / len(test))
    curve = LearningCurve(tuple(points), outlooks, about, chance, len(set(groups.tolist())))
    if out is not None:
        storage.write_text(out / "learning_curve.csv", curve.csv())
        storage.write_json(out / "learning_curve.json", curve.json())
        storage.write_bytes(out / "learning_curve.png", png(curve))
    return curve


def _loaded(config: Config, console: Console) -> recordings.Data:
    """The recordings; where a label has too few for two sides, the remedy is not to make fewer of them."""
    from audioft.data.splits import TooFewClips

    try:
        return recordings.load(config, console)
    except TooFewClips as e:
        if not e.alone:
            raise
        raise DataError(
            f"{config.data.source}: there is only one clip, or one group of clips, of {quoted(e.alone)}, and a curve "
            "learns from one and is tested on another; add recordings, or leave them out with "
            f"data.drop={listed(e.alone)}"
        ) from e


def _tested(data: recordings.Data) -> str:
    """The side that is tested on: the train side is only drawn from."""
    if data.manifest.multilabel:
        raise DataError(f"{data.manifest.root}: a learning curve needs one label a clip; these clips carry several")
    side = next((s for s in ("test", "valid") if len(data.side(s))), None)
    if side is None:
        raise DataError(f"{data.manifest.root}: there is no side to test on; make one, as with data.test=0.2")
    return side


def _features(
    config: Config, data: recordings.Data, positions: np.ndarray, how: FrozenPass, console: Console
) -> tuple[np.ndarray, np.ndarray]:
    """The mean over time of the last layer, `(N, H)`, and which clips have it, `(N,)` bool."""
    from audioft.evaluation.embedding_store import opened
    from audioft.evaluation.embeddings import embed_clips
    from audioft.models.loading import load_encoder

    encoder, report = load_encoder(config.encoder.name, revision=config.encoder.revision)
    console.say(f"encoder: {report}")
    hearings.give(config.data, encoder)
    max_seconds = config.data.max_seconds / encoder.hearing.expansion
    encoder = encoder.to(find_device(how.device)).eval().requires_grad_(False)
    features = np.zeros((len(positions), encoder.hidden_size), np.float32)
    usable, reused, unkept = np.ones(len(positions), bool), 0, None
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(opened(how.store, encoder, max_seconds))
        job = stack.enter_context(console.job("one frozen pass over clips", len(positions)))
        for start in range(0, len(positions), CHUNK):
            part = positions[start : start + CHUNK]
            found = embed_clips(
                encoder,
                [data.manifest.clips[i] for i in part],
                max_seconds=max_seconds,
                batch_seconds=how.batch_seconds,
                store=store,
                digests=[data.checked[i].digest for i in part],
                progress=lambda done, before=start: job.at(before + done),  # type: ignore[misc]
            )
            features[start : start + CHUNK] = found.layer(-1)[:, : encoder.hidden_size]
            usable[start : start + CHUNK] = found.usable
            reused, unkept = reused + found.reused, unkept or found.unkept
            if found.failures:
                first = next(iter(found.failures.values()))
                console.say(f"note: {counted(len(found.failures), 'clip')} could not be read to the end: {first}")
    say_kept(console, len(positions), reused, unkept)
    return features, usable


def _enough(data: recordings.Data, labels: np.ndarray, tested: int) -> None:
    if len(set(labels.tolist())) < 2 or not tested:
        raise DataError(
            f"{data.manifest.root}: {counted(len(set(labels.tolist())), 'label')} to learn and "
            f"{counted(tested, 'clip')} to test on could be read: a learning curve needs two labels and a clip"
        )


def _say_left_out(points: list, shots: Sequence[int], most: int, console: Console) -> None:
    """Say where labels have not as many clips as were asked for; `most` is what the largest has."""
    left = sorted(set(shots) - {p.shots for p in points})
    if left:
        told = ", ".join(map(str, left))
        console.say(
            f"note: labels have at most {counted(most, 'clip')} to draw from; in place of {told} the last row has all"
        )
    few = [p.shots for p in points if p.shots is not None and p.each < p.shots]
    if few:
        console.say(
            f"note: some labels have fewer than {counted(min(few), 'clip')} to draw from, and give all they have"
        )
