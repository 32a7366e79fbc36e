"""The options of the command, verb by verb, and their help."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping

import audioft
from audioft.progress import Console

WHAT = ("windows", "segments", "summary")
FORMATS = ("csv", "jsonl", "audacity", "raven", "rttm")
Verb = Callable[[argparse.Namespace, Console], int]
EPILOG = """exit codes: 0 done; 1 the work failed, or part of it did; 2 the call was wrong; 130 interrupted

examples:
  audioft train recordings/ --out runs/birds
  audioft train recordings/ --encoder facebook/wav2vec2-base train.epochs=10 data.test="fold=5"
  audioft evaluate runs/birds more_recordings/
  audioft predict runs/birds new/*.wav --out labels.csv
  audioft predict runs/birds night.flac --what segments --format audacity --out labels"""


def make_parser(functions: Mapping[str, Verb]) -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of the command, and that of each verb; `options.verb` will be the verb's function."""
    parser = argparse.ArgumentParser(
        prog="audioft",
        description=(audioft.__doc__ or "").splitlines()[0],
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"audioft {audioft.__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", dest="name")
    made: dict[str, argparse.ArgumentParser] = {}

    def verb(name: str, about: str) -> argparse.ArgumentParser:
        made[name] = verbs.add_parser(name, help=about, description=about)
        made[name].set_defaults(verb=functions[name])
        made[name].add_argument("-q", "--quiet", action="store_true", help="say nothing but errors and results")
        return made[name]

    t = verb("train", "Fine-tune an encoder to the labels of a folder or table of recordings.")
    t.add_argument(
        "items", nargs="*", metavar="DATA | section.key=value", help="a folder, .csv or .jsonl; and settings"
    )
    t.add_argument("--encoder", metavar="NAME", help="mini, a local folder, or a hub id as facebook/wav2vec2-base")
    t.add_argument("--config", metavar="FILE", help="a YAML file of settings")
    t.add_argument("--out", metavar="RUN", help="the run folder (default: runs/DATA-ENCODER)")
    t.add_argument("--each", action="store_true", help="one model a folder; goes on past a failure")
    t.add_argument("--resume", action="store_true", help="go on with the run in --out")
    t.add_argument("--overwrite", action="store_true", help="replace the run in --out")
    t.add_argument(
        "--dry-run",
        action="store_true",
        help="show settings, clips, labels, split and what trains; train nothing",
    )
    t.add_argument("--examples", metavar="DIR", help="with --dry-run: write a few augmented clips as audio and picture")
    t.add_argument("--settings", action="store_true", help="list all settings with their defaults and meaning")

    b = verb("pretrain", "Let an encoder learn from recordings without labels; the labels of DATA are ignored.")
    b.add_argument(
        "items", nargs="*", metavar="DATA | section.key=value", help="folders, tables, recordings; and settings"
    )
    b.add_argument("--from", dest="start", metavar="ENCODER", help="go on from mini, a local folder or a hub id")
    b.add_argument("--config", metavar="FILE", help="a YAML file of settings")
    b.add_argument("--out", metavar="ENCODER", help="the folder of the new encoder (default: encoders/DATA)")
    b.add_argument(
        "--probe",
        metavar="DATA",
        action="append",
        default=[],
        help="labelled data to probe it on every so often; may be given again",
    )
    b.add_argument("--resume", action="store_true", help="go on with the pretraining in --out")
    b.add_argument("--overwrite", action="store_true", help="replace the pretraining in --out")
    b.add_argument("--dry-run", action="store_true", help="show the settings; train nothing")
    b.add_argument("--settings", action="store_true", help="list all settings with their defaults and meaning")

    e = verb("evaluate", "Measure a model on labelled recordings.")
    e.add_argument("model", metavar="MODEL_OR_RUN", help="a run folder or a model folder")
    e.add_argument("data", metavar="DATA", help="a folder, .csv or .jsonl with labels the model knows")
    e.add_argument("--out", metavar="DIR", help="write report.json, report.html and predictions.csv there")
    e.add_argument("--side", metavar="SIDE", help="train, valid, test or all (default: test if the data gives a split)")
    e.add_argument("--label", metavar="COLUMN", help="column with the label")
    e.add_argument("--group", metavar="COLUMN", help="column whose clips belong together, for the intervals")

    e.add_argument("--events", action="store_true", help="measure what happens when; DATA has start and end")
    p = verb("predict", "Label new recordings.")
    p.add_argument("model", metavar="MODEL_OR_RUN", help="a run folder or a model folder")
    p.add_argument(
        "items",
        nargs="*",
        metavar="INPUT",
        help="files, folders (in depth), patterns; or - for standard input",
    )
    p.add_argument("--out", metavar="FILE", help="a .csv, .jsonl or .rttm file (default: CSV on standard output)")
    p.add_argument("--top-k", type=_count, default=1, metavar="K", help="the K most probable labels")
    p.add_argument("--all-scores", action="store_true", help="a column for every label's score")
    when = p.add_argument_group("what happens when")
    when.add_argument("--what", choices=WHAT, help="rows of windows, segments, or of recordings with shares of time")
    when.add_argument(
        "--format",
        choices=FORMATS,
        help="audacity (a file a recording, --out is their folder), raven and rttm hold segments",
    )
    when.add_argument("--threshold", type=_share, metavar="P", help="from which a label begins (default: the model's)")
    when.add_argument("--release", type=_share, metavar="R", help="share of it down to which it goes on (0.8)")
    when.add_argument(
        "--min-duration", type=_time, metavar="S", help="leave shorter segments out (the model's, else 0)"
    )
    when.add_argument("--close-gaps", type=_time, metavar="S", help="longest gap to close (the model's, else 0)")
    when.add_argument("--plot", metavar="DIR", help="draw a picture of each recording there")
    when.add_argument("--raw", metavar="RATE,FORMAT,CHANNELS", help="what - holds if it has no header: 16000,s16le,1")
    for each in (e, p):
        each.add_argument("--window", type=_seconds, metavar="S", help="seconds (default: as the model was trained on)")
        each.add_argument(
            "--hop", type=_seconds, metavar="S", help="between windows (default: a window; for times, half of one)"
        )
        each.add_argument(
            "--batch-seconds",
            type=_seconds,
            metavar="S",
            help="audio that goes through at once (20, on a GPU 60); changes no score",
        )
        each.add_argument("--device", default="auto", help="auto, cpu or cuda")
        each.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="what to compute in (fp32)")
    return parser, made


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _seconds(text: str) -> float:
    if not 0 < _number(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return float(text)


def _time(text: str) -> float:
    if not 0 <= _number(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")
    return float(text)


def _share(text: str) -> float:
    if not 0 < _number(text) <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0 and at most 1")
    return float(text)
