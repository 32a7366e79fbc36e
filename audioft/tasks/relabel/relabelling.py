"""Labels of a finished model changed: the steps behind `audioft.relabel`."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from audioft.assembly.side_scores import model_readme
from audioft.core.progress import Console
from audioft.core.registry import suggest
from audioft.core.wording import quoted
from audioft.data.reading import tidying
from audioft.data.reading.choices import Choices
from audioft.data.targets import clean
from audioft.errors import ConfigError, UsageError
from audioft.models import folder as folders
from audioft.models import heard
from audioft.models.card import ModelCard
from audioft.models.heads.kept_head import relabelled
from audioft.models.hub import model_folder
from audioft.tasks.relabel import kept_reading


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is to be changed, see `audioft.relabel`."""

    rename: Mapping[str, str]
    merge: Mapping[str, Sequence[str]]
    drop: Sequence[str]
    background: str | None


def relabel(model: str | os.PathLike[str], target: Path, wanted: Wanted, console: Console) -> Path:
    """See `audioft.relabel`."""
    if not (wanted.rename or wanted.merge or wanted.drop or wanted.background):
        raise UsageError("nothing is to be changed: say what with --rename, --merge, --drop or --background")
    source = model_folder(model)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is not empty; nothing there is touched: give another --out")
    if folders.is_small(source):
        raise UsageError(
            f"{source} holds an adapter without its encoder; make it whole first, `audioft merge {model} --out WHOLE`"
        )
    whole, card = folders.load(source)
    labels = _labels(card, wanted)
    rows = [[i for i, own in enumerate(card.labels) if labels[own] == new] for new in _order(card, labels)]
    if card.multilabel:
        _refuse_merging(card, rows, _order(card, labels))
    elif len(rows) < 2:
        raise UsageError(f"{source}: of one label a clip at least two must be left, and this leaves {len(rows)}")
    made = _card(card, labels, wanted)
    told = _told(card, labels)
    readme = source / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else model_readme(made, None, {"model": str(model)})
    text = _of_the_new(text, made, told, same=not _others(labels))
    folders.save(relabelled(whole, rows), made, target, text, heard=heard.of_folder(source))
    for sentence in (*told, *(f"note: {note}" for note in kept_reading.told(made))):
        console.say(sentence)
    if (source / "speakers.json").is_file():
        console.say(f"note: the enrolled stay in {source}: enroll anew, or name their file (--speakers)")
    return target


def _labels(card: ModelCard, wanted: Wanted) -> dict[str, str | None]:
    """The new name of each label; None for those that are left out."""
    choices = Choices(rename=wanted.rename, merge=wanted.merge, drop=wanted.drop)
    try:
        plan = tidying.plan(choices, card.labels)
    except ConfigError as e:
        odd = [label for label in card.labels if set(label) & set("=,")]
        how = f" (a name as {odd[0]!r} stands in double quotes: '\"{odd[0]}\"=NEW')" if odd else ""
        raise UsageError("; ".join(p.replace("data.", "--") for p in e.problems) + how) from None
    return {label: None if label in plan.dropped else plan.names[label] for label in card.labels}


def _order(card: ModelCard, labels: Mapping[str, str | None]) -> tuple[str, ...]:
    """The new labels in the order of the old ones."""
    return tuple(dict.fromkeys(new for label in card.labels if (new := labels[label]) is not None))


def _others(labels: Mapping[str, str | None]) -> bool:
    """Whether labels are others, and not only called otherwise."""
    kept = [new for new in labels.values() if new is not None]
    return len(set(kept)) < len(labels)


def _refuse_merging(card: ModelCard, rows: Sequence[Sequence[int]], labels: Sequence[str]) -> None:
    for own, new in zip(rows, labels, strict=True):
        if len(own) > 1:
            parts = [card.labels[i] for i in own]
            raise UsageError(
                f"{quoted(parts)} cannot be made {new!r}: several may hold at once, and their scores do not tell "
                f"how likely any of them is; train with data.merge='{{{new}: [{', '.join(parts)}]}}'"
            )


def _card(card: ModelCard, labels: Mapping[str, str | None], wanted: Wanted) -> ModelCard:
    """What the new model knows; figures stay true of labels that are only called otherwise."""
    new = _order(card, labels)
    thresholds = card.thresholds
    if thresholds is not None:
        thresholds = tuple(t for t, label in zip(thresholds, card.labels, strict=True) if labels[label] is not None)
    background = _background(card, labels)
    if wanted.background is not None:
        background = clean(wanted.background)
        if background not in new:
            raise UsageError(f"--background: no label is called {background!r}{suggest(background, new)}")
        if card.multilabel:
            raise UsageError("--background: where several labels may hold, nothing is said by none of them")
    return dataclasses.replace(
        card,
        labels=new,
        thresholds=thresholds,
        background=background,
        measured={} if _others(labels) else card.measured,
        reading=kept_reading.of(card, labels),
    )


def _background(card: ModelCard, labels: Mapping[str, str | None]) -> str | None:
    """The label of background, unless it was left out or others were added to it under a new name."""
    if card.background is None:
        return None
    new = labels[card.background]
    alone = sum(other == new for other in labels.values()) == 1
    return new if alone or new == card.background else None


def _told(card: ModelCard, labels: Mapping[str, str | None]) -> list[str]:
    """A sentence for each label that is another one now."""
    told = []
    for new in _order(card, labels):
        own = [label for label in card.labels if labels[label] == new]
        told += [f"{quoted(own)} {'is' if len(own) == 1 else 'are'} {new!r} now"] if own != [new] else []
    gone = [label for label in card.labels if labels[label] is None]
    return [*told, *([f"left out: {quoted(gone)}"] if gone else [])]


def _of_the_new(readme: str, card: ModelCard, told: Sequence[str], *, same: bool) -> str:
    """The card of the model that was relabelled, as it is true of the new one."""
    given = ", ".join(f"`{x}`" for x in card.labels)
    text = re.sub(r"^(Gives a recording .*?: ).*$", lambda m: f"{m[1]}{given}.", readme, count=1, flags=re.M)
    if not same:
        text = re.sub(r"^## Measured$", "## Measured before it was relabelled", text, count=1, flags=re.M)
    return f"{text.rstrip()}\n\n## Relabelled\n\n" + "".join(f"- {t}\n" for t in told)
