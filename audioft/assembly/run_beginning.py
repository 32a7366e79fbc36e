"""How a run gets its folder; one that comes to nothing leaves it as it was."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from audioft.assembly.run_folder import begun, refuse
from audioft.assembly.run_places import BAD_FILES, ROUNDS, own
from audioft.configuration import config as configs
from audioft.configuration.config import AnyConfig
from audioft.core import set_aside
from audioft.core.folder_lock import LOCK
from audioft.core.places import no_empty_folders
from audioft.core.storage import write_text
from audioft.errors import UsageError

ENCODER_FILES = (
    *("config.json", "model.safetensors", "preprocessor_config.json", "encoder.json", "README.md"),
    *("heard.csv", "pretraining.png"),
)


def prepare(folder: Path, config: AnyConfig, *, resume: bool, overwrite: bool, encoder: Path | None = None) -> None:
    """Make the run folder ready for a run with `config`; what is to be replaced is set aside, see `beginning`.

    Args:
        folder: the run folder.
        config: of the run.
        resume: whether it goes on with the run there is.
        overwrite: whether it replaces the run there is.
        encoder: of a pretraining, the folder of the encoder that it ends with.

    Raises:
        UsageError, CheckpointError: as of `run_folder.refuse`; or the file system refuses.
    """
    refuse(folder, config, resume=resume, overwrite=overwrite)
    if resume:
        return
    if overwrite and folder.is_dir():
        above = [] if encoder is None else [encoder / name for name in ENCODER_FILES]
        set_aside.set_aside(set_aside.folder_of(folder), [*own(folder), *above])
    _clear(folder)
    try:
        (folder / "checkpoints").mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise UsageError(f"{folder} cannot be made: {e.strerror}; give another --out") from e
    write_text(folder / "config.yaml", configs.save(config))


def going_on(folder: Path) -> None:
    """Put back the run that a killed one was to replace, where that had come to nothing."""
    set_aside.put_back(set_aside.folder_of(folder))


def worth_keeping(folder: Path) -> None:
    """A run has come to something: what it replaces is removed."""
    set_aside.let_go(set_aside.folder_of(folder))


@contextlib.contextmanager
def beginning(folder: Path, *, new: bool) -> Iterator[None]:
    """A new run that fails before its first step leaves nothing of itself but the table of bad recordings, if any.

    One that was interrupted stays, as it can be gone on with; and so does all that is no run's. One that was to replace
    another does not stay where it has come to nothing, see `worth_keeping`: the other one is put back.
    """
    if not new:
        yield
        return
    aside = set_aside.folder_of(folder)
    with no_empty_folders(folder):
        try:
            yield
        except BaseException as e:
            measured = [*folder.glob("metrics.jsonl"), *folder.glob(f"{ROUNDS}/metrics.jsonl")]
            if aside.is_dir() or (not begun(folder) and isinstance(e, Exception) and not measured):
                _forget(folder, replaced=aside.is_dir())
                if set_aside.put_back(aside, but=[folder / BAD_FILES]):
                    e.add_note(f"{folder} holds the run that it held before")
            raise
        finally:
            worth_keeping(folder)


def _clear(folder: Path, but: str | None = None) -> None:
    """Take away all that a run writes into its folder, `but` a file."""
    for place in own(folder):
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        elif place.name != but:
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)


def _forget(folder: Path, *, replaced: bool) -> None:
    """Take away what `prepare` and the preparations of a run have made; unless nothing was, and something else is."""
    known = {place.name for place in own(folder)} | {LOCK, set_aside.folder_of(folder).name}
    others = {p.name for p in folder.iterdir()} - known
    if not replaced and (others or not (folder / "config.yaml").is_file()):
        return
    bad = folder / BAD_FILES
    needed = bad.is_file() and len(bad.read_bytes().splitlines()) > 1  # the message that follows refers to it
    _clear(folder, but=BAD_FILES if needed else None)
