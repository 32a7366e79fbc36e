"""What options of several verbs have in common."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from audioft.core.progress import Console
from audioft.errors import AudioError, Problem, UsageError, grouped

if TYPE_CHECKING:
    from audioft.inference.predictor import Predictor

OVERRIDE = re.compile(r"[a-z_]+(\.[A-Za-z0-9_]+)*=")


def sources_and_overrides(items: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is a path among them, and what is `section.key=value`."""
    overrides = [i for i in items if OVERRIDE.match(i) and not os.path.exists(i)]
    return [i for i in items if i not in overrides], overrides


def one_source(items: Sequence[str], what: str, usage: str) -> tuple[str, list[str]]:
    """The one path among them, and the settings.

    Args:
        items: as given.
        what: the beginning of a sentence, as `a probe is of`.
        usage: the command as it should be.

    Raises:
        UsageError: there is none, or several.
    """
    sources, overrides = sources_and_overrides(items)
    if len(sources) != 1:
        told = f"{len(sources)} given ({', '.join(sources)})" if sources else "none given"
        raise UsageError(f"{what} one folder or table, {told}: `{usage}`")
    return sources[0], overrides


def add_reading(parser: argparse.ArgumentParser) -> None:
    """How labelled data is read."""
    parser.add_argument(
        "items", nargs="*", metavar="section.key=value", help="how DATA is read, as for train: data.audio_root=DIR"
    )


def settings(items: Sequence[str], verb: str) -> list[str]:
    """The settings of a verb whose data is named already.

    Raises:
        UsageError: there is something else among them.
    """
    sources, overrides = sources_and_overrides(items)
    if sources:
        raise UsageError(f"{verb} takes one folder or table; {', '.join(sources)} is left over (settings have a =)")
    return overrides


def refuse_swapped(options: argparse.Namespace, items: Sequence[str]) -> None:
    """Raise where what stands in the place of the model is none, and a model is among what follows it.

    Raises:
        UsageError: with the call as it should be.
    """
    from audioft.models.hub import holds_model, is_id

    first = options.model
    if holds_model(first) or (is_id(first) and not os.path.exists(first)):
        return
    model = next((item for item in items if holds_model(item)), None)
    if model is not None:
        rest = [item for item in items if item != model]
        told = " ".join(map(shlex.quote, [model, first, *rest[:2]])) + " ..." * (len(rest) > 2)
        raise UsageError(
            f"{first} holds no model, and {model} does: swapped? It comes first: `audioft {options.called} {told}`"
        )


def refuse_missing(items: Sequence[str]) -> None:
    """Raise where not one of the files, folders and patterns is there: nothing needs to be loaded for that.

    Raises:
        UsageError: names them.
    """
    there = (item == "-" or os.path.lexists(item) or set("*?[~$") & set(item) for item in items)
    if not any(there):
        raise UsageError("\n".join(f"{item}: no such file or folder" for item in items))


def refuse_others(overrides: Sequence[str], sections: Sequence[str], why: str) -> None:
    """Raise where a setting is of none of these sections, for the reason `why`."""
    for given in overrides:
        if given.partition("=")[0].split(".")[0] not in sections:
            raise UsageError(f"{given}: {why}; settings of {', '.join(sections)} are taken")


def given(options: argparse.Namespace, function: Callable[..., Any]) -> dict[str, Any]:
    """The options that are arguments of `function`, by the names they have in both."""
    import inspect  # takes longer than all that help does

    return {k: v for k, v in vars(options).items() if k in inspect.signature(function).parameters}


def add_run(parser: argparse.ArgumentParser, what: str, out: str, *, metavar: str, dry_run: str) -> None:
    """How a run is set, begun, gone on with and replaced; `what` it is, and what `--out` and `--dry-run` say."""
    parser.add_argument("--config", metavar="FILE", help="a YAML file of settings")
    parser.add_argument("--out", metavar=metavar, help=out)
    parser.add_argument("--resume", action="store_true", help=f"go on with the {what} in --out")
    parser.add_argument("--overwrite", action="store_true", help=f"replace the {what} in --out")
    parser.add_argument("--dry-run", action="store_true", help=dry_run)
    parser.add_argument(
        "--settings",
        action="store_true",
        help="list all settings with their defaults and meaning; with --dry-run, those of this run",
    )


def how_to_resume(options: argparse.Namespace, metavar: str) -> str:
    """What an interrupted user of a verb with `add_run` is told."""
    return f"`audioft {options.called} --resume --out {options.out or metavar}` goes on with the run"


def add_scoring(parser: argparse.ArgumentParser) -> None:
    """How a model goes over recordings."""
    parser.add_argument("--window", type=seconds, metavar="S", help="seconds (default: as the model was trained on)")
    parser.add_argument(
        "--hop", type=seconds, metavar="S", help="between windows (default: a window; for times, half of one)"
    )
    add_computing(parser)


