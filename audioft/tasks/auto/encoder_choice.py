"""Which encoder, and which of its layers: probes on frozen encoders, over folds of the clips that are not tested."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import audioft
from audioft.errors import AudioftError, DataError
from audioft.evaluation.text import number
from audioft.models import loading
from audioft.tasks.auto import tables
from audioft.tasks.auto.brief import Brief
from audioft.tasks.auto.kept import Best, Done
from audioft.tasks.auto.places import BYTES
from audioft.tasks.auto.work import PROBE, Work

TRY = (20, 60, 180)  # clips by which the time of an encoder is known: as few as have enough of each label
FEW = 300  # clips, below which nothing is tried beforehand
SHARE = 0.25  # of the time that is left
MOST = 2000
LEAST = 200
POLICY = ("It learns from", "There are")  # what is frozen is for the search to find out
PROBED = "probed"
TIMED = 120.0  # seconds of sound, from which on the seconds a minute are the encoder's own
PICTURE = "that figure is of a layer chosen within each fold; the picture has each layer by itself"


def refuse_unknown(work: Work) -> None:
    """Leave out encoders that are not there, before anything is heard.

    Raises:
        AudioftError: none of them is.
    """
    problems: dict[str, AudioftError] = {}
    for name in work.encoders:
        try:
            loading.described(name)
        except AudioftError as e:
            problems[name] = e
    if len(problems) == len(work.encoders):
        raise next(iter(problems.values()))
    for problem in problems.values():
        work.console.say(f"note: left out: {problem}")
    work.encoders = tuple(n for n in work.encoders if n not in problems)
    work.unknown = [f"{n}: {' '.join(str(p).split())}" for n, p in problems.items()]


def choose(work: Work) -> Done:
    """The step."""
    lost: list[str] = [*work.unknown]
    try:
        clips, names = _affordable(work, lost)
        found, call = _probe(work, names, clips)
        names = _fitting(work, found.rows, names, lost)
        if len(names) < len(found.rows):
            found, call = _probe(work, names, clips)
    except DataError as e:
        encoder = work.kept.found("first").get("encoder", work.encoders[0])
        said = [f"{encoder} is taken: encoders cannot be measured on these clips ({e})"]
        return Done("The encoder", said, lost, found={"encoder": encoder})
    if found.advice is None:
        problems = "; ".join(f"{r.name}: {r.problem}" for r in found.failed)
        raise DataError(f"no encoder could be measured: {problems}")
    row = next(r for r in found.all() if r.name == found.suggested)
    lost += [f"{r.name}: {r.problem}" for r in found.failed]
    lost += [_told(r, found.metric) for r in found.all() if r.layers and r.name != row.name]
    best = Best(
        f"probe of layer {row.layer} of {row.name}",
        found.metric,
        *(row.top.value, row.top.low, row.top.high),
        measured=f"on {found.about.split(';')[1].strip()}" if ";" in found.about else "on folds",
    )
    calls = [call, work.call("train", from_probe=work.at(PROBE), out=work.at(PROBED), settings=[])]
    out = work.folder / PROBED
    run = audioft.finetune(
        from_probe=work.folder / PROBE, out=out, overwrite=out.exists(), overrides={}, console=work.brief
    )
    if why := work.offer(best, run.model):
        lost.append(why)
    cost = f"{row.parameters * BYTES / 1e6:.0f} MB"
    timed = row.seconds_per_minute is not None and float(work.kept.found("data")["seconds"]) >= TIMED
    cost += f" and {row.seconds_per_minute:.2f} s a minute of sound here" if timed else ""
    said, lost = [x for x in found.advice[0] if not x.startswith(POLICY)], list(dict.fromkeys(lost))
    layers = sorted(range(len(row.layers)), key=lambda i: (i != row.layer, -row.layers[i].value))
    known: dict[str, Any] = {"encoder": row.name, "seconds_per_minute": row.seconds_per_minute, "clips": clips}
    known["layers"] = layers  # the best first
    said += [f"{row.name} takes {cost}; {work.place}", PICTURE]
    return Done("The encoder", said, lost, calls, found=known)


def _affordable(work: Work, lost: list[str]) -> tuple[int, list[str]]:
    """How many clips are heard by each encoder, and by which of them, so that it takes a share of the time."""
    names, count = list(work.encoders), int(work.kept.found("data")["learnt"])
    if count <= FEW:
        return MOST, names
    minutes = float(work.kept.found("data")["seconds"]) / count / 60  # a clip
    tried = _try(work, names)
    paces = {r.name: r.seconds_per_minute for r in tried if r.seconds_per_minute is not None}
    names = _fitting(work, tried, names, lost)
    while any(n in paces for n in names):
        afford = SHARE * work.free / max(1e-9, minutes * sum(paces.get(n, 0.0) for n in names))
        if afford >= min(LEAST, count) or len(names) == 1:
            break
        slow = max((n for n in names if n in paces), key=paces.__getitem__)
        lost.append(f"{slow}: {paces[slow]:.1f} s a minute of sound is too slow to be measured in the time there is")
        names.remove(slow)
    else:
        return MOST, names
    return int(min(MOST, max(afford, min(LEAST, count)))), names


def _try(work: Work, names: list[str]) -> list[Any]:
    """A few clips through each encoder, for the time it takes; they are not heard again."""
    muted = Brief(work.console, work.brief.log, passing=False)  # what is to be said is said of the pass that counts
    for clips in TRY:
        how: dict[str, Any] = {"overrides": work.settings, "clips": clips, "console": muted}
        with contextlib.suppress(DataError):  # too few of each label among them
            return list(audioft.compare_encoders(work.at(tables.LEARN), names, **how).rows)
    return []


def _probe(work: Work, names: list[str], clips: int) -> tuple[Any, str]:
    """The comparison, and its call."""
    table, out = work.at(tables.LEARN), work.folder / PROBE
    call = work.call("probe", table, encoders=",".join(names), out=out, clips=clips)
    how: dict[str, Any] = {"out": out, "overrides": work.settings, "clips": clips, "overwrite": out.exists()}
    return audioft.compare_encoders(table, names, console=work.brief, **how), call


def _fitting(work: Work, rows: Sequence[Any], names: list[str], lost: list[str]) -> list[str]:
    """Those that the place can bear, and those of which nothing is known; the smallest where all are too much."""
    enough = float(work.kept.found("data")["seconds"]) >= TIMED  # in less, reading and starting are most of the time
    there = {
        r.name: work.place.refused(r.parameters, r.seconds_per_minute if enough else None) for r in rows if r.layers
    }
    fit = [n for n in names if there.get(n) is None]
    if there and not any(n in there for n in fit):
        least = min((r for r in rows if r.layers), key=lambda r: r.parameters)
        lost.append(f"a smaller one than {least.name}, which is taken though {there.pop(least.name)}: none was given")
        fit = [n for n in names if n == least.name]
    lost += [f"{n}: {why}" for n, why in there.items() if why is not None]
    return fit


def _told(row: Any, metric: str) -> str:
    return f"{row.name}: {metric} {number(row.top.value)} ({row.top.bounds or 'no interval'})"
