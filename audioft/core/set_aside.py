"""What is to be replaced is set aside until what replaces it is worth keeping; what comes to nothing gives it back.

It lies in a hidden folder. While that is there, nothing that is worth keeping has come: a program that was killed
leaves it, and the next one gives it back.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from audioft.core.storage import read_json, write_json
from audioft.errors import AudioftError, UsageError

PLACES = "places.json"  # where each of 0, 1, ... was, relative to the folder it is set aside in


def folder_of(result: Path) -> Path:
    """Where what a file or folder of results held is set aside: in the folder, or beside the file.

    >>> folder_of(Path("labels.csv")).name
    '.labels.csv.replaced'
    """
    return result / ".replaced" if result.is_dir() else result.with_name(f".{result.name}.replaced")


def set_aside(aside: Path, places: Iterable[Path]) -> None:
    """Move files and folders into `aside`; those that are not there are left out.

    Raises:
        UsageError: the file system refuses; all is where it was then.
    """
    there = [_at(place) for place in places if os.path.lexists(place)]
    if not there:
        return
    try:
        aside.mkdir()
        write_json(aside / PLACES, [os.path.relpath(place, os.path.realpath(aside)) for place in there])
        for number, place in enumerate(there):
            shutil.move(place, aside / str(number))
    except OSError as e:
        put_back(aside)
        raise UsageError(f"{aside.parent}: what is there cannot be replaced: {e.strerror}; give another --out") from e


def put_back(aside: Path, but: Collection[Path] = ()) -> bool:
    """Put what was set aside where it was, in place of what is there; whether there was anything.

    Args:
        aside: the folder of `set_aside`; need not be there.
        but: places where what has come in the meantime stays.
    """
    shutil.rmtree(_gone(aside), ignore_errors=True)
    if not aside.is_dir():
        return False
    kept, found = {_at(place) for place in but if place.exists()}, False
    with contextlib.suppress(AudioftError):  # without the list nothing was moved
        for number, name in enumerate(read_json(aside / PLACES, AudioftError)):
            place = _at(aside / name)
            if os.path.lexists(aside / str(number)) and place not in kept:
                _remove(Path(place))
                shutil.move(aside / str(number), place)
                found = True
    shutil.rmtree(aside, ignore_errors=True)
    return found


@contextlib.contextmanager
def replacing(folder: Path, names: Sequence[str]) -> Iterator[None]:
    """Write results of a folder in the block: all of them stay, or those that were there before.

    Args:
        folder: is there.
        names: of all that may be written.

    Raises:
        UsageError: the file system refuses to move what is there.
    """
    aside, places = folder_of(folder), [folder / name for name in names]
    set_aside(aside, places)
    try:
        yield
    except BaseException:
        for place in places:
            _remove(place)
        put_back(aside)
        raise
    let_go(aside)


def let_go(aside: Path) -> None:
    """Remove what was set aside, which a program that is killed meanwhile does not put back in part."""
    if aside.is_dir():
        os.replace(aside, _gone(aside))
    shutil.rmtree(_gone(aside), ignore_errors=True)


def _gone(aside: Path) -> Path:
    return aside.with_name(f"{aside.name}-gone")


def _at(place: Path) -> str:
    """Where it is, a link itself and not what it leads to."""
    return os.path.join(os.path.realpath(place.parent), place.name)


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
