"""The steps behind `audioft.report`: each is a public function, and what they wrote becomes one page."""

from __future__ import annotations

import datetime
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import audioft
from audioft.assembly import reading
from audioft.core import storage
from audioft.core.progress import Console
from audioft.errors import AudioftError, ConfigError, UsageError
from audioft.evaluation.page.elements import escaped
from audioft.evaluation.page.joined import Part, joined
from audioft.evaluation.report import Report
from audioft.evaluation.slices import text as slices_text
from audioft.inference.predictor import Predictor
from audioft.models.hub import model_folder
from audioft.tasks.report import mistakes, model_card

PAGE = "index.html"


@dataclass(frozen=True)
class Asked:
    """What a report is to tell; see `audioft.report`.

    Attributes:
        out: where it goes.
        reading: which clips, and how they are read.
        how: where and how the model computes.
        by, kinds, limit, noise, explained, players, model_card, resamples, seed: as there.
    """

    out: Path
    reading: Mapping[str, Any]
    how: Mapping[str, Any]
    by: Sequence[str] | None
    kinds: Sequence[str] | None
    limit: int
    noise: str | None
    explained: int
    players: int
    model_card: bool
    resamples: int
    seed: int


@dataclass(frozen=True, repr=False)
class FullReport:
    """What `audioft.report` found. `print` shows it as sentences.

    Attributes:
        page: the page.
        evaluation: as of `audioft.evaluate`, slices included.
        robustness: as of `audioft.robustness`; None where nothing was disturbed.
        explanations: as of `audioft.explain`, of the surest mistakes, by their titles.
        said: paragraphs by their headings.
        notes: what could not be done, and why.
    """

    page: Path
    evaluation: Report
    robustness: Any
    explanations: Mapping[str, Any]
    said: Mapping[str, Sequence[str]]
    notes: Sequence[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [line for heading, own in self.said.items() for line in (f"{heading}", *(f"  {x}" for x in own), "")]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes), f"page  {self.page}"])

    __repr__ = __str__


def refuse_place(out: Path) -> None:
    """Raise a UsageError where a report would lie among the files of a run or of a model."""
    for name, what in {"config.yaml": "a run", "audioft.json": "a model"}.items():
        if (out / name).is_file():
            raise UsageError(f"--out {out} holds {what}; it takes a folder of its own")


def make(model: Any, data: Path, asked: Asked, console: Console) -> FullReport:
    """See `audioft.report`."""
    out, notes = asked.out, []
    common = dict(asked.reading) | dict(asked.how) | {"resamples": asked.resamples, "seed": asked.seed}
    common["console"] = console
    console.say("1 of 3: what it gets right, and for whom")
    places = {name: out / name for name in ("evaluation", "robustness", "explanations")}
    own: dict[str, Any] = {"by": asked.by, "players": asked.players, "overwrite": True}
    found = audioft.evaluate(model, data, out=places["evaluation"], **own, **common)
    parts = [_part("evaluation", "What it gets right, and for whom", places["evaluation"] / "report.html")]
    card, explained = None, []
    if asked.kinds is None or asked.kinds:
        console.say("2 of 3: what it can stand")
        own = {
            "kinds": asked.kinds,
            "limit": asked.limit,
            "noise": asked.noise,
            "players": bool(asked.players),
        }
        try:
            card = audioft.robustness(model, data, out=places["robustness"], overwrite=True, **own, **common)
            parts.append(_part("robustness", "What it can stand", places["robustness"] / "robustness.html"))
        except UsageError as e:
            if found.kind != "events" or isinstance(e, ConfigError):
                raise
            notes.append(f"nothing was disturbed: {e}")
    if asked.explained:
        console.say("3 of 3: what its mistakes rest on")
        try:
            explained = _explained(model, data, asked, found, places, console)
        except AudioftError as e:
            notes.append(f"no mistake is explained: {e}")
        else:
            notes += [] if explained else ["no mistake is explained: there is none to explain"]
        for earlier in places["explanations"].glob("[0-9]*.html"):
            earlier.unlink()
        for number, (title, one) in enumerate(explained, 1):
            page = places["explanations"] / f"{number}.html"
            one.save(page)
            parts.append(_part(f"mistake-{number}", title, page, silent=not asked.players))
    said = {"What it gets right, and for whom": _of_evaluation(found)}
    said |= {} if card is None else {"What it can stand": [card.sentence]}
    said |= (
        {"What its surest mistakes rest on": [_of_mistake(title, one) for title, one in explained]} if explained else {}
    )
    date, command = datetime.date.today().isoformat(), _command()
    storage.write_text(out / PAGE, _page(model, data, said, notes, parts, date, command))
    if asked.model_card:
        _into_model_card(model, data, found, said, f"Measured on {date} by `{command}`.", console)
    return FullReport(out / PAGE, found, card, dict(explained), said, notes)


