"""`audioft explain`."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from audioft.core.progress import Console
from audioft.errors import AudioError, UsageError
from audioft.tasks import arguments

if TYPE_CHECKING:
    from audioft.tasks.explain.explanation import Explanation
    from audioft.tasks.explain.summary import Carried

NAME = "explain"
ELSEWHERE = ("interpret", "attribute", "saliency")
ABOUT = "Say on which moments and bands of a recording an answer rests, to see and to hear."
GROUP = "label"
EXAMPLES = ("audioft explain runs/birds new/wren.wav --out why/", "audioft explain runs/birds --side test --summary")
LESS_MEMORY = "--batch-seconds"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_OR_RUN", help="a run folder or a model folder")
    parser.add_argument(
        "items",
        nargs="*",
        metavar="RECORDING",
        help="files, folders (in depth), patterns; with --data or --side settings, how DATA is read, as for evaluate",
    )
    parser.add_argument(
        "--data", metavar="DATA", help="labelled clips: a folder, .csv or .jsonl, or a run with the sides it keeps"
    )
    parser.add_argument(
        "--side", metavar="SIDE", help="of DATA, or of the run: train, valid, test or all (test if there is one)"
    )
    parser.add_argument(
        "--limit", type=arguments.count_or_none, metavar="CLIPS", help="of labelled clips at most (100); 0: all"
    )
    parser.add_argument(
        "--rename",
        action="append",
        type=arguments.pair,
        metavar="OLD=NEW",
        help="what a label of DATA is called in the model; may be given several times",
    )
    parser.add_argument("--label", metavar="L", help="the label to explain (each recording's answer)")
    parser.add_argument("--true-label", action="store_true", help="explain the labels that clips have in DATA")
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
    failures = _of_a_side(options, console) if options.data or options.side else _of_recordings(options, console)
    if options.out:
        console.say(f"pages in {options.out}")
    return arguments.told(failures)


def _of_recordings(options: argparse.Namespace, console: Console) -> list[AudioError]:
    if not options.items:
        raise UsageError("nothing to explain: name files, folders or patterns after the model, or --data or --side")
    if options.limit is not None or options.true_label or options.rename:
        raise UsageError("--limit, --true-label and --rename are of labelled clips: name them with --data or --side")
    arguments.refuse_swapped(options, options.items)
    if os.path.exists(options.model):
        arguments.refuse_missing(options.items)
    from audioft.tasks.explain import api

    given = arguments.given(options, api.explain)
    found = api.explain(recordings=options.items, console=console, **given)
    if options.summary:
        _print(api.summarise_explanations(options.out or found))
    else:
        for one in found:
            _tell(one)
    return [one.error for one in found if one.error is not None]


def _of_a_side(options: argparse.Namespace, console: Console) -> list[AudioError]:
    arguments.refuse_swapped(options, [options.data or "", *options.items])
    overrides = arguments.settings(options.items, "explain --data")
    from audioft.tasks.explain import api

    failures: list[AudioError] = []

    def each(one: Explanation) -> None:
        if one.error is not None:
            failures.append(one.error)
        if not options.summary:
            _tell(one)

    given = arguments.given(options, api.explain_side) | {"overrides": overrides, "each": each}
    given["limit"] = api.LIMIT if options.limit is None else options.limit
    given["rename"] = arguments.renames("--rename", options.rename) if options.rename else None
    found = api.explain_side(console=console, **given)
    if options.summary:
        _print(found)
    return failures


def _tell(one: Explanation) -> None:
    if one.evidence.size:
        print(f"{one.path}: {one}")


def _print(found: dict[str, Carried]) -> None:
    for carried in found.values():
        print(carried)


def goes_on(options: argparse.Namespace) -> str:
    return f"the same call with --resume goes on with {options.out}" if options.out else ""
