"""`audioft ensemble`."""

from __future__ import annotations

import argparse

from audioft.core.progress import Console
from audioft.tasks import arguments

NAME = "ensemble"
ELSEWHERE = ("average", "stack", "soup", "blend", "join")
ABOUT = "Join trained models into one: by averaging, votes, a stack, or a soup of their weights."
GROUP = "train"
EXAMPLES = (
    "audioft ensemble runs/a runs/b runs/c --out models/abc",
    "audioft ensemble runs/a runs/b --how soup --out models/ab",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", nargs="+", metavar="RUN", help="runs or model folders, at least two")
    parser.add_argument("--out", metavar="MODEL", required=True, help="the new model folder")
    parser.add_argument(
        "--how",
        default="average",
        metavar="HOW",
        help="average; weighted, by weights fitted to validation or out-of-fold scores; vote; stack, a regression on "
        "out-of-fold scores (runs made with --folds); soup, one model with the mean of the weights; greedy-soup, of "
        "those that make the validation better",
    )
    parser.add_argument(
        "--over", default="probabilities", metavar="WHAT", help="what is averaged: probabilities or logits"
    )
    parser.add_argument(
        "--resamples", type=arguments.count_or_none, default=1000, metavar="N", help="for the intervals (1000)"
    )
    parser.add_argument(
        "--seed", type=arguments.count_or_none, default=0, metavar="N", help="of intervals and folds (0)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.ensemble import api

    print(api.ensemble(console=console, **arguments.given(options, api.ensemble)).folder)
    return 0
