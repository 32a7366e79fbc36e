"""`audioft predict`."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core import startup
from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.tasks import arguments

if TYPE_CHECKING:
    from audioft.data.recorded.calendar import Calendar
    from audioft.inference.activity_tables import ActivityWriter
    from audioft.inference.event_tables import TimeWriter
    from audioft.inference.predictor import Predictor
    from audioft.inference.table_writer import Writer

WHAT = ("windows", "segments", "summary")
TIMED = ("--release", "--min-duration", "--close-gaps", "--clock")
#: What says when and where recordings were made.
RECORDED = ("--recorded", "--time-column", "--site")
FORMATS = ("csv", "jsonl", "audacity", "raven", "rttm")

NAME = "predict"
ELSEWHERE = ("infer", "inference", "label", "classify", "run", "transcribe")
ABOUT = "Label new recordings."
GROUP = "label"
EXAMPLES = (
    "audioft predict runs/birds new/*.wav --out labels.csv",
    "audioft predict runs/birds night.flac --what segments --format audacity --out labels",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_OR_RUN", help="a run folder, a model folder, or an export")
    parser.add_argument(
        "items", nargs="*", metavar="INPUT", help="files, folders (in depth), patterns; or - for standard input"
    )
    parser.add_argument("--out", metavar="FILE", help="a .csv, .jsonl or .rttm file (default: CSV on standard output)")
    parser.add_argument("--resume", action="store_true", help="keep the rows that --out has, and add the missing ones")
    parser.add_argument("--overwrite", action="store_true", help="replace what --out has")
    parser.add_argument("--top-k", type=arguments.count, default=1, metavar="K", help="the K most probable labels")
    parser.add_argument("--all-scores", action="store_true", help="a column for every label's score")
    parser.add_argument(
        "--threshold",
        type=arguments.share,
        metavar="P",
        help="score that a label must reach: below it the label's cell is empty; with times, from which on it begins "
        "(the model's; of one label a recording, the best)",
    )
    when = parser.add_argument_group("what happens when")
    when.add_argument("--what", choices=WHAT, help="rows of windows, of segments, or of recordings and labels")
    when.add_argument(
        "--format",
        choices=FORMATS,
        help="audacity (a file a recording, --out is their folder), raven and rttm hold segments",
    )
    when.add_argument("--release", type=arguments.share, metavar="R", help="share of it down to which it goes on (0.8)")
    when.add_argument(
        "--min-duration", type=arguments.time, metavar="S", help="leave shorter segments out (the model's, else 0)"
    )
    when.add_argument("--close-gaps", type=arguments.time, metavar="S", help="longest gap to close (the model's)")
    when.add_argument("--plot", metavar="DIR", help="draw each recording there, long ones in pages; with --by, hours")
    when.add_argument("--raw", metavar="RATE,FORMAT,CHANNELS", help="what - holds if it has no header: 16000,s16le,1")
    clock = parser.add_argument_group("at which time of day")
    clock.add_argument("--by", metavar="hour|day|site", help="sum up summaries, by several as site,hour")
    clock.add_argument("--clock", action="store_true", default=None, help="columns of clock times beside the seconds")
    clock.add_argument("--recorded", metavar="TABLE", help="when and where each file_name was recorded (by its name)")
    clock.add_argument("--time-column", metavar="NAME", help="of TABLE (datetime and the like); two as date+time")
    clock.add_argument("--site", metavar="name|folder|COLUMN", help="what the site is (the first that says one)")
    arguments.add_scoring(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    if not options.items:
        raise UsageError("nothing to label: name files, folders or patterns after the model")
    arguments.refuse_swapped(options, options.items)
    if os.path.exists(options.model):
        arguments.refuse_missing(options.items)
    timed = options.what or options.format or options.plot or options.raw or "-" in options.items
    timed = timed or options.by is not None
    if (idle := _given(options, TIMED)) and not timed:
        raise UsageError(f"{', '.join(idle)}: for what happens when: add --what segments, or leave them out")
    if (idle := _given(options, RECORDED)) and options.by is None and not options.clock:
        raise UsageError(f"{', '.join(idle)}: for times and sites: add --by hour or --clock, or leave them out")
    if "-" in options.items:
        startup.hold_input()
    with startup.loading():
        from audioft.core.runtime import launched
        from audioft.inference.table_writer import NAMED
        from audioft.inference.tables import PredictionWriter
        from audioft.tasks.predict import api

        processes = launched(options.device)
        if processes is not None:
            if timed:
                raise UsageError(
                    "what happens when is written by one process; leave out --what, --format, --plot and --by, or "
                    "start one"
                )
            options.device = str(processes.device)
            console = console if processes.main else Console(quiet=True)
        calendar = None
        if options.by is not None or options.clock:
            from audioft.tasks.predict import by_time

            calendar = by_time.looked_up(options)
        model = arguments.model(options)
    if timed:
        table: Writer = _over_time(model, options, calendar, console)
    else:
        least = {} if options.threshold is None else {"threshold": options.threshold}
        how = _how(model, options, overlap=0, **least)
        table = PredictionWriter(options.out, model.labels, model.card.multilabel, **least, **how)
        done = table.done if processes is None else processes.gather([*table.done] if processes.main else [])
        given = {"skip": done, "window": options.window, "hop": options.hop, "processes": processes, **least}
        found = api.predict(model, options.items, console=console, **given)
        if processes is not None and not processes.main:
            return len(list(found))  # what it finds goes to the first process: 0
        with table:
            for p in found:
                table.write(p)
    failed = table.failures.found
    for name, reason in failed[:NAMED]:
        print(f"audioft: {name}: {reason}", file=sys.stderr)
    if failed:
        listed = f", all listed in {table.failures.written}" if table.failures.written else ""
        told = f"{len(failed)} of {table.count} inputs could not be labelled to their end{listed}"
        print(f"audioft: {told}", file=sys.stderr)
    if options.out:
        console.say(table.told())
    return int(bool(failed))


def _given(options: argparse.Namespace, names: Sequence[str]) -> list[str]:
    return [name for name in names if vars(options)[name.strip("-").replace("-", "_")] is not None]


def _how(model: Predictor, options: argparse.Namespace, overlap: float = 0.5, **settings: Any) -> dict[str, Any]:
    """How either table is written: its rows, what becomes of rows that are there, and what they are made with."""
    from audioft.inference.table_provenance import made_with

    made = None
    if options.out:
        made = made_with(model, model.grid(options.window, options.hop, overlap), **settings)
    return {"made": made} | {k: getattr(options, k) for k in ("top_k", "all_scores", "resume", "overwrite")}


def goes_on(options: argparse.Namespace) -> str:
    if not str(options.out).endswith((".csv", ".jsonl")):
        return ""
    if options.overwrite:  # what has replaced it says so itself
        return f"{options.out} holds what it held before" if os.path.exists(options.out) else ""
    return f"the same call with --resume goes on with {options.out}"


def _over_time(
    model: Predictor, options: argparse.Namespace, calendar: Calendar | None, console: Console
) -> TimeWriter | ActivityWriter:
    from audioft.inference.event_tables import TimeWriter
    from audioft.tasks.predict import over_time

    live = "-" in options.items and options.format in (None, "csv", "jsonl")
    what = options.what or ("summary" if options.by else "windows" if live else "segments")
    how = {"release": options.release, "min_seconds": options.min_duration, "close_gaps": options.close_gaps}
    rules = model.rules(options.threshold, **how)
    for told in over_time.without_background(model.card, model.labeller.frame_level) if what != "windows" else ():
        console.say(f"note: {told}")
    settings = {} if what == "windows" else dataclasses.asdict(rules)
    given: dict[str, Any] = {"window": options.window, "hop": options.hop, "raw": options.raw, "console": console}
    pictures = None if options.plot is None else Path(options.plot)
    written = _how(model, options, **settings, **({} if calendar is None else calendar.made()))
    if options.by is not None:
        from audioft.tasks.predict import by_time

        assert calendar is not None
        given |= {
            "by": options.by,
            "out": options.out,
            "pictures": pictures,
            "how": {**written, "form": options.format},
        }
        return by_time.activity(model, options.items, rules, calendar, **given)
    given |= {"calendar": calendar, "told": ", and have no clock times", "need": "--clock"}
    table = TimeWriter(options.out, options.format, what, model.labels, calendar=calendar, **written)
    over_time.follow(model, options.items, table, rules, pictures=pictures, **given)
    return table
