"""`audioft learning-curve`."""

from __future__ import annotations

import argparse

from audioft.errors import UsageError
from audioft.progress import Console
from audioft.verbs import arguments

ABOUT = "How far a few recordings of each label go, and what more of them would bring."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "items", nargs="*", metavar="DATA | section.key=value", help="a folder, .csv or .jsonl; and settings of data"
    )
    parser.add_argument("--encoder", metavar="NAME", help="mini, a local folder, or a hub id (mini)")
    parser.add_argument("--shots", type=counts, default=[1, 5, 10, 20], metavar="N,N", help="clips a label (1,5,10,20)")
    parser.add_argument(
        "--draws", type=arguments.count, default=20, metavar="N", help="how often each number is drawn, by seed (20)"
    )
    parser.add_argument("--out", metavar="DIR", help="write learning_curve.csv, .json and .png there")
    parser.add_argument("--overwrite", action="store_true", help="replace the results in --out")
    parser.add_argument("--no-cache", action="store_true", help="neither keep embeddings nor use those that were kept")
    parser.add_argument(
        "--batch-seconds", type=arguments.seconds, metavar="S", help="audio that goes through at once (20, on a GPU 60)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")


def counts(text: str) -> list[int]:
    return [arguments.count(part.strip()) for part in text.split(",")]


def run(options: argparse.Namespace, console: Console) -> int:
    sources, overrides = arguments.sources_and_overrides(options.items)
    if len(sources) != 1:
        told = f"{len(sources)} given ({', '.join(sources)})" if sources else "none given"
        raise UsageError(f"a learning curve is of one folder or table, {told}: `audioft learning-curve DATA`")
    sections = ("data", "events", "encoder", "seed")
    strange = [o for o in overrides if o.partition("=")[0].split(".")[0] not in sections]
    if strange:
        raise UsageError(f"{strange[0]}: the encoder is not trained here; settings of {', '.join(sections)} are taken")
    from audioft import api_learning

    curve = api_learning.learning_curve(
        sources[0],
        encoder=options.encoder,
        shots=options.shots,
        draws=options.draws,
        out=options.out,
        overrides=overrides,
        device=options.device,
        batch_seconds=options.batch_seconds,
        cache=not options.no_cache,
        overwrite=options.overwrite,
        console=console,
    )
    print(curve)
    if options.out:
        console.say(f"written to {options.out}")
    return 0
