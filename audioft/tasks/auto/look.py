"""What the data is: checked once, its sides made once, and written as tables that all later calls read."""

from __future__ import annotations

import contextlib
from typing import Any

from audioft.assembly import recordings
from audioft.assembly.folds import FEW, USUAL, learnt
from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.core.progress import Console, spell_seconds
from audioft.core.wording import counted, quoted
from audioft.data.splits import TooFewClips
from audioft.errors import AudioftError, DataError, UsageError
from audioft.tasks.auto import tables
from audioft.tasks.auto.brief import NOTE
from audioft.tasks.auto.kept import Done
from audioft.tasks.auto.work import Work

ALONE = "of which there is one clip, or one group of clips, alone: it can be learnt and not measured; record more of it"
FIRST = 100.0  # points of an advice that goes before all others
MANY = 3000  # clips, above which the first model does not wait for all of them to be checked


def load(config: Config, console: Console, **how: object) -> tuple[recordings.Data, Config, list[str]]:
    """The data with as many sides as can be made of it; the config that makes them, and what is to be said of that.

    Raises:
        DataError: it cannot be used.
    """
    said: list[str] = []
    for side in ("test", "valid"):
        try:
            return recordings.load(config, console, **how), config, said  # type: ignore[arg-type]
        except TooFewClips as e:
            if e.alone and not said:
                left = _with(config, drop=[*config.data.drop, *e.alone])
                with contextlib.suppress(DataError):
                    data = recordings.load(left, console, **how)  # type: ignore[arg-type]
                    return data, left, [f"left out: {quoted(e.alone)}, {ALONE}"]
            if not isinstance(getattr(config.data, side), float):
                raise
            of = f" of {quoted(e.alone)}" if e.alone else ""
            said.append(f"there are too few clips{of} for a {side} side: none is made")
            config = _with(config, **{side: None})
    return recordings.load(config, console, **how), config, said  # type: ignore[arg-type]


def _with(config: Config, **data: Any) -> Config:
    return config.model_copy(update={"data": config.data.model_copy(update=data)})


def look(work: Work) -> Done:
    """The step."""
    config = work.config
    if config.events.use == "frames":
        raise UsageError(
            "audioft auto chooses among models of clips, and events.use=frames asks for one of frames: "
            "events.use=clips cuts clips out, or `audioft search` looks for settings of a model of frames"
        )
    data, work.config, said = load(config, work.brief, bad_files=work.folder / "bad_files.csv")
    lone = [x for x in work.config.data.drop if x not in config.data.drop]
    given = {k: getattr(work.config.data, k) for k in ("valid", "test", "drop")}
    changed = [f"data.{k}={configs.spell(v)}" for k, v in given.items() if v != getattr(config.data, k)]
    asked = [
        s for s in work.kept.asked["settings"] if s.partition("=")[0] not in {c.partition("=")[0] for c in changed}
    ]
    call = work.call("train", str(config.data.source), dry_run=True, settings=[*asked, *changed])
    work.read(data)
    tables.write(data, work.folder)
    own, tested, clips = learnt(data), len(data.side("test")), data.manifest.clips
    seconds = sum(data.checked[i].seconds for i in own)
    told = f"{counted(len(clips), 'clip')} of {counted(len(data.manifest.labels), 'label')}"
    told += f", {spell_seconds(sum(c.seconds for c in data.checked))} of sound"
    groups = len({clips[i].group or clips[i].key for i in range(len(clips))})
    told += f", in {counted(groups, 'group')} by {data.manifest.grouping}" if groups < len(clips) else ""
    if tested:
        said.append(f"{tested} are tested at the end, and heard by no choice before")
    else:
        said.append("no clip is left to be tested: figures are of folds")
    fewest, count = tables.few_of_a_label([clips[i] for i in own])
    by = f"{USUAL} folds" if len(own) < FEW else "a validation side"
    rarest = f"the rarest label is {fewest}, with {counted(count, 'clip')}"
    said.append(f"choices are made on {by} of the other {len(own)}; {rarest}")
    without = [side for side in ("valid", "test") if not len(data.side(side))]
    found = {
        "multilabel": data.manifest.multilabel,
        "settings": tables.settings(work.config, data),
        "sides": given,
        "advice": [{"said": f"more clips of {x}: {ALONE}", "points": FIRST} for x in lone],
        "without": without,
        "refit": "both" if tables.folded(data) and "valid" not in without else "train",
        "learnt": len(own),
        "seconds": seconds,
        "tested": tested,
    }
    return Done("The data", [told, *said, *(n.removeprefix(NOTE) for n in work.brief.notes)], calls=[call], found=found)


def many(work: Work) -> bool:
    """Whether there are so many clips that the first model is made before all are checked."""
    try:
        data = unchecked(work)
    except AudioftError:  # the step that looks at the data tells it, with the table of bad recordings
        return False
    return len(data.manifest.clips) > MANY


def unchecked(work: Work) -> recordings.Data:
    """The clips as their headers have them, read once."""
    if work.headers is None:
        work.headers, _, _ = load(work.config, Console(quiet=True), headers_only=True)
    return work.headers
