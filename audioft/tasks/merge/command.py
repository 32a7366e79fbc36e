"""`audioft merge`."""

from __future__ import annotations

import argparse

from audioft.core.progress import Console
from audioft.tasks import arguments

NAME = "merge"
ABOUT = "Make a whole model of an adapter and the encoder that it was trained on."
GROUP = "housekeeping"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_OR_RUN", help="a run or model folder that holds an adapter alone")
    parser.add_argument("--out", metavar="MODEL", required=True, help="the new model folder")
    parser.add_argument("--encoder", metavar="NAME", help="where its encoder is, if no longer where it was")


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.merge import api

    print(api.merge(console=console, **arguments.given(options, api.merge)))
    return 0
