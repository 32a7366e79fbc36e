"""`audioft report`."""

from __future__ import annotations

import argparse

from audioft.core.progress import Console
from audioft.tasks import arguments, measured_arguments

NAME = "report"
ABOUT = "One page on a model: what it gets right, for whom, what it can stand, what its mistakes rest on."
GROUP = "measure"
EXAMPLES = ("audioft report runs/birds more_recordings/ --out report/",)


def add_options(parser: argparse.ArgumentParser) -> None:
    measured_arguments.add_model_and_data(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="where index.html and all tables go")
    parser.add_argument("--overwrite", action="store_true", help="replace the report in --out")
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
    measured_arguments.add_clips(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--batch-seconds", type=arguments.seconds, metavar="S", help="audio that goes through at once")


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.report import api

    given = measured_arguments.given(options, api.report, "report")
    if options.kinds is not None:
        given["kinds"] = [] if options.kinds == "none" else [k.strip() for k in options.kinds.split(",") if k.strip()]
    if options.no_audio:
        given["players"] = 0
    print(api.report(console=console, **given))
    return 0
