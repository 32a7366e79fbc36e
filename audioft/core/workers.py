"""Worker processes that do not run the caller's script once more.

Where processes are not forked (macOS, Windows, Linux from Python 3.14 on) each begins with an empty interpreter, and
multiprocessing has it run the script that started it again. Of a script without a guard that is the whole training.
"""

from __future__ import annotations

import ast
import contextlib
import multiprocessing
import pickle
import sys
import types
from collections.abc import Iterator
from typing import Any

from audioft.errors import UsageError


@contextlib.contextmanager
def started(given: Any) -> Iterator[None]:
    """Start worker processes inside, in whatever way is set.

    Args:
        given: what they are given. Only where something of it is defined in the script itself do they run that, too.

    Raises:
        UsageError: they would have to, and the script has no guard, or there is none, as in a notebook.
    """
    if multiprocessing.get_start_method() == "fork":
        yield
        return
    main = sys.modules["__main__"]
    needed = _needed(given)
    if needed is not None:
        _need_guard(main, needed)
    try:
        if needed is None:
            sys.modules["__main__"] = types.ModuleType("__main__")
        yield
    finally:
        sys.modules["__main__"] = main


def refuse(given: Any) -> None:
    """Say early that worker processes could not be given something, see `started`."""
    if multiprocessing.get_start_method() != "fork" and (needed := _needed(given)) is not None:
        _need_guard(sys.modules["__main__"], needed)


def _needed(given: Any) -> str | None:
    """What of the script a process needs; None where nothing."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        return _refused(given)
    finally:
        sys.modules["__main__"] = main


def _refused(given: Any) -> str | None:
    """Why something cannot be given to a process that knows nothing of the script; None where it can."""
    try:
        pickle.Pickler(_Nowhere(), pickle.HIGHEST_PROTOCOL).dump(given)
    except (pickle.PicklingError, AttributeError, TypeError) as e:
        return str(e)
    return None


class _Nowhere:
    def write(self, data: Any) -> int:
        return len(data)


def _need_guard(main: types.ModuleType, needed: str) -> None:
    path = getattr(main, "__file__", None)
    how = multiprocessing.get_start_method()
    if path is None:
        raise UsageError(
            f"worker processes begin anew here ({how}) and do not know what is defined in a notebook or at a prompt "
            f"({needed}): define it in a module of its own and import that, or set data.workers=0"
        )
    if not has_guard(path):
        raise UsageError(
            f"worker processes begin anew here ({how}) and would run {path} again for what it defines ({needed}): "
            'write `if __name__ == "__main__":` above the lines that start the work and indent them below it, or set '
            "data.workers=0"
        )


def has_guard(path: str) -> bool:
    """Whether a script tells being run from being imported; True where it cannot be read."""
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return True
    tests = [node.test for node in tree.body if isinstance(node, ast.If)]
    return any(isinstance(n, ast.Name) and n.id == "__name__" for test in tests for n in ast.walk(test))
