"""`audioft identify`."""

from __future__ import annotations

import argparse

from audioft.core import startup
from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.tasks import arguments

NAME = "identify"
ABOUT = "Say which enrolled speaker is heard in recordings, or that it is none of them."
GROUP = "speakers"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_OR_RUN", help="a run folder or a model folder")
    parser.add_argument("items", nargs="*", metavar="INPUT", help="recordings, folders of them, patterns")
    parser.add_argument(
        "--threshold",
        type=arguments.number,
        metavar="T",
        help="lowest score at which the nearest speaker is named (the model's)",
    )
    parser.add_argument(
        "--out", metavar="FILE", help="a .csv for the table, replaced if it is there (default: on standard output)"
    )
    arguments.add_comparing(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    if not options.items:
        raise UsageError("no recordings given: name files, folders or patterns after the model")
    arguments.refuse_swapped(options, options.items)
    with startup.loading():
        from audioft.speakers.enrolment import table_of
        from audioft.tasks.speakers import api

        model = arguments.model(options)
    given = arguments.given(options, api.identify) | {"model": model}
    found = api.identify(inputs=options.items, console=console, **given)
    if options.out is None:
        print(table_of(found), end="")
    return arguments.told([x.error for x in found if x.error is not None])
