"""`audioft enroll`."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from audioft.core import startup
from audioft.core.progress import Console
from audioft.core.wording import counted
from audioft.errors import UsageError
from audioft.tasks import arguments

if TYPE_CHECKING:
    from audioft.speakers.enrolled import Enrolled

NAME = "enroll"
ABOUT = "Tell a model of a speaker, from recordings of nobody else; list who is enrolled, or remove a speaker."
GROUP = "speakers"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_OR_RUN", help="a run folder or a model folder")
    parser.add_argument("speaker", nargs="?", metavar="NAME", help="of the speaker; none with --list")
    parser.add_argument("items", nargs="*", metavar="INPUT", help="recordings of the speaker, folders, patterns")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--add", action="store_true", help="NAME is enrolled already: add these recordings")
    what.add_argument("--replace", action="store_true", help="NAME is enrolled already: take these recordings instead")
    what.add_argument("--remove", action="store_true", help="take NAME out of the enrolled")
    what.add_argument("--list", action="store_true", help="show who is enrolled, from how many recordings and seconds")
    parser.add_argument(
        "--anyway", action="store_true", help="with a model that has not learnt to tell individuals apart, too"
    )
    arguments.add_comparing(parser, "store recordings of other people, to normalise scores by from now on")


def run(options: argparse.Namespace, console: Console) -> int:
    # an option between the model and the name leaves the name among the rest
    name, *items = [*([] if options.speaker is None else [options.speaker]), *options.items] or [None]
    _refuse(options, name, items)
    with startup.loading():
        from audioft.tasks.speakers import api

        model = arguments.model(options)
    if options.list:
        print(_table(api.list_speakers(model, speakers=options.speakers, console=console)))
        return 0
    if options.remove:
        path = api.remove_speaker(model, name, speakers=options.speakers)
        print(f"{name}: removed from {path}")
        return 0
    given = arguments.given(options, api.enroll) | {"model": model, "replace_old": options.replace}
    done = api.enroll(name=name, inputs=items, console=console, **given)
    print(f"{done.name}: {done.recordings} recording(s), {done.seconds:.1f} s, in {done.path}")
    if done.failures:
        code, failed = arguments.told(done.failures), len(done.failures)
        again = f"audioft enroll {shlex.quote(options.model)} {shlex.quote(done.name)} --add ..."
        print(
            f"audioft: {done.name!r} is enrolled with {counted(done.recordings, 'recording')}; {failed} failed: once "
            f"mended, add {'it' if failed == 1 else 'them'} with `{again}`",
            file=sys.stderr,
        )
        return code
    return 0


def _refuse(options: argparse.Namespace, name: str | None, items: list[str]) -> None:
    """Raise what is wrong with the call, before the model is loaded."""
    if options.list and (name is not None or options.cohort):
        raise UsageError("--list shows everybody: give neither a name nor recordings nor a cohort with it")
    arguments.refuse_swapped(options, [*([] if name is None else [name]), *items])
    if options.list:
        return
    if name is None:
        raise UsageError("no speaker named: `audioft enroll MODEL NAME RECORDINGS`, or --list for who is enrolled")
    if options.remove and (items or options.cohort):
        raise UsageError(f"--remove takes {name!r} out: give neither recordings nor a cohort with it")
    if not options.remove and not items:
        raise UsageError(f"no recordings of {name!r} given: name files, folders or patterns after the name")


def _table(speakers: Mapping[str, Enrolled]) -> str:
    rows = [("speaker", "recordings", "seconds")]
    rows += [(name, str(s.recordings), f"{s.seconds:.1f}") for name, s in speakers.items()]
    width = max(len(row[0]) for row in rows)
    return "\n".join(f"{who:<{width}}  {count:>10}  {seconds:>9}" for who, count, seconds in rows)
