"""`audioft train`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from audioft.core.progress import Console
from audioft.errors import AudioftError, UsageError
from audioft.tasks import arguments

NAME = "train"
ELSEWHERE = ("fit", "finetune", "fine-tune", "tune", "learn")
ABOUT = "Fine-tune an encoder to the labels of a folder or table of recordings."
GROUP = "train"
EXAMPLES = (
    "audioft train recordings/ --out runs/birds",
    'audioft train recordings/ --encoder facebook/wav2vec2-base train.epochs=10 data.test="fold=5"',
)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "items", nargs="*", metavar="DATA | section.key=value", help="a folder, .csv or .jsonl; and settings"
    )
    parser.add_argument("--encoder", metavar="NAME", help="mini, a local folder, or a hub id as facebook/wav2vec2-base")
    parser.add_argument(
        "--from", dest="start", metavar="MODEL", help="go on from a run, a model folder or a classifier's hub id"
    )
    parser.add_argument("--extend", action="store_true", help="with --from: keep its labels, and add those of DATA")
    parser.add_argument(
        "--few-shot",
        action="store_true",
        help="train nothing: fit a prototype of each label, in one pass over the clips",
    )
    parser.add_argument(
        "--from-probe",
        metavar="DIR",
        help="make a model of the probe that `audioft probe --out DIR` has kept, in seconds",
    )
    parser.add_argument(
        "--budget",
        metavar="TIME",
        help="the most layers and epochs that fit into 90s, 5m, 1h30m, by a measurement before the first step",
    )
    parser.add_argument(
        "--folds",
        type=arguments.count,
        metavar="K",
        help="a model a fold, joined into an ensemble; what each says of its own fold is kept in out_of_fold.csv",
    )
    parser.add_argument("--each", action="store_true", help="one model a folder; goes on past a failure")
    parser.add_argument("--examples", metavar="DIR", help="with --dry-run: write some augmented clips, and a picture")
    arguments.add_run(
        parser,
        "run",
        "the run folder (default: runs/DATA-ENCODER)",
        metavar="RUN",
        dry_run="say what was understood of the data, what would train, and which settings differ from the defaults "
        "(with --settings: all, on standard output); train nothing",
    )


def goes_on(options: argparse.Namespace) -> str:
    return arguments.how_to_resume(options, "RUN")


def settings_of() -> type:
    """What its settings are."""
    from audioft.configuration.sections import Config

    return Config


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.train import api

    if options.settings and not options.dry_run:
        from audioft.configuration.config import describe

        print(describe())
        return 0
    sources, overrides = arguments.sources_and_overrides(options.items)
    if options.from_probe is not None and (options.each or options.dry_run):
        what = "--each" if options.each else "--dry-run"
        raise UsageError(f"--from-probe makes one model, in seconds and without training; leave out {what}")
    if options.each and options.dry_run:
        raise UsageError("--dry-run is of one folder or table: leave out --each, and ask for one after the other")
    if options.each:
        return _train_each(sources, overrides, options, console)
    if len(sources) > 1:
        raise UsageError(
            f"{len(sources)} folders given ({', '.join(sources)}); one model a folder is trained with --each"
        )
    source = sources[0] if sources else None
    if options.dry_run:
        from audioft.assembly import resolve
        from audioft.configuration import config as configs

        given = arguments.given(options, resolve.settings)
        config = resolve.settings(source, overrides=overrides, **given)
        # all settings are a file to be kept: they stand alone on standard output
        planned = api.plan(config, console if options.settings else Console(stream=sys.stdout), options.examples)
        print(configs.save(planned).rstrip() if options.settings else configs.changed(planned, without=["data.source"]))
        return 0
    if options.examples:
        raise UsageError("--examples goes with --dry-run")
    given = arguments.given(options, api.finetune)
    run = api.finetune(source, overrides=overrides, console=console, **given)
    if int(os.environ.get("RANK", "0")) == 0:
        console.say(f"\nrun     {run.folder}\nmodel   {run.model}")
        if (run.folder / "report.html").is_file():
            console.say(f"report  {run.folder / 'report.html'}")
        print(run.folder)
    return 0


def _train_each(sources: list[str], overrides: list[str], options: argparse.Namespace, console: Console) -> int:
    from audioft.tasks.train import api

    if not sources:
        raise UsageError("--each needs at least one folder or table")
    out = Path(options.out or "runs")
    names = [Path(os.path.abspath(s)).stem for s in sources]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise UsageError(
            f"two of the folders are called {', '.join(twice)}; rename one, or train them one by one with --out"
        )
    rows = []
    for source, name in zip(sources, names, strict=True):
        console.say(f"\n=== {source}")
        try:
            given = arguments.given(options, api.finetune) | {
                "out": out / name,
                "resume": options.resume and (out / name / "config.yaml").is_file(),
            }
            run = api.finetune(source, overrides=overrides, console=console, **given)
            told = "no labelled side to measure on"
            if (run.folder / "report.json").is_file():
                report = run.report
                value = report.metrics[report.main].value
                told = f"{report.main} {value:.3f} ({report.side}, {report.clips} {report.counted})"
            rows.append((source, "done", told))
        except (AudioftError, OSError) as e:
            console.say(f"audioft: {e}")
            rows.append((source, "FAILED", str(e).splitlines()[0]))
    width = max(len(r[0]) for r in rows)
    print("\n".join(f"{s:<{width}}  {state:<6}  {told}" for s, state, told in rows))
    return int(any(state != "done" for _, state, _ in rows))
