"""`audioft export`."""

from __future__ import annotations

import argparse

from audioft.core import startup
from audioft.core.progress import Console
from audioft.tasks import arguments

NAME = "export"
ELSEWHERE = ("onnx", "convert", "deploy")
ABOUT = "Write a model for other programs: an ONNX file, or a page for a browser."
GROUP = "housekeeping"
EXAMPLES = (
    "audioft export runs/birds --to onnx --out birds-onnx",
    "audioft export runs/birds --to onnx --data birds.csv --side all",
    "audioft export runs/birds --to page --out birds.html",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model", metavar="MODEL_OR_RUN", help="a run folder or a model folder; for a page an export, too"
    )
    parser.add_argument("--to", choices=("onnx", "page"), default="onnx", help="what is written (onnx)")
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="the folder for it (default: NAME-onnx or NAME-page here); a page that ends in .html is one file",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the export in --out")
    parser.add_argument(
        "--transformers-js",
        action="store_true",
        help="the files that transformers.js reads, too (the weights once more)",
    )
    measured = parser.add_argument_group("what is measured")
    measured.add_argument("--data", metavar="DATA", help="labelled clips (default: the validation side of the run)")
    measured.add_argument("--side", metavar="SIDE", help="of DATA: train, valid, test or all (test if it has one)")
    measured.add_argument(
        "--limit", type=arguments.count_or_none, default=500, metavar="N", help="at most so many clips; 0: all (500)"
    )
    measured.add_argument(
        "--int8",
        choices=("measured", "unmeasured", "no"),
        help="the smaller file: if it agrees on the clips (measured: the default), in any case, or not at all (the "
        "default for a page)",
    )
    arguments.add_reading(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    with startup.loading():
        from audioft.tasks.export import api

    given = arguments.given(options, api.export)
    print(api.export(overrides=arguments.settings(options.items, NAME), console=console, **given))
    return 0
