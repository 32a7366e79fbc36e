"""`audioft search`."""

from __future__ import annotations

import argparse

from audioft.core.progress import Console
from audioft.errors import UsageError
from audioft.tasks import arguments

NAME = "search"
ELSEWHERE = ("hpo", "tune-hyperparameters", "sweep", "optimize", "optimise")
ABOUT = "Search for settings by measurement, and train a model with them."
GROUP = "train"
EXAMPLES = (
    "audioft search recordings/ --out studies/birds --minutes 30",
    "audioft search recordings/ --out studies/birds --space space.yaml --trials 50 --jobs 2",
    "audioft search --out studies/birds --resume",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "items", nargs="*", metavar="DATA | section.key=value", help="a folder, .csv or .jsonl; and settings"
    )
    parser.add_argument("--out", metavar="STUDY", help="the folder of the study")
    parser.add_argument("--space", metavar="FILE", help="YAML with settings and the values they may take")
    parser.add_argument("--show-space", action="store_true", help="print the space that is searched without --space")
    parser.add_argument("--encoder", metavar="NAME", help="mini, a local folder, or a hub id")
    parser.add_argument("--from", dest="start", metavar="MODEL", help="go on from a run, a model folder or a hub id")
    parser.add_argument(
        "--from-probe", metavar="DIR", help="take the encoder, and for a trial the layer and pooling, of a probe"
    )
    parser.add_argument("--config", metavar="FILE", help="settings to begin with, as for train")
    parser.add_argument("--trials", type=arguments.count, default=30, metavar="N", help="how many at most (30)")
    parser.add_argument("--minutes", type=arguments.number_of, metavar="M", help="within which there is to be a model")
    parser.add_argument("--metric", metavar="NAME", help="what validation is scored by (refined_loss, a log loss)")
    parser.add_argument("--objectives", type=_names, metavar="A,B", help="of score, time and size (score)")
    parser.add_argument(
        "--folds", type=arguments.count, metavar="K", help="1: the validation side (from 1,000 clips on); else 5"
    )
    parser.add_argument("--sampler", choices=("tpe", "gp", "random"), help="how settings are drawn (tpe)")
    parser.add_argument(
        "--pruner",
        choices=("auto", "median", "hyperband", "wilcoxon", "none"),
        help="how hopeless trials are ended early (wilcoxon over folds, median over epochs)",
    )
    parser.add_argument(
        "--seeds", type=arguments.count, default=3, metavar="N", help="for the best trial and the first (3)"
    )
    parser.add_argument(
        "--take",
        choices=("certain", "best"),
        default="certain",
        help="certain: other settings only if they are better beyond chance; best: those of the best trial (certain)",
    )
    parser.add_argument(
        "--refit", choices=("train", "both"), default="train", help="both: on the validation side too (train)"
    )
    parser.add_argument("--jobs", type=arguments.count, default=1, metavar="N", help="processes on this machine (1)")
    parser.add_argument("--storage", metavar="URL", help="database through which several machines work on one study")
    parser.add_argument("--resume", action="store_true", help="go on with a study, or join others at work on it")
    parser.add_argument("--overwrite", action="store_true", help="replace the study in --out")


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.search import api

    if options.show_space:
        from audioft.tasks.search.space import default

        print(default().read_text(encoding="utf-8").rstrip())
        return 0
    if options.out is None:
        raise UsageError("a search needs a folder of its own: `audioft search DATA --out STUDY`")
    sources, overrides = arguments.sources_and_overrides(options.items)
    if len(sources) > 1:
        raise UsageError(f"a search is of one folder or table, {len(sources)} given ({', '.join(sources)})")
    given = arguments.given(options, api.search)
    found = api.search(sources[0] if sources else None, overrides=overrides, console=console, **given)
    print(found)
    console.say(f"\nstudy   {found.folder}\npage    {found.folder / 'search.html'}")
    if found.run is not None:
        print(found.run.folder)
    return 0


def goes_on(options: argparse.Namespace) -> str:
    return f"`audioft search --out {options.out} --resume` goes on with it" if options.out else ""
