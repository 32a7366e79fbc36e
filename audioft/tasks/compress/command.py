"""`audioft compress`."""

from __future__ import annotations

import argparse
import shlex

from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.tasks import arguments

NAME = "compress"
ELSEWHERE = ("quantize", "quantise", "prune", "shrink", "optimise-model", "optimize-model")
ABOUT = "Make a model smaller and faster, and prove on recordings what is lost."
GROUP = "train"
EXAMPLES = (
    "audioft compress runs/birds --data recordings/ --out models/birds-small",
    "audioft compress runs/birds --data recordings/ --how quantise --max-loss 0.02 --out models/birds-int8",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL_OR_RUN", help="a run folder or a model folder")
    parser.add_argument("items", nargs="*", metavar="section.key=value", help="settings of data and train")
    parser.add_argument("--data", metavar="DATA", required=True, help="a folder, .csv or .jsonl with labels")
    parser.add_argument("--out", metavar="MODEL", required=True, help="the folder of the smaller model")
    parser.add_argument(
        "--how", type=_names, default=None, metavar="A,B", help="steps, of distil, prune, quantise (all)"
    )
    parser.add_argument(
        "--student", type=_student, metavar="S", help="of distil: a number of the model's layers, mini, an encoder"
    )
    parser.add_argument(
        "--unlabelled", action="append", default=[], metavar="DATA", help="what a student hears besides; again for more"
    )
    parser.add_argument(
        "--target-speed", type=arguments.number_of, metavar="X", help="times as fast as the original (all that passes)"
    )
    parser.add_argument("--target-size", type=arguments.share, metavar="S", help="share of the original's size on disk")
    parser.add_argument(
        "--max-loss", type=arguments.share, default=0.01, metavar="L", help="of the score, shown by 95 %% (0.01)"
    )
    parser.add_argument("--force", action="store_true", help="write what does not pass, too")
    parser.add_argument("--side", default="valid", metavar="SIDE", help="by which that is shown: valid or test (valid)")
    parser.add_argument("--metric", metavar="NAME", help="the score (accuracy; of several labels a clip map)")
    parser.add_argument("--label", metavar="COLUMN", help="column with the label")
    parser.add_argument("--group", metavar="COLUMN", help="column whose clips belong together, for the intervals")
    parser.add_argument(
        "--rename", action="append", type=arguments.pair, metavar="OLD=NEW", help="what a label is called in the model"
    )
    parser.add_argument(
        "--rounds", type=arguments.count_or_none, default=3, metavar="N", help="in which times are taken (3); 0: none"
    )
    parser.add_argument("--resume", action="store_true", help="go on with what was stopped")
    parser.add_argument("--overwrite", action="store_true", help="replace what is in --out")


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _student(text: str) -> str | int:
    return int(text) if text.isdigit() else text


def _refuse_swapped(model: str, data: str) -> None:
    from audioft.models.hub import holds_model, is_id

    if holds_model(data) and not holds_model(model) and not is_id(model):
        call = f"audioft compress {shlex.quote(data)} --data {shlex.quote(model)}"
        raise UsageError(f"{model} holds no model, and {data} does: swapped? `{call} --out MODEL`")


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.compress import api

    _refuse_swapped(options.model, options.data)
    given = arguments.given(options, api.compress)
    given["overrides"] = arguments.settings(options.items, "compress")
    given["how"] = api.HOW if options.how is None else options.how
    given["rename"] = arguments.renames("--rename", options.rename) if options.rename else None
    found = api.compress(console=console, **given)
    console.say("")
    print(found)
    if found.folder is not None:
        console.say(f"\nmodel   {found.folder}")
    return 0 if found.reached else 1


def goes_on(options: argparse.Namespace) -> str:
    return f"the same call with --resume goes on (on the way to {shlex.quote(str(options.out))})"
