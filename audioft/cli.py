"""The command: which verb is meant, and how what goes wrong is told.

Nothing heavy is imported before the arguments are known to be right.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

import audioft
from audioft import startup, verbs
from audioft.errors import AudioftError, Interrupted
from audioft.progress import Console

EPILOG = """exit codes: 0 done; 1 the work failed, or part of it did; 2 the call was wrong;
130 interrupted (Ctrl-C); 143 ended by SIGTERM

examples:
  audioft probe recordings/ --encoders mini,facebook/wav2vec2-base
  audioft train recordings/ --out runs/birds
  audioft train recordings/ --encoder facebook/wav2vec2-base train.epochs=10 data.test="fold=5"
  audioft evaluate runs/birds more_recordings/
  audioft predict runs/birds new/*.wav --out labels.csv
  audioft predict runs/birds night.flac --what segments --format audacity --out labels"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = parse(arguments)
    try:
        os.getcwd()
    except FileNotFoundError:
        print("audioft: the folder that this was called in is gone; change to another", file=sys.stderr)
        return 1
    try:
        with startup.terminable():
            code = options.verb(options, Console(options.quiet))
            sys.stdout.flush()
            return code
    except AudioftError as e:
        print(f"audioft: {e}", file=sys.stderr)
        return e.exit_code
    except KeyboardInterrupt as e:
        print(f"\naudioft: interrupted{_goes_on(options)}", file=sys.stderr)
        return e.exit_code if isinstance(e, Interrupted) else 130
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as e:
        # what has no name is what we print: all else is written by calls that tell the path
        print(f"audioft: {e.filename or 'standard output'}: {e.strerror or e}", file=sys.stderr)
        return 1
    except RuntimeError as e:
        if "out of memory" not in str(e).lower() and "can't allocate" not in str(e).lower():
            raise
        shorter = "data.crop_seconds" if options.name == "pretrain" else "data.max_seconds or --batch-seconds"
        print(f"audioft: out of memory; try train.accumulate=4, or a smaller {shorter}", file=sys.stderr)
        return 1


def _goes_on(options: argparse.Namespace) -> str:
    """How to go on with what was interrupted; empty where it begins anew."""
    out = getattr(options, "out", None)
    if options.name in ("train", "pretrain"):
        return f"; `audioft {options.name} --resume --out {out or 'RUN'}` goes on with the run"
    if options.name == "predict" and str(out).endswith((".csv", ".jsonl")):
        return f"; the same call with --resume goes on with {out}"
    return ""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Options of the command line, the verb's function as `verb`; ends the program with code 2 where they are wrong."""
    parser, made = make_parser()
    options, rest = parser.parse_known_args(arguments)
    if getattr(options, "verb", None) is None:
        parser.print_help()
        raise SystemExit(0 if not arguments else 2)
    verb = made[options.name]
    # argparse takes positionals in one run only; those between or after options arrive here
    strange = [r for r in rest if r.startswith("-") and r != "-"]
    if strange or (rest and not hasattr(options, "items")):
        verb.error(f"unknown option: {' '.join(strange or rest)}")
    if hasattr(options, "items"):
        options.items = [*options.items, *rest]
    return options


def make_parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of the command, and that of each verb."""
    parser = argparse.ArgumentParser(
        prog="audioft",
        description=(audioft.__doc__ or "").splitlines()[0],
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"audioft {audioft.__version__}")
    group = parser.add_subparsers(title="verbs", metavar="VERB", dest="name")
    made = {}
    for name in verbs.NAMES:
        module = importlib.import_module(f"audioft.verbs.{name.replace('-', '_')}")
        made[name] = group.add_parser(name, help=module.ABOUT, description=module.ABOUT)
        made[name].set_defaults(verb=module.run)
        made[name].add_argument("-q", "--quiet", action="store_true", help="say nothing but errors and results")
        module.add_options(made[name])
    return parser, made
