"""How far it is with recordings that are listened to: a bar in seconds of sound."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from audioft.audio import remarks
from audioft.core.progress import Console, Progress
from audioft.data.check import headers
from audioft.data.clip import Clip
from audioft.errors import Problem, grouped


@contextlib.contextmanager
def listening(console: Console, what: str, clips: Sequence[Clip], checked: bool = False) -> Iterator[Progress]:
    """A bar as long as `clips` together, for the block that goes through them.

    Args:
        console: where it is shown.
        what: is done with the clips.
        clips: their lengths are those of their headers, which are not read where nothing is shown.

        checked: they have been through the checking pass, which has told what is to be said of them.

    Yields:
        What is to be told how many seconds have been heard.
    """
    names = {str(clip.path): clip.name for clip in clips}
    remarks.taken(names)  # what an earlier call has left
    total = 0.0 if console.quiet else sum(c.seconds for c in headers(clips))
    with console.job(what, round(total), unit=" s of sound") as job:
        yield lambda heard: job.at(round(heard))
    said = remarks.taken(names)
    for told in grouped(Problem(names[p.place], p.said) for p in said if not checked):
        console.say(f"note: {told}")
