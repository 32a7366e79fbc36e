"""`audioft robustness`."""

from __future__ import annotations

import argparse
import re

from audioft.core.progress import Console
from audioft.tasks import arguments, measured_arguments

NAME = "robustness"
ELSEWHERE = ("stress", "corruptions", "attack")
ABOUT = "Measure what a model can stand: noise, rooms, codecs, levels, gaps, and attack."
GROUP = "measure"
EXAMPLES = ("audioft robustness runs/birds more_recordings/ --out card/",)


def add_options(parser: argparse.ArgumentParser) -> None:
    measured_arguments.add_model_and_data(parser)
    parser.add_argument(
        "--out", metavar="DIR", help="write robustness.json, .csv and .html there; a call that was killed goes on"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the results in --out")
    parser.add_argument(
        "--kinds", type=names, metavar="K,K", help="kinds, or noise, room, channel, codec, level, time (all)"
    )
    parser.add_argument(
        "--severity", dest="severities", type=strengths, metavar="N|N-N", help="strengths, 1 (mildest) to 5 (1-5)"
    )
    parser.add_argument(
        "--limit", type=arguments.count_or_none, default=160, metavar="CLIPS", help="at most (160); 0: all"
    )
    parser.add_argument("--reference", metavar="MODEL", help="another model, whose errors are compared (mCE)")
    parser.add_argument("--noise", metavar="DIR", help="noises for babble and recorded (default: other clips)")
    parser.add_argument("--impulses", metavar="DIR", help="impulse responses for reverb (default: synthetic rooms)")
    parser.add_argument("--attack", action="store_true", help="attack the model, too; only for one of your own")
    parser.add_argument(
        "--attack-clips", type=arguments.count, default=40, metavar="N", help="clips that are attacked, at most (40)"
    )
    parser.add_argument("--advise", action="store_true", help="say which augmentations to train with")
    measured_arguments.add_clips(parser)
    parser.add_argument("--no-players", dest="players", action="store_false", help="put no sound into robustness.html")
    parser.add_argument("--seed", type=arguments.count_or_none, default=0, metavar="N", help="of the disturbances (0)")
    arguments.add_computing(parser)


def names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def strengths(text: str) -> list[int]:
    """`3`, `1-5` or `1,3,5`.

    >>> strengths("2-4"), strengths("1,5")
    ([2, 3, 4], [1, 5])
    """
    found: list[int] = []
    for part in names(text):
        ends = re.fullmatch(r"([1-5])(?:-([1-5]))?", part)
        if ends is None or int(ends[2] or ends[1]) < int(ends[1]):
            raise argparse.ArgumentTypeError(f"{part!r} is no strength; expected 1 to 5, as 3, 1-5 or 1,3,5")
        found += range(int(ends[1]), int(ends[2] or ends[1]) + 1)
    if not found:
        raise argparse.ArgumentTypeError("no strength given; expected 1 to 5, as 3, 1-5 or 1,3,5")
    return found


def goes_on(options: argparse.Namespace) -> str:
    """What an interrupted user is told."""
    return f"the same command goes on after the rows in {options.out}" if options.out else ""


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.robustness import api

    given = measured_arguments.given(options, api.robustness, "robustness")
    card = api.robustness(console=console, **given)
    print(card)
    if options.advise:
        print(f"\n{card.advise()}")
    if options.out:
        console.say(f"written to {options.out}")
    return 0
