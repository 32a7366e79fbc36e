"""`audioft relabel`."""

from __future__ import annotations

import argparse

from audioft.core.progress import Console
from audioft.tasks import arguments

NAME = "relabel"
ABOUT = "Rename, leave out or merge the labels of a finished model."
GROUP = "housekeeping"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_OR_RUN", help="a run folder or a model folder")
    parser.add_argument("--out", metavar="MODEL", required=True, help="the new model folder")
    for option, metavar, told in (
        (
            "--rename",
            "OLD=NEW",
            "call a label otherwise; like the next two, may be given several times; '\"a=b\"=c' of a name with =",
        ),
        ("--merge", "A,B=NEW", "make one of several labels; '\"a,b\",c=NEW' of a name with a comma"),
        ("--drop", "LABEL", "leave a label out"),
    ):
        kind = {"--rename": arguments.pair, "--merge": arguments.merged}.get(option, str)
        parser.add_argument(option, metavar=metavar, type=kind, action="append", default=[], help=told)
    parser.add_argument("--background", metavar="LABEL", help="the label that says nothing happens: no segments of it")


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.relabel import api

    merge: dict[str, list[str]] = {}
    for parts, target in options.merge:
        merge.setdefault(target, []).extend(parts)
    given = arguments.given(options, api.relabel)
    given |= {"rename": arguments.renames("--rename", options.rename), "merge": merge}
    print(api.relabel(console=console, **given))
    return 0
