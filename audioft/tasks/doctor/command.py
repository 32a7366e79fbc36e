"""`audioft doctor`."""

from __future__ import annotations

import argparse

from audioft.core.progress import Console

NAME = "doctor"
ELSEWHERE = ("info", "env", "diagnose", "check")
ABOUT = "Say what this installation is made of, whether it can work, and what to do if not; for bug reports."
GROUP = "housekeeping"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--online", action="store_true", help="ask whether the hub can be reached, too")
    about = "look at this recording instead: its bytes, header, decoder and level, and whether it would be used"
    parser.add_argument("--recording", metavar="FILE", help=about)


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.doctor import api

    problems = 0
    for finding in api.doctor(options.online, options.recording):
        print(finding, flush=True)
        problems += finding.remedy is not None
    print(f"\nto be seen to: {problems}, marked with !" if problems else "\nall is well")
    return int(bool(problems))
