"""Passes over recordings that say how far they are: checking them, and decoding them to where they are read quickly."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from audioft.audio.audible import said_of_beginning
from audioft.audio.hearing import Heard, Hearing
from audioft.core.progress import Console
from audioft.core.runtime import Processes
from audioft.data import check as checking
from audioft.data.check import Checked
from audioft.data.clip import Clip

FEW = 5  # recordings that are listened to where all others are only asked for their headers
BEGINNING = 20.0  # seconds of each


def check(clips: Sequence[Clip], console: Console, workers: int = 1, hearing: Heard = checking.HEARS) -> list[Checked]:
    """What the checking pass finds of each clip, or has found before."""
    with console.job("checking recordings", len(clips)) as job:
        found = checking.check(
            clips,
            cache=checking.default_cache(),
            workers=max(1, workers),
            progress=lambda done, total: job.at(done),
            hearing=hearing,
        )
    for told in checking.notes(clips, found):
        console.say(f"note: {told}")
    return found


def headers(clips: Sequence[Clip], console: Console, hearing: Hearing) -> list[Checked]:
    """What the headers of recordings say; and of the beginnings of a few, how much of them is heard."""
    found = checking.headers(clips, hearing)
    usable = list(dict.fromkeys(c.path for c, k in zip(clips, found, strict=True) if k.problem is None))
    few = {path: said_of_beginning(path, hearing, BEGINNING) for path in usable[:: -(-len(usable) // FEW) or 1]}
    heard = [dataclasses.replace(k, note=k.note or few.get(c.path, "")) for c, k in zip(clips, found, strict=True)]
    for told in checking.notes(clips, heard):
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
