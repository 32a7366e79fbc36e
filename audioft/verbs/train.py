"""`audioft train`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from audioft.errors import AudioftError, UsageError
from audioft.progress import Console
from audioft.verbs import arguments

ABOUT = "Fine-tune an encoder to the labels of a folder or table of recordings."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "items", nargs="*", metavar="DATA | section.key=value", help="a folder, .csv or .jsonl; and settings"
    )
    parser.add_argument("--encoder", metavar="NAME", help="mini, a local folder, or a hub id as facebook/wav2vec2-base")
    parser.add_argument(
        "--from", dest="start", metavar="MODEL", help="go on from a run, a model folder or a classifier's hub id"
    )
    parser.add_argument("--extend", action="store_true", help="with --from: keep its labels, and add those of DATA")
    parser.add_argument("--config", metavar="FILE", help="a YAML file of settings")
    parser.add_argument("--out", metavar="RUN", help="the run folder (default: runs/DATA-ENCODER)")
    parser.add_argument(
        "--few-shot",
        action="store_true",
        help="train nothing: fit a prototype of each label, in one pass over the clips",
    )
    parser.add_argument("--each", action="store_true", help="one model a folder; goes on past a failure")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--overwrite", action="store_true", help="replace the run in --out")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="show settings, clips, labels, split and what trains; train nothing",
    )
    parser.add_argument("--examples", metavar="DIR", help="with --dry-run: write some augmented clips, and a picture")
    parser.add_argument("--settings", action="store_true", help="list all settings with their defaults and meaning")


def run(options: argparse.Namespace, console: Console) -> int:
    from audioft import api

    if options.settings:
        from audioft.config import describe

        print(describe())
        return 0
    sources, overrides = arguments.sources_and_overrides(options.items)
    if options.each:
        return _train_each(sources, overrides, options, console)
    if len(sources) > 1:
        raise UsageError(
            f"{len(sources)} folders given ({', '.join(sources)}); one model a folder is trained with --each"
        )
    source = sources[0] if sources else None
    if options.dry_run:
        from audioft.config import save

        resolved = api.settings(
            source,
            options.encoder,
            options.config,
            overrides,
            start=options.start,
            extend=options.extend,
            few_shot=options.few_shot,
        )
        print(save(resolved), end="", flush=True)
        api.plan(resolved, console, options.examples)
        return 0
    if options.examples:
        raise UsageError("--examples goes with --dry-run")
    run = api.finetune(
        source,
        encoder=options.encoder,
        start=options.start,
        extend=options.extend,
        out=options.out,
        config=options.config,
        overrides=overrides,
        few_shot=options.few_shot,
        resume=options.resume,
        overwrite=options.overwrite,
        console=console,
    )
    if int(os.environ.get("RANK", "0")) == 0:
        console.say(f"\nrun     {run.folder}\nmodel   {run.model}")
        if (run.folder / "report.html").is_file():
            console.say(f"report  {run.folder / 'report.html'}")
        print(run.folder)
    return 0


def _train_each(sources: list[str], overrides: list[str], options: argparse.Namespace, console: Console) -> int:
    from audioft import api

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
            run = api.finetune(
                source,
                encoder=options.encoder,
                start=options.start,
                extend=options.extend,
                out=out / name,
                config=options.config,
                overrides=overrides,
                few_shot=options.few_shot,
                resume=options.resume and (out / name / "config.yaml").is_file(),
                overwrite=options.overwrite,
                console=console,
            )
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
