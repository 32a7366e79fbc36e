"""Where an explanation's sound comes from, and what else is known of it: for its page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audioft.audio.hearing import Hearing
from audioft.audio.sounds import Sound
from audioft.data.clip import Clip
from audioft.errors import AudioError
from audioft.tasks.explain.neighbours import Near
from audioft.tasks.explain.windows import samples_at


@dataclass(frozen=True)
class Origin:
    """The stretch is read anew where it is asked for: many explanations take no more memory than their numbers.

    Attributes:
        clip: the recording.
        window: seconds of a window.
        hearing: how recordings reach the encoder.
        words: what the model listens to, sentences.
        near: the training clips that sound like it to the model, the nearest first.
        nearest: which labels the nearest have, a sentence.
        unknown: why there are none; empty where there are.
    """

    clip: Clip | Sound
    window: float
    hearing: Hearing
    words: tuple[str, ...] = ()
    near: tuple[Near, ...] = ()
    nearest: str = ""
    unknown: str = ""

    def samples(self, start: float) -> np.ndarray:
        """`(N,)` float32 at `hearing.rate` Hz of the window that begins at `start` seconds of the recording.

        Raises:
            AudioError: it cannot be read any more.
        """
        found = samples_at(self.hearing, self.window, self.clip, start - begins(self.clip))
        if found is None:
            raise AudioError(self.clip.path, "decode", f"nothing can be read at {start:.1f} s any more")
        return found


def begins(clip: Clip | Sound) -> float:
    """Where it begins in its recording, seconds."""
    return clip.start if isinstance(clip, Clip) else 0.0


def key(clip: Clip | Sound) -> str:
    """What names it among others."""
    return clip.key if isinstance(clip, Clip) else clip.name
