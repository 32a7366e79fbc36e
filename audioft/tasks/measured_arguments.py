"""Options of the verbs that measure a model on labelled data."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from audioft.tasks import arguments


def add_model_and_data(parser: argparse.ArgumentParser) -> None:
    """What is measured on what, and how that is read."""
    parser.add_argument("model", metavar="MODEL_OR_RUN", help="a run folder or a model folder")
    parser.add_argument("data", metavar="DATA", help="a folder, .csv or .jsonl with labels the model knows")
    arguments.add_reading(parser)


def add_clips(parser: argparse.ArgumentParser) -> None:
    """Which clips of the data, and what their labels mean."""
    parser.add_argument("--side", metavar="SIDE", help="train, valid, test or all (test if the data gives a split)")
    parser.add_argument("--label", metavar="COLUMN", help="column with the label")
    parser.add_argument(
        "--rename",
        action="append",
        type=arguments.pair,
        metavar="OLD=NEW",
        help="what a label of DATA is called in the model; may be given several times",
    )
    parser.add_argument("--group", metavar="COLUMN", help="column whose clips belong together, for the intervals")


def given(options: argparse.Namespace, function: Callable[..., Any], verb: str) -> dict[str, Any]:
    """The arguments of a function that these options and its own give.

    Raises:
        UsageError: model and data are swapped, or there is something else than settings behind them.
    """
    arguments.refuse_swapped(options, [options.data, *options.items])
    found = arguments.given(options, function) | {"overrides": arguments.settings(options.items, verb)}
    found["rename"] = arguments.renames("--rename", options.rename) if options.rename else None
    return found
