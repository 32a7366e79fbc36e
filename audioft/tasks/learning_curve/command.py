"""`audioft learning-curve`."""

from __future__ import annotations

import argparse

from audioft.core.progress import Console
from audioft.tasks import arguments

NAME = "learning-curve"
ABOUT = "How far a few recordings of each label go, and what more of them would bring."
GROUP = "look at data"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "items", nargs="*", metavar="DATA | section.key=value", help="a folder, .csv or .jsonl; and settings of data"
    )
    parser.add_argument("--encoder", metavar="NAME", help="mini, a local folder, or a hub id (mini)")
    parser.add_argument("--shots", type=counts, default=[1, 5, 10, 20], metavar="N,N", help="clips a label (1,5,10,20)")
    parser.add_argument(
        "--draws", type=arguments.count, default=20, metavar="N", help="how often each number is drawn, by seed (20)"
    )
    parser.add_argument("--out", metavar="DIR", help="write learning_curve.csv, .json and .png there")
    parser.add_argument("--overwrite", action="store_true", help="replace the results in --out")
    arguments.add_embedding(parser)


def counts(text: str) -> list[int]:
    return [arguments.count(part.strip()) for part in text.split(",")]


def run(options: argparse.Namespace, console: Console) -> int:
    source, overrides = arguments.one_source(options.items, "a learning curve is of", "audioft learning-curve DATA")
    arguments.refuse_others(overrides, ("data", "events", "encoder", "seed"), "the encoder is not trained here")
    from audioft.tasks.learning_curve import api

    given = arguments.given(options, api.learning_curve)
    curve = api.learning_curve(source, overrides=overrides, console=console, **given)
    print(curve)
    if options.out:
        console.say(f"written to {options.out}")
    return 0
