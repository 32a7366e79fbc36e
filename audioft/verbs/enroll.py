"""`audioft enroll`."""

from __future__ import annotations

import argparse

from audioft import startup
from audioft.progress import Console
from audioft.verbs import arguments

ABOUT = "Tell a model of a speaker, from recordings of nobody else."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_OR_RUN", help="a run folder or a model folder")
    parser.add_argument("speaker", metavar="NAME", help="of the speaker")
    parser.add_argument("items", nargs="*", metavar="INPUT", help="recordings, folders of them, patterns")
    parser.add_argument("--add", action="store_true", help="to those that the speaker is enrolled from already")
    parser.add_argument("--replace", action="store_true", help="those that the speaker is enrolled from already")
    arguments.add_comparing(parser)


def run(options: argparse.Namespace, console: Console) -> int:
    with startup.loading():
        from audioft import api_speakers

        model = arguments.model(options)
    done = api_speakers.enroll(
        model,
        options.speaker,
        options.items,
        add=options.add,
        replace_old=options.replace,
        cohort=options.cohort,
        speakers=options.speakers,
        console=console,
    )
    print(f"{done.name}: {done.recordings} recording(s), {done.seconds:.1f} s, in {done.path}")
    return arguments.told(done.failures)
