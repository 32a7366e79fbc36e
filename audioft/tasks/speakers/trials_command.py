"""`audioft trials`."""

from __future__ import annotations

import argparse

from audioft.core.progress import Console
from audioft.tasks import arguments

NAME = "trials"
ABOUT = "Make a list of trials, pairs of recordings of one speaker and of two, out of labelled recordings."
GROUP = "speakers"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", metavar="DATA", help="a folder, .csv or .jsonl of labelled recordings")
    arguments.add_reading(parser)
    parser.add_argument("--out", metavar="LIST", required=True, help="the list: a .csv, or else lines `1 a.wav b.wav`")
    parser.add_argument("--overwrite", action="store_true", help="replace the list in --out")
    parser.add_argument("--label", metavar="COLUMN", help="column with the speaker (default: the label)")
    parser.add_argument("--session", metavar="COLUMN", help="column that says when or where a clip was recorded")
    parser.add_argument("--side", choices=("train", "valid", "test"), help="only clips of this side of the split")
    parser.add_argument("--same", type=arguments.count, metavar="N", help="draw N pairs of one speaker (default: all)")
    parser.add_argument("--different", type=arguments.count, metavar="N", help="draw N pairs of two (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn (0)")


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.speakers import api

    given = arguments.given(options, api.trials) | {"overrides": arguments.settings(options.items, "trials")}
    trials, targets = api.trials(console=console, **given)
    print(f"{trials:,} trials, {targets:,} of one speaker, in {options.out}")
    return 0
