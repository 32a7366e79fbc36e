"""How labelled data is read by what does not train: the settings that say it, as training takes them."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.core.progress import Console
from audioft.errors import DataError, Problem, UsageError

if TYPE_CHECKING:
    from audioft.data.annotated import Found
    from audioft.data.manifest import Manifest
    from audioft.data.reading.choices import Choices
    from audioft.data.source import EventUse

#: What a source is and what its labels mean.
KEYS = (
    *("data.label", "data.group", "data.allow_outside", "data.audio_root", "data.na", "data.source_kind"),
    *("data.label_files", "data.min_score", "data.unlabelled", "data.folders", "events.point_width"),
    *("data.rename", "data.merge", "data.drop", "data.keep", "data.negatives", "data.exclude"),
)
#: What else is said of events that are cut to clips.
CUTTING = ("events.context", "events.background")
#: What labels mean to a model that learnt them, wherever other data lies.
OF_A_MODEL = (
    *("data.na", "data.unlabelled", "data.folders", "events.point_width"),
    *("data.rename", "data.merge", "data.drop", "data.keep", "data.negatives"),
)


SIDES = ("data.test", "data.valid")  # what training makes of data, and a model keeps


@dataclass(frozen=True)
class Reading:
    """How labelled data is read.

    Attributes:
        label, group, allow_outside, choices: see `audioft.data.manifest.load`.
        events: what is made of labels with times, where they are cut to clips.
        timed: whether it was said that labels have times.
    """

    label: str | None
    group: str | None
    allow_outside: bool
    choices: Choices
    events: EventUse
    timed: bool

    def clips(self, data: str | Path, *, least_labels: int = 1) -> Manifest:
        """The clips that training would learn from; labels with times are cut to clips."""
        from audioft.data import source

        return source.load(data, events=self.events, least_labels=least_labels, **self._how)

    def whole_clips(self, data: str | Path) -> Manifest:
        """The clips of folders or of a table, whatever label files lie beside them."""
        from audioft.data import manifest

        return manifest.load(data, least_labels=1, **self._how)

    def in_time(self, data: str | Path, *, asked: bool) -> Found | None:
        """Recordings with their events; None where labels have no times, and none were `asked` for."""
        from audioft.data import event_clips, source

        found = source.read_annotated(data, asked=asked or self.timed, **self._how)
        width = self.events.point_width
        return found if found is None or width is None else event_clips.widened(found, width)

    @property
    def renames(self) -> bool:
        """Whether clips may have other labels than their source gives them."""
        from audioft.data.reading.from_names import asked

        return self.choices.tidies or asked(self.label, "data.label") is not None

    @property
    def _how(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "group": self.group,
            "allow_outside": self.allow_outside,
            "choices": self.choices,
        }


def of(
    overrides: Mapping[str, Any] | Sequence[str],
    why: str,
    *,
    taken: Sequence[str] = KEYS,
    usual: Mapping[str, Any] | None = None,
    **given: Any,
) -> Reading:
    """How data is read as somebody says it.

    Args:
        overrides: dotted keys to values, or `section.key=value` strings.
        why: no other settings are taken, the beginning of a sentence.
        taken: the settings.
        usual: settings that hold where nothing else is said.
        given: arguments of the same names as settings of `data`.

    Raises:
        ConfigError: an unknown key, or a value that it cannot have.
        UsageError: a setting that has no effect here.
    """
    said = [*((f"data.{k}", v) for k, v in given.items() if v is not None), *configs.pairs(overrides)]
    config = configs.load(None, [*(usual or {}).items(), *said])
    for key, _ in said:
        if not any(f"{key}.".startswith(f"{known}.") for known in taken):
            sides = " --side test takes the recordings that the model was tested on." if key in SIDES else ""
            raise UsageError(f"{key}: {why};{sides} taken are {', '.join(taken)}")
    timed = any(k == "events.point_width" and v is not None for k, v in said)
    return of_config(config, timed=timed, assumed=[k for k in usual or {} if k not in (s for s, _ in said)])


def of_config(config: Config, *, timed: bool = False, assumed: Collection[str] = ()) -> Reading:
    """How the data of a run is read; `assumed` are settings that nobody gave for it, see `Choices`."""
    from audioft.data.reading.choices import Choices
    from audioft.data.source import EventUse

    d, e = config.data, config.events
    events = EventUse(e.use, e.context, e.background, e.point_width)
    return Reading(d.label, d.group, d.allow_outside, Choices.of(d, assumed), events, timed)


def kept(config: Config) -> dict[str, Any]:
    """What a model keeps of how the data of its run was read: what labels mean, where that is not as by default."""
    return {k: v for k, v in configs.differing(config).items() if k in OF_A_MODEL}


def usual(of_model: Mapping[str, Any], overrides: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """Settings that a model keeps, but for those that are given."""
    given = {f"{key}." for key, _ in configs.pairs(overrides)}
    return {k: v for k, v in of_model.items() if k in OF_A_MODEL and not any(g.startswith(f"{k}.") for g in given)}


def told(settings: Mapping[str, Any]) -> list[str]:
    """A sentence for settings of `usual`, where there are any."""
    said = ", ".join(f"{k}={configs.spell(v)}" for k, v in settings.items())
    sentence = f"labels are read as those that the model learnt: {said}; another value that is given wins"
    return [sentence] if settings else []


def as_learnt(
    of_model: Mapping[str, Any],
    overrides: Mapping[str, Any] | Sequence[str],
    why: str,
    console: Console,
    **given: Any,
) -> Reading:
    """How data is read that a model is measured on: as it learnt, where nothing else is said; arguments as of `of`."""
    said = [*configs.pairs(overrides), *((f"data.{k}", v) for k, v in given.items() if k == "rename" and v is not None)]
    settings = usual(of_model, dict(said))
    for note in told(settings):
        console.say(f"note: {note}")
    return of(overrides, why, usual=settings, **given)


def refuse_lists(exclude: Sequence[str], folder: Path) -> None:
    """Raise where a list of `data.exclude` lies in the folder of the run, as the table of bad recordings does.

    Raises:
        UsageError: the run would replace it, and go on without what it says.
    """
    for entry in exclude:
        if Path(os.path.realpath(entry)).is_relative_to(os.path.realpath(folder)):
            raise UsageError(
                f"data.exclude={entry} lies in the folder of the run, which writes its files anew; give another --out, "
                "or move the list elsewhere"
            )


@contextlib.contextmanager
def spelt_as(section: str) -> Iterator[None]:
    """Name settings as they are called where they are all in one section, in what is said to be wrong with data."""
    try:
        yield
    except DataError as e:
        raise DataError([renamed(p, section) for p in e.problems]) from e
    except UsageError as e:
        raise UsageError(renamed(str(e), section)) from e


def renamed(sentence: str, section: str) -> str:
    """A sentence that names settings of `KEYS` by their names in another section.

    >>> renamed("set data.na=keep", "probe.data")
    'set probe.data.na=keep'
    """
    names = "|".join(key.partition(".")[2] for key in KEYS)
    pattern = re.compile(rf"(?<![\w.])(?:data|events)\.(?=(?:{names})\b)")
    if isinstance(sentence, Problem):
        return Problem(sentence.place, pattern.sub(f"{section}.", sentence.said))
    return pattern.sub(f"{section}.", sentence)
