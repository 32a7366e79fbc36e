"""Everything that a user can ask for, a folder each; whoever adds a folder has added a task.

A folder has `api.py`, whose `__all__` are public functions of `audioft`, and `command.py`, or several `X_command.py`,
each a verb: `NAME`, `ABOUT`, `GROUP`, `add_options(parser)` and `run(options, console)`, the exit code. A verb may have
`EXAMPLES` for its help, `ELSEWHERE`, what other tools call it, `goes_on(options)`, what an interrupted user is told,
and `LESS_MEMORY`, what to lower where memory ran out. Neither of these modules imports anything heavy before it runs.
No task imports another.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

#: What a person may be doing, in the order of the help.
GROUPS = ("look at data", "train", "measure", "label", "speakers", "housekeeping")


def folders() -> list[str]:
    """The names of the tasks."""
    return sorted(f.parent.name for path in __path__ for f in Path(path).glob("*/__init__.py"))


def functions() -> dict[str, str]:
    """The public functions of all tasks: name -> module."""
    homes = [f"{__name__}.{name}.api" for name in folders()]
    return {function: home for home in homes for function in importlib.import_module(home).__all__}


def verbs() -> list[ModuleType]:
    """The verbs of all tasks, in the order of the help: by what a person is doing, then by name."""
    files = sorted(f for path in __path__ for f in Path(path).glob("*/*command.py"))
    found = [importlib.import_module(f"{__name__}.{f.parent.name}.{f.stem}") for f in files]
    return sorted(found, key=lambda verb: (_place(verb.GROUP), verb.NAME))


def _place(group: str) -> tuple[int, str]:
    return (GROUPS.index(group) if group in GROUPS else len(GROUPS), group)


def stub() -> str:
    """`public.pyi`, which tells type checkers what `functions` finds."""
    homes = functions()
    lines = [f"from {homes[name]} import {name} as {name}\n" for name in sorted(homes, key=lambda n: (homes[n], n))]
    return "# Made by `make generated`.\n" + "".join(lines)
