"""Recordings one after another: what it takes is told, each is explained, and its page is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audioft.audio.sounds import Sound
from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.data.clip import Clip
from audioft.inference.predictor import Predictor
from audioft.tasks.explain import explaining, foretelling, pages
from audioft.tasks.explain.explanation import Explanation
from audioft.tasks.explain.neighbours import Neighbours, known
from audioft.tasks.explain.origin import key


@dataclass(frozen=True)
class Written:
    """Where pages go; arguments as of `audioft.explain`."""

    out: PathLike | None = None
    resume: bool = False
    overwrite: bool = False
    cache: bool = True


def explained(
    predictor: Predictor,
    clips: Sequence[Clip | Sound],
    asked: explaining.Asked,
    written: Written,
    console: Console,
) -> Iterator[Explanation]:
    """Explanations of those that have no page yet, each once its page is there."""
    with pages.opened(written.out, resume=written.resume, overwrite=written.overwrite) as folder:
        clips = [clip for clip in clips if key(clip) not in folder.done]
        if not clips:
            return
        near = known(predictor, console, written.cache) if asked.neighbours else Neighbours()
        console.say(foretelling.told(predictor, clips, asked))
        for one in explaining.explained(predictor, clips, asked, near, console):
            folder.add(one)
            yield one
