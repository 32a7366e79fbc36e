"""The command: which verb is meant, and how what goes wrong is told.

Nothing heavy is imported before the arguments are known to be right.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from types import ModuleType

import audioft
from audioft import tasks
from audioft.core import startup
from audioft.core.progress import Console
from audioft.errors import AudioftError, Interrupted

EXIT_CODES = """exit codes: 0 done; 1 the work failed, or part of it did; 2 the call was wrong;
130 interrupted (Ctrl-C); 143 ended by SIGTERM"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    if argv is None:
        startup.names_as_utf8()
    startup.text_as_utf8()
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = parse(arguments)
    try:
        os.getcwd()
    except FileNotFoundError:
        print("audioft: the folder that this was called in is gone; change to another", file=sys.stderr)
        return 1
    try:
        with startup.terminable():
            code = options.verb.run(options, Console(options.quiet))
            sys.stdout.flush()
            return code
    except AudioftError as e:
        print("".join([f"audioft: {e}", *(f"\nnote: {told}" for told in _notes(e))]), file=sys.stderr)
        return e.exit_code
    except KeyboardInterrupt as e:
        told = "".join(f"; {told}" for told in _notes(e)) or _goes_on(options)
        print(f"\naudioft: interrupted{told}", file=sys.stderr)
        return e.exit_code if isinstance(e, Interrupted) else 130
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as e:
        # what has no name is what we print: all else is written by calls that tell the path
        print(f"audioft: {e.filename or 'standard output'}: {e.strerror or e}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as e:
        package = (e.name or "").partition(".")[0]
        if package in sys.modules:  # it is there, and something else is wrong
            raise
        print(
            f"audioft: {options.called} needs {package}, which is not installed: pip install audioft", file=sys.stderr
        )
        return 1
    except RuntimeError as e:
        if "out of memory" not in str(e).lower() and "can't allocate" not in str(e).lower():
            raise
        print(f"audioft: out of memory; try {_less(options)}", file=sys.stderr)
        return 1


def _notes(e: BaseException) -> list[str]:
    """What was added to a failure on its way."""
    return getattr(e, "__notes__", [])


def _less(options: argparse.Namespace) -> str:
    """What to try where memory ran out, of what the verb takes."""
    if hasattr(options, "batch_seconds"):
        return "a smaller --batch-seconds" + " or --window" * hasattr(options, "window")
    if hasattr(options.verb, "settings_of"):
        return f"train.accumulate=4, or a smaller {getattr(options.verb, 'LESS_MEMORY', 'data.max_seconds')}"
    return "again with other programs closed"


def _goes_on(options: argparse.Namespace) -> str:
    """How to go on with what was interrupted; empty where it begins anew."""
    told = options.verb.goes_on(options) if hasattr(options.verb, "goes_on") else ""
    return f"; {told}" if told else ""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Options of the command line, the verb's module as `verb`; ends the program with code 2 where they are wrong."""
    parser, made = make_parser()
    if arguments[:1] == ["help"]:  # as git and others have it
        arguments = [*arguments[1:2], "--help"]
    named = next((a for a in arguments if not a.startswith("-")), None)
    if named is not None and named not in made:
        before = arguments[0] if arguments[0] not in (named, "-h", "--help", "--version", "-q", "--quiet") else None
        from audioft.tasks import unknown_options  # which no other call needs

        told = unknown_options.verb_meant(named, made)
        parser.error(told if before is None else f"{before}: options go behind the verb, as in `audioft VERB {before}`")
    options, rest = parser.parse_known_args(arguments)
    if getattr(options, "verb", None) is None:
        parser.print_help()
        raise SystemExit(0 if not arguments else 2)
    verb = made[options.called]
    # argparse takes positionals in one run only; those between or after options arrive here
    strange = [r for r in rest if r.startswith("-") and r != "-"]
    if strange:
        from audioft.tasks import unknown_options

        verb.error(unknown_options.told(strange, arguments, options.called, made))
    several = _several(verb)
    if rest and several is None:
        verb.error(f"too much is given: {' '.join(rest)} is left over")
    if several is not None:
        setattr(options, several, [*getattr(options, several), *rest])
    return options


def _several(verb: argparse.ArgumentParser) -> str | None:
    """Which of a verb's positionals takes any number; None for none."""
    return next((a.dest for a in verb._actions if not a.option_strings and a.nargs in ("*", "+")), None)


class _Help(argparse.RawDescriptionHelpFormatter):
    """Texts as they are written; one blank line is one."""

    def format_help(self) -> str:
        return re.sub(r"\n\s*\n", "\n\n", super().format_help())


def make_parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of the command, and that of each verb."""
    verbs = tasks.verbs()
    parser = argparse.ArgumentParser(
        prog="audioft",
        usage="audioft [-h] [--version] VERB ...",
        description=(audioft.__doc__ or "").splitlines()[0],
        epilog=f"{EXIT_CODES}\n\n{_examples(verbs)}",
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"audioft {audioft.__version__}")
    group = parser.add_subparsers(title="verbs", description=_grouped(verbs), metavar="", dest="called", prog="audioft")
    made = {}
    for verb in verbs:
        made[verb.NAME] = group.add_parser(
            verb.NAME,
            description=verb.ABOUT,
            epilog=_examples([verb]),
            formatter_class=_Help,
        )
        made[verb.NAME].set_defaults(verb=verb)
        made[verb.NAME].add_argument("-q", "--quiet", action="store_true", help="say nothing but errors and results")
        verb.add_options(made[verb.NAME])
    return parser, made


def _grouped(verbs: Sequence[ModuleType]) -> str:
    """The verbs by what a person is doing, each with what it does."""
    width = min(shutil.get_terminal_size().columns, 120) - 2
    lines = []
    for group, members in itertools.groupby(verbs, key=lambda verb: verb.GROUP):
        lines.append(group)
        for verb in members:
            told = textwrap.wrap(verb.ABOUT, width - 18)
            lines += [f"  {name:<16}{line}" for name, line in zip([verb.NAME, *[""] * len(told)], told, strict=False)]
    return "\n".join(lines)


def _examples(verbs: Sequence[ModuleType]) -> str:
    given = [example for verb in verbs for example in getattr(verb, "EXAMPLES", ())]
    return "\n".join(["examples:", *(f"  {example}" for example in given)]) if given else ""
