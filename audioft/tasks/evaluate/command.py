"""`audioft evaluate`."""

from __future__ import annotations

import argparse
import os

from audioft.core.progress import Console
from audioft.tasks import arguments, measured_arguments

NAME = "evaluate"
ELSEWHERE = ("test", "eval", "score", "measure", "validate")
ABOUT = "Measure a model on labelled recordings."
GROUP = "measure"
EXAMPLES = ("audioft evaluate runs/birds more_recordings/",)


def add_options(parser: argparse.ArgumentParser) -> None:
    measured_arguments.add_model_and_data(parser)
    parser.add_argument("--out", metavar="DIR", help="write report.json, report.html and predictions.csv there")
    parser.add_argument("--overwrite", action="store_true", help="replace the results in --out")
    measured_arguments.add_clips(parser)
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

    given = measured_arguments.given(options, api.evaluate, "evaluate")
    report = api.evaluate(console=console, **given)
    if int(os.environ.get("RANK") or "0"):
        return 0  # the first process speaks
    print(report)
    if options.out:
        console.say(f"written to {options.out}")
    return 0
