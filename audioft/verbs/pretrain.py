"""`audioft pretrain`."""

from __future__ import annotations

import argparse
import os

from audioft.progress import Console
from audioft.verbs import arguments

ABOUT = "Let an encoder learn from recordings without labels; the labels of DATA are ignored."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "items", nargs="*", metavar="DATA | section.key=value", help="folders, tables, recordings; and settings"
    )
    parser.add_argument("--from", dest="start", metavar="ENCODER", help="go on from mini, a local folder or a hub id")
    parser.add_argument("--config", metavar="FILE", help="a YAML file of settings")
    parser.add_argument("--out", metavar="ENCODER", help="the folder of the new encoder (default: encoders/DATA)")
    parser.add_argument(
        "--probe",
        metavar="DATA",
        action="append",
        default=[],
        help="labelled data to probe it on every so often; may be given again",
    )
    parser.add_argument("--resume", action="store_true", help="go on with the pretraining in --out")
    parser.add_argument("--overwrite", action="store_true", help="replace the pretraining in --out")
    parser.add_argument("--dry-run", action="store_true", help="show the settings; train nothing")
    parser.add_argument("--settings", action="store_true", help="list all settings with their defaults and meaning")


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft import api_pretrain

    if options.settings:
        from audioft.config import describe
        from audioft.pretrain_sections import PretrainConfig

        print(describe(PretrainConfig))
        return 0
    sources, overrides = arguments.sources_and_overrides(options.items)
    if options.dry_run:
        from audioft.config import save

        print(save(api_pretrain.settings(sources, options.start, options.config, overrides, options.probe)), end="")
        return 0
    folder = api_pretrain.pretrain(
        sources,
        out=options.out,
        start=options.start,
        config=options.config,
        overrides=overrides,
        probe=options.probe,
        resume=options.resume,
        overwrite=options.overwrite,
        console=console,
    )
    if int(os.environ.get("RANK", "0")) == 0:
        console.say(
            f"\nencoder  {folder}\ncard     {folder / 'README.md'}\nfor      audioft train DATA --encoder {folder}"
        )
        print(folder)
    return 0
