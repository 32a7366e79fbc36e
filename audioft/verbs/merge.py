"""`audioft merge`."""

from __future__ import annotations

import argparse

from audioft.progress import Console

ABOUT = "Make a whole model of an adapter and the encoder that it was trained on."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_OR_RUN", help="a run or model folder that holds an adapter alone")
    parser.add_argument("--out", metavar="MODEL", required=True, help="the new model folder")
    parser.add_argument("--encoder", metavar="NAME", help="where its encoder is, if no longer where it was")


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.api_merge import merge

    print(merge(options.model, options.out, encoder=options.encoder, console=console))
    return 0
