"""`audioft pretrain`."""

from __future__ import annotations

import argparse
import os
import sys

from audioft.core.progress import Console
from audioft.tasks import arguments

NAME = "pretrain"
LESS_MEMORY = "data.crop_seconds"
ABOUT = "Let an encoder learn from recordings without labels; the labels of DATA are ignored."
GROUP = "train"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "items", nargs="*", metavar="DATA | section.key=value", help="folders, tables, recordings; and settings"
    )
    parser.add_argument("--from", dest="start", metavar="ENCODER", help="go on from mini, a local folder or a hub id")
    parser.add_argument(
        "--teacher",
        metavar="ENCODER",
        help="learn the states of this encoder, a local folder or a hub id (distillation)",
    )
    parser.add_argument(
        "--probe",
        metavar="DATA",
        action="append",
        default=[],
        help="labelled data to probe it on every so often; may be given again",
    )
    arguments.add_run(
        parser,
        "pretraining",
        "the folder of the new encoder (default: encoders/DATA)",
        metavar="ENCODER",
        dry_run="say what was understood of the recordings, the rounds, and which settings differ from the defaults "
        "(with --settings: all, on standard output); train nothing",
    )


def goes_on(options: argparse.Namespace) -> str:
    return arguments.how_to_resume(options, "ENCODER")


def settings_of() -> type:
    """What its settings are."""
    from audioft.configuration.pretraining import PretrainConfig

    return PretrainConfig


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.pretrain import api

    if options.settings and not options.dry_run:
        from audioft.configuration.config import describe
        from audioft.configuration.pretraining import PretrainConfig

        print(describe(PretrainConfig))
        return 0
    sources, overrides = arguments.sources_and_overrides(options.items)
    if options.dry_run:
        from audioft.configuration import config as configs
        from audioft.tasks.pretrain import dry_run, resolve

        config = resolve.settings(sources, options.start, options.config, overrides, options.probe, options.teacher)
        dry_run.plan(config, console if options.settings else Console(stream=sys.stdout))
        print(configs.save(config).rstrip() if options.settings else configs.changed(config, without=["data.sources"]))
        return 0
    given = arguments.given(options, api.pretrain)
    folder = api.pretrain(sources, overrides=overrides, console=console, **given)
    if int(os.environ.get("RANK", "0")) == 0:
        console.say(
            f"\nencoder  {folder}\ncard     {folder / 'README.md'}\nfor      audioft train DATA --encoder {folder}"
        )
        print(folder)
    return 0
