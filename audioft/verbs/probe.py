"""`audioft probe`."""

from __future__ import annotations

import argparse

from audioft.errors import UsageError
from audioft.progress import Console
from audioft.verbs import arguments

ABOUT = "Compare encoders on labelled recordings before one is trained, layer by layer."


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "items", nargs="*", metavar="DATA | section.key=value", help="a folder, .csv or .jsonl; and settings of data"
    )
    parser.add_argument(
        "--encoders",
        action="append",
        default=[],
        metavar="A,B,C",
        help="mini, local folders, or hub ids; may be given several times (mini)",
    )
    parser.add_argument("--out", metavar="DIR", help="write probe.csv, layers.csv, probe.json and probe.png there")
    parser.add_argument("--layers", action="store_true", help="show a row for every layer, too")
    parser.add_argument(
        "--clips", type=arguments.count, default=2000, metavar="N", help="at most so many clips, chosen by seed (2000)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the results in --out")
    parser.add_argument("--no-cache", action="store_true", help="neither keep embeddings nor use those that were kept")
    parser.add_argument(
        "--batch-seconds", type=arguments.seconds, metavar="S", help="audio that goes through at once (20, on a GPU 60)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")


def run(options: argparse.Namespace, console: Console) -> int:
    sources, overrides = arguments.sources_and_overrides(options.items)
    if len(sources) != 1:
        told = f"{len(sources)} given ({', '.join(sources)})" if sources else "none given"
        raise UsageError(f"one folder or table is probed on, {told}: `audioft probe DATA --encoders A,B,C`")
    strange = [o for o in overrides if o.partition("=")[0].split(".")[0] not in ("data", "events", "seed")]
    if strange:
        raise UsageError(f"{strange[0]}: a probe trains nothing; it takes settings of data and events, and the seed")
    named = [[name.strip() for name in given.split(",") if name.strip()] for given in options.encoders]
    if not all(named):
        raise UsageError("--encoders names no encoder: give names, as in --encoders mini,facebook/wav2vec2-base")
    encoders = [name for names in named for name in names]
    from audioft import api_probe

    found = api_probe.compare(
        sources[0],
        encoders or ["mini"],
        out=options.out,
        overrides=overrides,
        clips=options.clips,
        device=options.device,
        batch_seconds=options.batch_seconds,
        cache=not options.no_cache,
        overwrite=options.overwrite,
        console=console,
    )
    print(found.text(layers=options.layers))
    if options.out and found.measured:
        console.say(f"written to {options.out}")
    elif options.out:
        console.say(f"nothing is written to {options.out}, as no encoder could be measured")
    return int(any(r.problem for r in found.rows))