def _part(name: str, title: str, page: Path, *, silent: bool = False) -> Part:
    text = page.read_text(encoding="utf-8")
    return Part(name, title, re.sub(r"<audio\b.*?</audio>", "", text, flags=re.DOTALL) if silent else text)


def _of_evaluation(found: Report) -> list[str]:
    told = [] if found.slices is None else slices_text.sentences(found.slices)
    return [*([found.foremost] if found.foremost else []), found.sentence, *told]


def _of_mistake(title: str, one: Any) -> str:
    return "; ".join(filter(None, (f"{title}: {one.rests}", one.tried)))


def _explained(
    model: Any, data: Path, asked: Asked, found: Report, places: Mapping[str, Path], console: Console
) -> list[tuple[str, Any]]:
    """Titles and explanations of the surest mistakes."""
    kind = {"multilabel": found.multilabel, "events": found.kind == "events"}
    wanted = mistakes.surest(places["evaluation"] / "predictions.csv", asked.explained, **kind)
    if not wanted:
        return []
    predictor = Predictor(model, **asked.how)
    own = {key: asked.reading[key] for key in ("label", "group", "rename")}
    given = predictor.card.reading, asked.reading["overrides"], "report measures a model as it is"
    how = reading.as_learnt(*given, Console(quiet=True), **own)  # the evaluation has told how
    timed = how.in_time(data, asked=True) if kind["events"] else None
    clips = how.whole_clips(data).clips if timed is None else [a.clip for a in timed.recordings]
    explained = []
    for mistake, clip in zip(wanted, mistakes.stretches(wanted, clips), strict=True):
        rival = None if found.multilabel or kind["events"] else mistake.true[0]
        (one, *_) = audioft.explain(predictor, clip, label=mistake.given, against=rival, console=Console(quiet=True))
        explained.append((mistake.title, one))
    return [(title, one) for title, one in explained if one.evidence.size]


def _page(
    model: Any,
    data: Path,
    said: Mapping[str, Sequence[str]],
    notes: Sequence[str],
    parts: Sequence[Part],
    date: str,
    command: str,
) -> str:
    lines = [f"<p>{escaped(date)}, by <code>{escaped(command)}</code></p>"]
    for heading, own in said.items():
        lines.append(f"<h3>{escaped(heading)}</h3><ul>{''.join(f'<li>{escaped(x)}</li>' for x in own)}</ul>")
    lines += [f"<p>{escaped(note)}</p>" for note in notes]
    return joined(f"{model} on {data}", "\n".join(lines) + "\n", parts)


def _command() -> str:
    """How this process was called, where that was by the command; else the function's name."""
    called = Path(sys.argv[0]).name
    return shlex.join(["audioft", *sys.argv[1:]]) if called in ("audioft", "__main__.py") else "audioft.report"


def _into_model_card(
    model: Any, data: Path, found: Report, said: Mapping[str, Sequence[str]], when: str, console: Console
) -> None:
    if not Path(model).is_dir():
        return  # of the hub: what was downloaded stays as it is
    folder = model_folder(model)
    first, *rest = said
    section = {first: [when, *said[first]]} | {heading: said[heading] for heading in rest}
    model_card.write(folder, model_card.name_of(data), found.side, found.metrics, section)
    console.say(f"model card: {folder / 'README.md'}")
