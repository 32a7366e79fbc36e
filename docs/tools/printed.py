"""Run the commands whose output stands on a page as `check: run COMMAND`, and write what they print now.

    python docs/tools/printed.py [PAGE ...]

They run in a folder of their own in which `samples`, `configs` and `pipelines` are. See `blocks.py`.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from blocks import PAGES, ROOT, Block, blocks

LINKED = ("samples", "configs", "pipelines")
NUMBER = re.compile(r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")
TOLERANCE = 0.05  # of a number that is not whole: another processor rounds otherwise, and a training carries it on


def workplace(folder: Path) -> Path:
    """A folder in which the commands of the pages can be called."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    return folder


def called(check: str) -> tuple[list[str], set[str]]:
    """The command of a `run` or `shape`, in words, and the numbers that vary."""
    command, _, rest = re.sub(r"^(run|run slowly|shape) (?=audioft)", "", check).partition(";")
    return shlex.split(command), set(re.findall(NUMBER, rest))


def now(block: Block, folder: Path) -> str:
    """What the command of a `run` or `shape` prints now; its standard error, too, where the check says so."""
    return output(called(block.check)[0], folder, errors="standard error" in block.check)


def output(words: Sequence[str], folder: Path, errors: bool = False) -> str:
    """What `audioft VERB ...` prints when called in a folder, on a screen of 100 columns.

    Args:
        words: the command.
        folder: where it is called.
        errors: standard error, too, as it comes.
    """
    from audioft.cli import main as command

    said = io.StringIO()
    before, was = os.getcwd(), {name: os.environ.get(name) for name in ("COLUMNS", "XDG_CACHE_HOME")}
    os.chdir(folder)
    # a cache of its own: a dry run tells how long an earlier run took
    os.environ.update(COLUMNS="100", XDG_CACHE_HOME=os.path.join(os.path.abspath(folder), ".cache"))
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said if errors else io.StringIO()):
            command(words[1:])
    except SystemExit:
        pass  # --help ends so
    finally:
        os.chdir(before)
        for name, value in was.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    return said.getvalue()


def difference(shown: str, found: str, varying: set[str] = frozenset(), numbers: bool = True) -> str | None:  # type: ignore[assignment]
    """The first line that is not printed, in words; None where all are, one after the other.

    A line `...` stands for any lines. Whole numbers must be the same; others may differ by `TOLERANCE`, a twentieth of
    those over 1.

    Args:
        shown: on the page.
        found: what is printed; there may be more before, and after.
        varying: numbers as they are shown that may be any.
        numbers: whether any numbers are compared.

    >>> difference("accuracy 0.91, 32 clips", "epoch 1\\naccuracy 0.93, 32 clips")
    >>> difference("accuracy 0.91, 32 clips", "accuracy 0.91, 31 clips")
    "not printed: 'accuracy 0.91, 32 clips'"
    """
    lines = [line.rstrip() for line in found.rstrip().splitlines()]
    at = 0
    for piece in re.split(r"^\.\.\.\n", shown.rstrip() + "\n", flags=re.M):
        wanted = [line.rstrip() for line in piece.rstrip("\n").splitlines()]
        places = range(at, len(lines) - len(wanted) + 1)

        def matching(place: int, wanted: list[str] = wanted) -> int:
            pairs = zip(wanted, lines[place:], strict=False)
            return next((i for i, (a, b) in enumerate(pairs) if not _alike(a, b, varying, numbers)), len(wanted))

        if (place := next((p for p in places if matching(p) == len(wanted)), None)) is None:
            best = max((matching(p) for p in places), default=0)
            return f"not printed: {wanted[best] if wanted else ''!r}"
        at = place + len(wanted)
    return None


def _alike(shown: str, found: str, varying: set[str], numbers: bool) -> bool:
    words = [re.sub(NUMBER, "#", line).split() for line in (shown, found)]
    if not numbers:  # a number may be missing, too
        words = [["#" if w in ("–", "nan") else w for w in line] for line in words]
    if words[0] != words[1]:
        return False
    pairs = zip(re.findall(NUMBER, shown), re.findall(NUMBER, found), strict=False)
    return not numbers or all(a in varying or _near(a, b) for a, b in pairs)


def _near(shown: str, found: str) -> bool:
    if "." not in shown or "." not in found:
        return shown == found
    a, b = (float(x.replace(",", "")) for x in (shown, found))
    return abs(a - b) <= TOLERANCE * max(1.0, abs(a))


def names(text: str) -> list[str]:
    """What the lines of `audioft doctor` are called."""
    return [line[4:16].strip() for line in text.splitlines() if line[:4] in ("    ", "!   ") and line[4:5].strip()]


def main() -> None:
    pages = [Path(p).resolve() for p in sys.argv[1:]] or PAGES
    for page in pages:
        wanted = [
            b for b in blocks(page) if re.match("run (slowly )?audioft", b.check)
        ]  # a `shape` has places and versions of its own
        for block in reversed(wanted):  # from the end, so that places stay right
            with tempfile.TemporaryDirectory() as folder:
                rewrite(block, now(block, workplace(Path(folder) / "here")))


def rewrite(block: Block, text: str) -> None:
    page = block.page.read_text(encoding="utf-8")
    start, end = block.place
    lines = "".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines())
    block.page.write_text(page[:start] + lines + page[end:], encoding="utf-8")
    print(f"{block}: {len(lines.splitlines())} lines")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
