"""How a relabelled model reads data that has the labels which the model before it learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audioft.assembly.background import NEGATIVES
from audioft.core.wording import quoted
from audioft.data.reading import tidying
from audioft.data.reading.choices import Choices
from audioft.models.card import ModelCard

RENAMED, MERGED, DROPPED, KEPT = "data.rename", "data.merge", "data.drop", "data.keep"
_TIDYING = (RENAMED, MERGED, DROPPED, KEPT, NEGATIVES)


def of(card: ModelCard, labels: Mapping[str, str | None]) -> dict[str, Any]:
    """Settings by which names that the model's data may have become the new labels, all of them at once.

    What is left out, and has the new name of another label, is renamed to what nothing is called first.

    Args:
        card: of the model before.
        labels: the new name of each of its labels; None for those that are left out.
    """
    own = {key.removeprefix("data."): card.reading[key] for key in _TIDYING if key in card.reading}
    merge = own.get("merge", {})
    lists = [name for key in ("drop", "keep", "negatives") for name in own.get(key, ())]
    parts = [part for several in merge.values() for part in several]
    names = dict.fromkeys([*own.get("rename", {}), *parts, *merge, *lists, *card.labels])
    plan = tidying.plan(Choices(**own, assumed=frozenset(_TIDYING)), names)
    new = {label for label in labels.values() if label is not None}
    background = None if card.multilabel else labels.get(tidying.BACKGROUND, tidying.BACKGROUND)
    rename: dict[str, str] = {}
    gone: dict[str, list[str]] = {DROPPED: [], KEPT: [], NEGATIVES: []}
    for name in names:
        to, setting = labels.get(plan.names[name], plan.names[name]), plan.dropped.get(name)
        if name in plan.negatives:
            to = background
            setting = NEGATIVES if card.multilabel or background == tidying.BACKGROUND else None
        if setting is not None or to is None:
            to = f"{name} before" if name in new else name
            gone[setting or DROPPED].append(to)
        if to != name:
            rename[name] = to
    kept = {KEPT: sorted(new)} if own.get("keep") else {}
    made = {RENAMED: rename, DROPPED: gone[DROPPED], **kept, NEGATIVES: gone[NEGATIVES]}
    rest = {key: value for key, value in card.reading.items() if key not in _TIDYING}
    return rest | {key: value for key, value in made.items() if value}


def told(card: ModelCard) -> list[str]:
    """A sentence for a model with labels that are called as others were before: data may have either names."""
    either = [name for name in card.reading.get(RENAMED, {}) if name in card.labels]
    if not either:
        return []
    return [
        f"{quoted(either)} of data, {'a name' if len(either) == 1 else 'names'} of before and of this model, "
        f"{'is' if len(either) == 1 else 'are'} read as of before; evaluate data that has the new names with "
        f"'{RENAMED}={{}}'"
    ]
