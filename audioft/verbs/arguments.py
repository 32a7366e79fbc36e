"""What options of several verbs have in common."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from audioft.errors import AudioError

if TYPE_CHECKING:
    from audioft.inference.predictor import Predictor

OVERRIDE = re.compile(r"[a-z_]+(\.[A-Za-z0-9_]+)*=")


def sources_and_overrides(items: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is a path among them, and what is `section.key=value`."""
    overrides = [i for i in items if OVERRIDE.match(i) and not os.path.exists(i)]
    return [i for i in items if i not in overrides], overrides


def add_scoring(parser: argparse.ArgumentParser) -> None:
    """How a model goes over recordings."""
    parser.add_argument("--window", type=seconds, metavar="S", help="seconds (default: as the model was trained on)")
    parser.add_argument(
        "--hop", type=seconds, metavar="S", help="between windows (default: a window; for times, half of one)"
    )
    add_computing(parser)


def add_computing(parser: argparse.ArgumentParser) -> None:
    """What it computes on."""
    parser.add_argument(
        "--batch-seconds",
        type=seconds,
        metavar="S",
        help="audio that goes through at once (20, on a GPU 60); changes no score",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--precision",
        choices=("fp32", "bf16", "auto"),
        default="fp32",
        help="what to compute in (fp32); auto: bf16 where it is native",
    )


def add_comparing(
    parser: argparse.ArgumentParser,
    cohort: str = "recordings of other people, to normalise scores by (default: those that enroll stored, if any)",
) -> None:
    """What scores of pairs depend on; `cohort` is what a folder of other people is for."""
    parser.add_argument("--cohort", metavar="DIR", help=f"{cohort}; at least 50, better 200")
    parser.add_argument(
        "--speakers", metavar="FILE", help="file of the enrolled (default: speakers.json in the model folder)"
    )
    add_computing(parser)


def model(options: argparse.Namespace) -> Predictor:
    """The model that the options of `add_computing` ask for."""
    from audioft import api

    loaded = api.load_model(options.model, device=options.device, precision=options.precision)
    loaded.batch_seconds = options.batch_seconds
    return loaded


def told(failures: Sequence[AudioError]) -> int:
    """Name recordings that could not be used; the exit code."""
    for failure in failures[:10]:
        print(f"audioft: {failure.path}: {failure.reason}", file=sys.stderr)
    if len(failures) > 10:
        print(f"audioft: and {len(failures) - 10} more recordings could not be heard", file=sys.stderr)
    return int(bool(failures))


def count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def number_of(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def seconds(text: str) -> float:
    if not 0 < number_of(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return float(text)


def time(text: str) -> float:
    if not 0 <= number_of(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")
    return float(text)


def number(text: str) -> float:
    if not abs(number_of(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return float(text)


def share(text: str) -> float:
    if not 0 < number_of(text) <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0 and at most 1")
    return float(text)
