"""`audioft render`."""

from __future__ import annotations

import argparse

from audioft.core.progress import Console
from audioft.errors import AudioError, AudioftError, UsageError
from audioft.tasks import arguments

NAME = "render"
ELSEWHERE = ("augment",)
ABOUT = "Write copies of recordings with augmentations applied, to listen to or to train on."
GROUP = "look at data"
EXAMPLES = ("audioft render recordings/ --out by_telephone/ augment='[{name: telephone, p: 1}]'",)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "items",
        nargs="*",
        metavar="DATA | augment=[...] | section.key=value",
        help="a folder, .csv or .jsonl; the augmentations, and how DATA is read, as for train",
    )
    parser.add_argument("--out", metavar="DIR", required=True, help="the folder of the copies")
    parser.add_argument("--config", metavar="FILE", help="a YAML file of settings; augment and seed of it are used")
    parser.add_argument("--root", metavar="DIR", help="what the names in a table are relative to (default: its folder)")
    parser.add_argument("--rate", type=arguments.count, default=16000, metavar="HZ", help="of the copies (16000)")
    parser.add_argument("--overwrite", action="store_true", help="replace copies made before in --out")


def run(options: argparse.Namespace, console: Console) -> int:
    source, overrides = arguments.one_source(options.items, "copies are made of", "audioft render DATA --out DIR")
    arguments.refuse_others(overrides, ("augment", "data", "events", "seed"), "copies are only augmented")
    from audioft.assembly import resolve
    from audioft.core.storage import read_json
    from audioft.tasks.render import api

    config = resolve.settings(source, config=options.config, overrides=overrides)
    given = arguments.given(options, api.render)
    given["overrides"] = [o for o in overrides if o.startswith(("data.", "events."))]
    if not config.augment:
        raise UsageError(f"nothing to apply: name augmentations, as in `{EXAMPLES[0]}`, or a --config that has some")
    out = api.render(source, augment=config.augment, seed=config.seed, console=console, **given)
    print(out)
    left_out = read_json(out / "render.json", AudioftError).get("left_out", {})
    if not console.quiet:  # each was told of
        return int(bool(left_out))
    return arguments.told([AudioError(path, "decode", reason) for path, reason in left_out.items()])
