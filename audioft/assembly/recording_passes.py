"""Passes over recordings that say how far they are: checking them, and decoding them to where they are read quickly."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from audioft.core.progress import Console
from audioft.core.runtime import Processes
from audioft.data import check as checking
from audioft.data.check import Checked
from audioft.data.clip import Clip


def check(clips: Sequence[Clip], console: Console, workers: int = 1) -> list[Checked]:
    """What the checking pass finds of each clip, or has found before."""
    with console.job("checking recordings", len(clips)) as job:
        found = checking.check(
            clips,
            cache=checking.default_cache(),
            workers=max(1, workers),
            progress=lambda done, total: job.at(done),
        )
    for told in checking.notes(clips, found):
        console.say(f"note: {told}")
    return found


def decode_once(
    decode: Callable[[Callable[[int], None]], list[Clip]], count: int, what: str, processes: Processes, console: Console
) -> list[Clip]:
    """Clips in files that the first process makes and the others find there.

    Args:
        decode: makes the files that are missing and returns the clips in them; it is told how to say how far it is.
        count: of the clips.
        what: is done, for the progress bar.
        processes: all that need the clips.
        console: where progress goes.
    """
    if processes.main:
        with console.job(what, count) as job:
            clips = decode(job.at)
    processes.wait()
    return clips if processes.main else decode(lambda done: None)
