"""How a frozen encoder goes over labelled clips, where it is looked at and not trained; and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audioft.configuration.config import Config
from audioft.core.progress import Console
from audioft.core.runtime import find_device
from audioft.core.wording import counted
from audioft.errors import UsageError


@dataclass(frozen=True)
class FrozenPass:
    """How a frozen encoder goes over clips.

    Attributes:
        device: `auto`, `cpu`, `cuda`.
        batch_seconds: sound that goes through at once; None for what suits the device.
        store: where features are kept and looked for; None keeps none.
    """

    device: str = "auto"
    batch_seconds: float | None = None
    store: Path | None = None

    def check(self, config: Config, what: str) -> None:
        """Raise a UsageError where there are no clips to go over, as `what` is of them, or there is no such device."""
        if config.events.use == "frames":
            raise UsageError(f"{what}; events.use=frames labels frames: leave it out, or take clips")
        find_device(self.device)


def ordered(device: str, batch_seconds: float | None, cache: bool) -> FrozenPass:
    """The pass that a user asks for, with the usual store if features may be kept."""
    from audioft.evaluation.embedding_store import default_store

    return FrozenPass(device, batch_seconds, default_store() if cache else None)


def say_kept(console: Console, clips: int, reused: int, unkept: str | None, of: str = "") -> None:
    """Say how many embeddings were used again, after the encoder's name in `of`; and why new ones are not kept."""
    if unkept:
        console.say(f"note: the embeddings are not kept: {unkept}")
    if reused:
        console.say(f"{of}embeddings of {reused} of {counted(clips, 'clip')} were kept and are used again")
