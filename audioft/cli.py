"""The command: one function a verb, each a few lines over `audioft.api`.

Nothing heavy is imported before the arguments are known to be right.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audioft import startup
from audioft.errors import AudioftError, UsageError
from audioft.options import make_parser
from audioft.progress import Console

if TYPE_CHECKING:
    from audioft.inference.predictor import Predictor
    from audioft.inference.timetables import TimeWriter

OVERRIDE = re.compile(r"[a-z_]+(\.[A-Za-z0-9_]+)*=")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = parse(arguments)
    try:
        code = options.verb(options, Console(options.quiet))
        sys.stdout.flush()
        return code
    except AudioftError as e:
        print(f"audioft: {e}", file=sys.stderr)
        return e.exit_code
    except KeyboardInterrupt:
        resume = (
            f"`audioft {options.name} --resume --out {getattr(options, 'out', None) or 'RUN'}` goes on with the run"
        )
        goes_on = f"; {resume}" if options.name in ("train", "pretrain") else ""
        print(f"\naudioft: interrupted{goes_on}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as e:
        print(f"audioft: {e.filename or ''}: {e.strerror or e}".replace(": :", ":"), file=sys.stderr)
        return 1
    except RuntimeError as e:
        if "out of memory" not in str(e).lower() and "can't allocate" not in str(e).lower():
            raise
        shorter = "data.crop_seconds" if options.name == "pretrain" else "data.max_seconds or --batch-seconds"
        print(f"audioft: out of memory; try train.accumulate=4, or a smaller {shorter}", file=sys.stderr)
        return 1


def parse(arguments: list[str]) -> argparse.Namespace:
    """Options of the command line; ends the program with code 2 where they are wrong."""
    parser, verbs = make_parser({"train": train, "pretrain": pretrain, "evaluate": evaluate, "predict": predict})
    options, rest = parser.parse_known_args(arguments)
    if getattr(options, "verb", None) is None:
        parser.print_help()
        raise SystemExit(0 if not arguments else 2)
    verb = verbs[options.name]
    # argparse takes positionals in one run only; those between or after options arrive here
    strange = [r for r in rest if r.startswith("-") and r != "-"]
    if strange or (rest and not hasattr(options, "items")):
        verb.error(f"unknown option: {' '.join(strange or rest)}")
    if hasattr(options, "items"):
        options.items = [*options.items, *rest]
    return options


def train(options: argparse.Namespace, console: Console) -> int:
    from audioft import api

    if options.settings:
        from audioft.config import describe

        print(describe())
        return 0
    overrides = [i for i in options.items if OVERRIDE.match(i) and not os.path.exists(i)]
    sources = [i for i in options.items if i not in overrides]
    if options.each:
        return _train_each(sources, overrides, options, console)
    if len(sources) > 1:
        raise UsageError(
            f"{len(sources)} folders given ({', '.join(sources)}); one model a folder is trained with --each"
        )
    source = sources[0] if sources else None
    if options.dry_run:
        from audioft.config import save

        resolved = api.settings(source, options.encoder, options.config, overrides)
        print(save(resolved), end="", flush=True)
        api.plan(resolved, console, options.examples)
        return 0
    if options.examples:
        raise UsageError("--examples goes with --dry-run")
    run = api.finetune(
        source,
        encoder=options.encoder,
        out=options.out,
        config=options.config,
        overrides=overrides,
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
                out=out / name,
                config=options.config,
                overrides=overrides,
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


def pretrain(options: argparse.Namespace, console: Console) -> int:
    from audioft import api_pretrain

    if options.settings:
        from audioft.config import describe
        from audioft.pretrain_sections import PretrainConfig

        print(describe(PretrainConfig))
        return 0
    overrides = [i for i in options.items if OVERRIDE.match(i) and not os.path.exists(i)]
    sources = [i for i in options.items if i not in overrides]
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


def evaluate(options: argparse.Namespace, console: Console) -> int:
    from audioft import api

    report = api.evaluate(
        options.model,
        options.data,
        out=options.out,
        side=options.side,
        label=options.label,
        group=options.group,
        events=options.events,
        window=options.window,
        hop=options.hop,
        device=options.device,
        precision=options.precision,
        batch_seconds=options.batch_seconds,
        console=console,
    )
    print(report)
    if options.out:
        console.say(f"written to {options.out}")
    return 0


def predict(options: argparse.Namespace, console: Console) -> int:
    if not options.items:
        raise UsageError("nothing to label: name files, folders or patterns after the model")
    timed = options.what or options.format or options.plot or options.raw or "-" in options.items
    if "-" in options.items:
        startup.hold_input()
    with startup.loading():
        from audioft import api
        from audioft.inference.tables import PredictionWriter

        model = api.load_model(options.model, device=options.device, precision=options.precision)
    model.batch_seconds = options.batch_seconds
    table: PredictionWriter | TimeWriter
    if timed:
        table = _predict_times(model, options, console)
    else:
        with PredictionWriter(
            options.out, model.labels, model.card.multilabel, top_k=options.top_k, all_scores=options.all_scores
        ) as table:
            for p in api.predict(model, options.items, window=options.window, hop=options.hop, console=console):
                table.write(p)
    for name, reason in table.failures[:10]:
        print(f"audioft: {name}: {reason}", file=sys.stderr)
    if table.failures:
        listed = f", all listed in {table.failures_path}" if table.failures_path else ""
        print(
            f"audioft: {len(table.failures)} of {table.count} inputs could not be labelled to their end{listed}",
            file=sys.stderr,
        )
    return int(bool(table.failures))


def _predict_times(model: Predictor, options: argparse.Namespace, console: Console) -> TimeWriter:
    from audioft import timed
    from audioft.inference.timetables import TimeWriter

    live = "-" in options.items and options.format in (None, "csv", "jsonl")
    what = options.what or ("windows" if live else "segments")
    rules = model.rules(
        options.threshold,
        release=options.release,
        min_seconds=options.min_duration,
        close_gaps=options.close_gaps,
    )
    table = TimeWriter(
        options.out, options.format, what, model.labels, top_k=options.top_k, all_scores=options.all_scores
    )
    timed.follow(
        model,
        options.items,
        table,
        rules,
        window=options.window,
        hop=options.hop,
        raw=options.raw,
        pictures=None if options.plot is None else Path(options.plot),
        console=console,
    )
    return table
