"""Recordings summed up by hour, day and site: the steps behind `audioft predict --by` and `audioft.activity`."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audioft.core.places import folder_for, no_empty_folders
from audioft.core.progress import Console
from audioft.data.recorded.calendar import Calendar
from audioft.errors import UsageError
from audioft.inference.activity import Activity, summed_by
from audioft.inference.activity_tables import ActivityWriter
from audioft.inference.predictor import Predictor
from audioft.inference.table_writer import TABLES
from audioft.inference.timeline import Rules
from audioft.tasks.predict import over_time

COUNTED = ", and are counted as unknown"


def looked_up(options: argparse.Namespace) -> Calendar | None:
    """What says when and where recordings were made, where options ask for it; to be called before a model is loaded.

    Raises:
        UsageError, DataError: options that do not go together, or a table that says nothing.
    """
    if options.by is not None:
        summed_by(options.by)
        if options.what in ("windows", "segments"):
            raise UsageError(f"--by sums up --what summary; leave --what {options.what} out")
        if options.clock:
            raise UsageError("--by has hours and days in place of clock times; leave --clock out")
        if options.format not in (None, *TABLES):
            raise UsageError(f"--format {options.format} holds segments; with --by use csv or jsonl")
        if options.top_k > 1 or options.all_scores:
            raise UsageError("with --by every label has rows of its own; leave --top-k and --all-scores out")
    if options.by is None and not options.clock:
        return None
    return Calendar(options.recorded, options.time_column, options.site)


def activity(
    predictor: Predictor,
    inputs: Sequence[str],
    rules: Rules,
    calendar: Calendar,
    *,
    by: str | None,
    out: str | Path | None,
    pictures: Path | None,
    console: Console,
    how: dict[str, Any],
    **follow: Any,
) -> ActivityWriter:
    """Label recordings and sum up what is found; write it where there is something to sum up `by`.

    Args:
        predictor, inputs, rules, console, follow: see `over_time.follow`.
        calendar: when and where recordings were made.
        by: see `Activity.rows`; None where nothing is to be written.
        out: the table; None for standard output.
        pictures: a folder for pictures; None for none.
        how: the table is written, see `ActivityWriter`.
    """
    wanted = () if by is None else summed_by(by)
    need = f"--by {by}" if {"hour", "day"} & {*wanted} else None
    writer = ActivityWriter(out, wanted, predictor.labels, rules.skip, calendar, **how)
    told = None if wanted == ("site",) and pictures is None else COUNTED
    follow |= {"calendar": calendar, "told": told, "need": need, "console": console}
    with contextlib.nullcontext() if pictures is None else no_empty_folders(pictures):
        if pictures is not None:
            folder_for(pictures, "--plot")
        over_time.follow(predictor, inputs, writer, rules, pictures=None, **follow)
        writer.activity.failures = list(writer.failures.found)
        if pictures is not None:
            files = writer.activity.draw(pictures, sites="site" in wanted)
            console.say(f"drawn: {', '.join(map(str, files))}" if files else "note: nothing is drawn: no hour is known")
    return writer


def summed(predictor: Predictor, inputs: Sequence[str], rules: Rules, calendar: Calendar, **follow: Any) -> Activity:
    """See `audioft.activity`."""
    how: dict[str, Any] = {"by": None, "out": None, "pictures": None, "raw": None, "how": {}}
    return activity(predictor, inputs, rules, calendar, **how, **follow).activity
