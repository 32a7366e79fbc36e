"""`audioft verify`."""

from __future__ import annotations

import argparse

from audioft.core import startup
from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.tasks import arguments

FLOOR = "log-mel"
NAME = "verify"
ABOUT = "Say whether two recordings are of one speaker; or measure how well that is told, on a list of trials."
GROUP = "speakers"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        metavar="MODEL_OR_RUN",
        help="a run or model folder; with --trials also log-mel, which it should do better than",
    )
    parser.add_argument(
        "items", nargs="*", metavar="A B", help="two recordings; answers same or different, score, threshold"
    )
    parser.add_argument(
        "--threshold",
        type=arguments.number,
        metavar="T",
        help="lowest score of two recordings of one speaker (the model's)",
    )
    arguments.add_comparing(parser)
    many = parser.add_argument_group("many pairs", "how well the model tells speakers apart: EER, minDCF, a threshold")
    many.add_argument("--trials", metavar="LIST", help="a .csv with enrol, test, target; or lines `1 a.wav b.wav`")
    many.add_argument("--root", metavar="DIR", help="what the names in LIST are relative to (default: its own folder)")
    many.add_argument("--out", metavar="FILE", help="write the scores to a .csv file, replaced if it is there")
    many.add_argument("--store", action="store_true", help="write the threshold into the model folder, for later calls")
    many.add_argument(
        "--p-target",
        type=arguments.share,
        metavar="P",
        help="choose the threshold for a share P of pairs of one speaker (default: at the equal error rate)",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    arguments.refuse_swapped(options, options.items)
    if options.trials is None:
        return _pair(options, console)
    if options.items or options.threshold is not None:
        raise UsageError("--trials LIST measures at all thresholds: give neither recordings nor --threshold with it")
    with startup.loading():
        from audioft.tasks.speakers import api

        model = options.model if options.model == FLOOR else arguments.model(options)
    given = arguments.given(options, api.verify_trials) | {"model": model}
    done = api.verify_trials(console=console, **given)
    print(done)
    if options.store:
        console.say(
            f"the threshold {done.found.at(options.p_target):.4f} is written to {model.folder / 'audioft.json'}"
        )
    return arguments.told(done.failures)


def _pair(options: argparse.Namespace, console: Console) -> int:
    if len(options.items) != 2:
        raise UsageError(f"{len(options.items)} recordings given; expected two, or --trials LIST for many pairs")
    if options.out or options.store or options.root or options.p_target:
        raise UsageError("--root, --out, --store and --p-target go with --trials LIST")
    with startup.loading():
        from audioft.tasks.speakers import api

        model = arguments.model(options)
    given = arguments.given(options, api.verify) | {"model": model}
    first, second = options.items
    print(api.verify(first=first, second=second, console=console, **given))
    return 0
