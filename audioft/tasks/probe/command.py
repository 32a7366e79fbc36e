"""`audioft probe`."""

from __future__ import annotations

import argparse

from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.tasks import arguments

NAME = "probe"
ABOUT = "Compare encoders on labelled recordings before one is trained, layer by layer."
GROUP = "look at data"
EXAMPLES = ("audioft probe recordings/ --encoders mini,facebook/wav2vec2-base",)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "items", nargs="*", metavar="DATA | section.key=value", help="a folder, .csv or .jsonl; and settings of data"
    )
    parser.add_argument(
        "--encoders",
        action="append",
        default=[],
        metavar="A,B,C",
        help="mini, local folders, or hub ids; may be given several times (mini)",
    )
    parser.add_argument("--out", metavar="DIR", help="write tables, a picture and the probe itself there")
    parser.add_argument("--layers", action="store_true", help="show a row for every layer, too")
    parser.add_argument(
        "--clips", type=arguments.count, default=2000, metavar="N", help="at most so many clips, chosen by seed (2000)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the results in --out")
    arguments.add_embedding(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    source, overrides = arguments.one_source(options.items, "a probe is of", "audioft probe DATA --encoders A,B,C")
    arguments.refuse_others(overrides, ("data", "events", "seed"), "a probe trains nothing")
    named = [[name.strip() for name in given.split(",") if name.strip()] for given in options.encoders]
    if not all(named):
        raise UsageError("--encoders names no encoder: give names, as in --encoders mini,facebook/wav2vec2-base")
    encoders = [name for names in named for name in names]
    from audioft.tasks.probe import api

    given = arguments.given(options, api.compare_encoders) | {"encoders": encoders or ["mini"]}
    found = api.compare_encoders(source, overrides=overrides, console=console, **given)
    print(found.text(layers=options.layers))
    if options.out and found.measured:
        console.say(f"written to {options.out}")
    elif options.out:
        console.say(f"nothing is written to {options.out}, as no encoder could be measured")
    return int(any(r.problem for r in found.rows))
