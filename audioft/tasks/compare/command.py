"""`audioft compare`."""

from __future__ import annotations

import argparse
import os
import shlex

from audioft.core.progress import Console
from audioft.tasks import arguments, measured_arguments

NAME = "compare"
ELSEWHERE = ("leaderboard", "versus", "ab-test")
ABOUT = "Measure models on the same clips: which is better beyond chance, and what each costs."
GROUP = "measure"
EXAMPLES = ("audioft compare runs/small runs/large more_recordings/ --out comparison/",)
USAGE = "audioft compare RUN_OR_MODEL RUN_OR_MODEL ... DATA"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="RUN_OR_MODEL ... DATA",
        help="at least two runs, model folders or hub ids; then a folder, .csv or .jsonl with labels that all of them "
        "know, and how it is read, as for train: data.audio_root=DIR",
    )
    parser.add_argument("--out", metavar="DIR", help="write comparison.csv, .json and .html there, and keep the scores")
    parser.add_argument("--overwrite", action="store_true", help="replace the results in --out; kept scores are used")
    parser.add_argument("--metric", metavar="NAME", help="the score (accuracy; of several labels a clip map)")
    parser.add_argument(
        "--rounds",
        type=arguments.count_or_none,
        default=5,
        metavar="N",
        help="times that each model is timed, in turn (5); 0: neither time nor memory",
    )
    measured_arguments.add_clips(parser)
    parser.add_argument("--seed", type=arguments.count_or_none, default=0, metavar="N", help="of the bootstrap (0)")
    arguments.add_computing(parser)


def goes_on(options: argparse.Namespace) -> str:
    """What an interrupted user is told."""
    return f"the same command takes the scores that are in {options.out}" if options.out else ""


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.compare import api

    *models, data = _sources(options)
    given = arguments.given(options, api.compare) | {"overrides": arguments.sources_and_overrides(options.sources)[1]}
    given["rename"] = arguments.renames("--rename", options.rename) if options.rename else None
    print(api.compare(models, data, console=console, **given))
    if options.out:
        console.say(f"written to {options.out}")
    return 0


def _sources(options: argparse.Namespace) -> list[str]:
    """At least two models, and the data behind them.

    Raises:
        UsageError: there are fewer, the data stands before a model or is not there, or there are several.
    """
    from audioft.errors import UsageError
    from audioft.models.hub import holds_model

    sources, _ = arguments.sources_and_overrides(options.sources)
    if len(sources) < 3:
        raise UsageError(f"compare takes at least two models, then the data; {len(sources)} given: `{USAGE}`")
    if holds_model(sources[-1]):
        data = [s for s in sources[:-1] if os.path.exists(s) and not holds_model(s)]
        told = shlex.join(["audioft", "compare", *(s for s in sources if s not in data), *data])
        right = f": `{told}`" if len(data) == 1 else f": `{USAGE}`"
        raise UsageError(f"{sources[-1]} holds a model, and the data stands last{right}")
    if tables := [s for s in sources[:-1] if os.path.isfile(s)]:
        raise UsageError(
            f"{tables[0]} is a file and no model: compare takes models, then one folder or table: `{USAGE}`"
        )
    arguments.refuse_missing(sources[-1:])
    return sources
