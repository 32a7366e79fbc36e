"""`audioft evaluate`."""

from __future__ import annotations

import argparse
import os

from audioft.core.progress import Console
from audioft.tasks import arguments

NAME = "evaluate"
ELSEWHERE = ("test", "eval", "score", "measure", "validate")
ABOUT = "Measure a model on labelled recordings."
GROUP = "measure"
EXAMPLES = ("audioft evaluate runs/birds more_recordings/",)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_OR_RUN", help="a run folder or a model folder")
    parser.add_argument("data", metavar="DATA", help="a folder, .csv or .jsonl with labels the model knows")
    arguments.add_reading(parser)
    parser.add_argument("--out", metavar="DIR", help="write report.json, report.html and predictions.csv there")
    parser.add_argument("--side", metavar="SIDE", help="train, valid, test or all (test if the data gives a split)")
    parser.add_argument("--label", metavar="COLUMN", help="column with the label")
    parser.add_argument(
        "--rename",
        action="append",
        type=arguments.pair,
        metavar="OLD=NEW",
        help="what a label of DATA is called in the model; may be given several times",
    )
    parser.add_argument("--group", metavar="COLUMN", help="column whose clips belong together, for the intervals")
    parser.add_argument(
        "--by", metavar="COLUMN,...", help="compare slices by these columns, as sex,site*device (all); none: no slices"
    )
    parser.add_argument("--discover", action="store_true", help="look for slices that nobody named, too")
    parser.add_argument(
        "--players",
        type=arguments.count_or_none,
        default=100,
        metavar="N",
        help="mistakes that can be heard in report.html, at most (100); 0: no sound in it",
    )
    parser.add_argument("--events", action="store_true", help="measure what happens when; DATA has start and end")
    arguments.add_scoring(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.evaluate import api

    arguments.refuse_swapped(options, [options.data, *options.items])
    given = arguments.given(options, api.evaluate) | {"overrides": arguments.settings(options.items, "evaluate")}
    given["rename"] = arguments.renames("--rename", options.rename) if options.rename else None
    report = api.evaluate(console=console, **given)
    if int(os.environ.get("RANK") or "0"):
        return 0  # the first process speaks
    print(report)
    if options.out:
        console.say(f"written to {options.out}")
    return 0
