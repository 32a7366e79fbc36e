"""`audioft explain`."""

from __future__ import annotations

import argparse
import os

from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.tasks import arguments

NAME = "explain"
ELSEWHERE = ("interpret", "attribute", "saliency")
ABOUT = "Say on which moments and bands of a recording an answer rests, to see and to hear."
GROUP = "label"
EXAMPLES = ("audioft explain runs/birds new/wren.wav --out why/", "audioft explain runs/birds test/ --summary")
LESS_MEMORY = "--batch-seconds"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_OR_RUN", help="a run folder or a model folder")
    parser.add_argument("items", nargs="*", metavar="RECORDING", help="files, folders (in depth), patterns")
    parser.add_argument("--label", metavar="L", help="the label to explain (each recording's answer)")
    parser.add_argument("--against", metavar="L", help="why --label and not this one (all others)")
    parser.add_argument("--out", metavar="DIR", help="a page a recording, and explanations.csv")
    parser.add_argument("--resume", action="store_true", help="keep the pages that --out has, and add the missing ones")
    parser.add_argument("--overwrite", action="store_true", help="replace the pages that --out has")
    parser.add_argument(
        "--method",
        choices=("occlusion", "gradients"),
        default="occlusion",
        help="occlusion; or integrated gradients, which need captum (occlusion)",
    )
    parser.add_argument(
        "--windows",
        type=arguments.count,
        default=1,
        metavar="N",
        help="of a long recording, the N of the highest score",
    )
    parser.add_argument(
        "--neighbours",
        type=arguments.count_or_none,
        default=5,
        metavar="N",
        help="training clips that sound like it (5)",
    )
    parser.add_argument("--summary", action="store_true", help="a line a label: what carries it over all recordings")
    arguments.add_embedding(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    if not options.items:
        raise UsageError("nothing to explain: name files, folders or patterns after the model")
    arguments.refuse_swapped(options, options.items)
    if os.path.exists(options.model):
        arguments.refuse_missing(options.items)
    from audioft.tasks.explain import api

    given = arguments.given(options, api.explain)
    found = api.explain(recordings=options.items, console=console, **given)
    if options.summary:
        for carried in api.summarise_explanations(found).values():
            print(carried)
    else:
        for one in found:
            if one.evidence.size:
                print(f"{one.path}: {one}")
    if options.out:
        console.say(f"pages in {options.out}")
    return arguments.told([one.error for one in found if one.error is not None])


def goes_on(options: argparse.Namespace) -> str:
    return f"the same call with --resume goes on with {options.out}" if options.out else ""
