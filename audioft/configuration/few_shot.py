"""What makes a config one of few examples, and which settings then have nothing to act on."""

from __future__ import annotations

from os import PathLike
from typing import Any

from audioft.configuration import config as configs
from audioft.configuration.config import Config

HEAD = "prototype"
_APPLY = ("data", "events", "start", "model", "evaluate")  # sections
_APPLY_TOO = ("seed", "freeze", "encoder.name", "encoder.revision", "train.device", "train.tensorboard")


def wanted(config: Config) -> bool:
    """Whether prototypes are fitted instead of anything being trained: the head says it."""
    head: Any = config.model.head
    return (head if isinstance(head, str) else head.get("name")) == HEAD


def pairs(base: str | PathLike[str] | Config | None) -> list[tuple[str, Any]]:
    """What `--few-shot` sets on top of a config: the head, unless the config has it with settings of its own."""
    head = [] if base is not None and wanted(configs.load(base)) else [("model.head", HEAD)]
    return [*head, ("freeze", "all")]


def problems(config: Config) -> list[str]:
    """What does not go together with prototypes, as sentences that begin with the key; nothing where there are none."""
    if not wanted(config):
        return []
    found = [
        f"{key}: {configs.spell(value)} has nothing to act on, {nothing()}; leave it out"
        for key, value in configs.differing(config).items()
        if key.split(".")[0] not in _APPLY and key not in _APPLY_TOO
    ]
    if config.freeze != "all":
        found.append(
            f"freeze: {configs.spell(config.freeze)}, but {nothing()}: add --few-shot, or freeze=all in a config"
        )
    if config.start.extend:
        found.append(
            "start.extend: prototypes are fitted to the clips that are given; give clips of the old labels too"
        )
    if config.events.use == "frames":
        found.append("events.use: frames need a head that is trained; leave it out, or take clips")
    return found


def nothing() -> str:
    """Why a setting has nothing to act on."""
    return f"the head {HEAD!r} is fitted in one pass and nothing is trained"
