"""`audioft auto`."""

from __future__ import annotations

import argparse

from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.tasks import arguments

NAME = "auto"
ELSEWHERE = ("automl", "auto-train", "autotrain", "best", "autopilot")
ABOUT = "Find the best model of a folder of recordings in a given time, and tell each choice."
GROUP = "train"
EXAMPLES = (
    "audioft auto recordings/ --minutes 30",
    "audioft auto recordings/ --encoders mini,facebook/wav2vec2-base --for server --out models/birds",
    "audioft auto --out models/birds --resume --minutes 60",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "items", nargs="*", metavar="DATA | section.key=value", help="a folder, .csv or .jsonl; and settings of data"
    )
    parser.add_argument("--out", metavar="DIR", help="where all goes, the model among it (default: runs/DATA-auto)")
    parser.add_argument("--minutes", type=arguments.number_of, metavar="M", help="within which all is done (30)")
    parser.add_argument(
        "--encoders", metavar="A,B", help="that are probed (mini, and those that are downloaded already)"
    )
    parser.add_argument(
        "--for",
        dest="place",
        metavar="PLACE",
        help="phone, laptop or server: limits of the model's size and time (laptop)",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on with what is in --out; with more --minutes search on"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what is in --out")


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.auto import api

    sources, overrides = arguments.sources_and_overrides(options.items)
    if len(sources) > 1:
        raise UsageError(f"a model is made of one folder or table, {len(sources)} given ({', '.join(sources)})")
    given = arguments.given(options, api.auto)
    names = None if options.encoders is None else [n.strip() for n in options.encoders.split(",") if n.strip()]
    given["encoders"] = names
    found = api.auto(sources[0] if sources else None, overrides=overrides, console=console, **given)
    console.say("")
    print(found if console.quiet else found.summary)  # the steps have been told while they were done
    console.say(f"\nmodel   {found.model}\npage    {found.page}")
    print(found.model)
    return 1 if found.failed else 0