def add_computing(parser: argparse.ArgumentParser) -> None:
    """What it computes on."""
    parser.add_argument(
        "--batch-seconds",
        type=seconds,
        metavar="S",
        help="audio that goes through at once (20, on a GPU 60); changes no score",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--precision",
        choices=("fp32", "bf16", "auto"),
        default="fp32",
        help="what to compute in (fp32); auto: bf16 where it is native",
    )


def add_embedding(parser: argparse.ArgumentParser) -> None:
    """How a frozen encoder goes over clips."""
    parser.add_argument(
        "--no-cache",
        dest="cache",
        action="store_false",
        help="neither keep embeddings nor use those that were kept",
    )
    parser.add_argument(
        "--batch-seconds", type=seconds, metavar="S", help="audio that goes through at once (20, on a GPU 60)"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")


def add_comparing(
    parser: argparse.ArgumentParser,
    cohort: str = "recordings of other people, to normalise scores by (default: those that enroll stored, if any)",
) -> None:
    """What scores of pairs depend on; `cohort` is what a folder of other people is for."""
    parser.add_argument("--cohort", metavar="DIR", help=f"{cohort}; at least 50, better 200")
    parser.add_argument(
        "--speakers", metavar="FILE", help="file of the enrolled (default: speakers.json in the model folder)"
    )
    add_computing(parser)


def model(options: argparse.Namespace) -> Predictor:
    """The model that the options of `add_computing` ask for."""
    from audioft.inference.predictor import Predictor
    from audioft.models import label_names

    made = Predictor(options.model, **given(options, Predictor))
    for note in [*label_names.notes(made.labels), *made.labeller.notes]:
        Console(options.quiet).say(f"note: {note}")
    return made


def told(failures: Sequence[AudioError]) -> int:
    """Name recordings that could not be used, those of one kind together; the exit code."""
    for sentence in grouped(Problem(f.path, f.reason) for f in failures):
        print(f"audioft: {sentence}", file=sys.stderr)
    return int(bool(failures))


_QUOTED = r'"(?:[^"]|"")+"'
_PAIR = re.compile(rf"\s*({_QUOTED}|[^=]*?)\s*=(.*)", re.DOTALL)
_MERGED = re.compile(rf"((?:\s*{_QUOTED}\s*,|(?!\s*{_QUOTED}\s*,)[^=,]*,)*(?:\s*{_QUOTED}\s*|[^=,]*))=(.*)", re.DOTALL)
_PART = re.compile(rf"\s*({_QUOTED})\s*(?:,|$)|([^,]+)")
_IN_QUOTES = "; a name with = or a comma stands in double quotes: '\"a=b\"=c'"


def pair(text: str) -> tuple[str, str]:
    """`old=new`, both without blanks around them. A name that has an `=` stands in double quotes.

    >>> pair("wrens = wren"), pair('"a=b"=c')
    (('wrens', 'wren'), ('a=b', 'c'))
    """
    found = _PAIR.fullmatch(text)
    old, new = map(_unquoted, found.groups()) if found else ("", "")
    if not (old and new):
        raise argparse.ArgumentTypeError(f"{text!r} is not OLD=NEW, as wrens=wren{_IN_QUOTES}")
    return old, new


def merged(text: str) -> tuple[list[str], str]:
    """`a,b=new`, all without blanks around them. A name that has a comma or an `=` stands in double quotes.

    >>> merged("dog, cat=animal"), merged('"dog, small",cat=animal')
    ((['dog', 'cat'], 'animal'), (['dog, small', 'cat'], 'animal'))
    """
    found = _MERGED.fullmatch(text)
    parts, new = ("", "") if found is None else found.groups()
    names = [name for quoted, plain in _PART.findall(parts) if (name := _unquoted(quoted or plain))]
    if not (names and _unquoted(new)):
        raise argparse.ArgumentTypeError(f"{text!r} is not A,B=NEW, as dog,cat=animal{_IN_QUOTES}")
    return names, _unquoted(new)


def renames(option: str, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """New names by old ones.

    Raises:
        UsageError: an old one has two.
    """
    found: dict[str, str] = {}
    for old, new in pairs:
        if found.setdefault(old, new) != new:
            raise UsageError(f"{option}: {old!r} cannot be both {found[old]!r} and {new!r}; give one of them")
    return found


def _unquoted(name: str) -> str:
    name = name.strip()
    return name[1:-1].replace('""', '"').strip() if re.fullmatch(_QUOTED, name) else name


def count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def count_or_none(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 0 or more")
    return int(text)


def number_of(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def seconds(text: str) -> float:
    if not 0 < number_of(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return float(text)


def time(text: str) -> float:
    if not 0 <= number_of(text) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")
    return float(text)


def number(text: str) -> float:
    if not abs(number_of(text)) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return float(text)


def share(text: str) -> float:
    if not 0 < number_of(text) <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0 and at most 1")
    return float(text)
