"""What more recordings would bring: a learning curve within the clips that are not tested."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import audioft
from audioft.errors import DataError
from audioft.tasks.auto import advice, tables
from audioft.tasks.auto.kept import Done
from audioft.tasks.auto.work import Work

SIDES = ("data.valid=null", "data.test=0.3")
NAME = "curve"


def look(work: Work) -> Done:
    """The step."""
    title = "What more recordings would bring"
    if work.figure == "map":
        return Done(title, ["not measured: a learning curve needs one label a clip"])
    encoder = str(work.kept.found("encoder")["encoder"])
    settings: Sequence[str] = [*work.settings, *SIDES]
    table, out = work.at(tables.LEARN), work.folder / NAME
    call = work.call("learning-curve", table, encoder=encoder, out=out, settings=list(settings))
    how: dict[str, Any] = {"encoder": encoder, "out": out, "overrides": settings, "overwrite": out.exists()}
    try:
        curve = audioft.learning_curve(table, console=work.brief, **how)
    except DataError as e:
        return Done(title, [f"not measured: {e}"], calls=[call])
    told = advice.of_curve(curve)
    return Done(
        title, curve.sentences(), calls=[call], found={} if told is None else {"advice": dataclasses.asdict(told)}
    )
