"""`audioft report`."""

from __future__ import annotations

import argparse

from audioft.core.progress import Console
from audioft.tasks import arguments

NAME = "report"
ABOUT = "One page on a model: what it gets right, for whom, what it can stand, what its mistakes rest on."
GROUP = "measure"
EXAMPLES = ("audioft report runs/birds more_recordings/ --out report/",)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_OR_RUN", help="a run folder or a model folder")
    parser.add_argument("data", metavar="DATA", help="a folder, .csv or .jsonl with labels the model knows")
    arguments.add_reading(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="where index.html and all tables go")
    parser.add_argument("--by", metavar="COLUMN,...", help="columns of the slices, as for evaluate (all)")
    parser.add_argument(
        "--kinds", metavar="K,K", help="disturbances, as for robustness (all); none: nothing is disturbed"
    )
    parser.add_argument(
        "--limit", type=arguments.count, default=80, metavar="CLIPS", help="that are disturbed, at most (80)"
    )
    parser.add_argument("--noise", metavar="DIR", help="noises for babble and recorded (default: other clips)")
    parser.add_argument(
        "--explained", type=arguments.count_or_none, default=6, metavar="N", help="mistakes explained, at most (6)"
    )
    parser.add_argument("--no-audio", action="store_true", help="put no sound into the page")
    parser.add_argument(
        "--no-card", dest="model_card", action="store_false", help="leave the README.md of the model as it is"
    )
    parser.add_argument("--side", metavar="SIDE", help="train, valid, test or all (test if the data gives a split)")
    parser.add_argument("--label", metavar="COLUMN", help="column with the label")
    parser.add_argument("--group", metavar="COLUMN", help="column whose clips belong together, for the intervals")
    parser.add_argument(
        "--rename",
        action="append",
        type=arguments.pair,
        metavar="OLD=NEW",
        help="what a label of DATA is called in the model; may be given several times",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--batch-seconds", type=arguments.seconds, metavar="S", help="audio that goes through at once")


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.report import api

    arguments.refuse_swapped(options, [options.data, *options.items])
    given = arguments.given(options, api.report) | {"overrides": arguments.settings(options.items, "report")}
    given["rename"] = arguments.renames("--rename", options.rename) if options.rename else None
    if options.kinds is not None:
        given["kinds"] = [] if options.kinds == "none" else [k.strip() for k in options.kinds.split(",") if k.strip()]
    if options.no_audio:
        given["players"] = 0
    print(api.report(console=console, **given))
    return 0
