"""The rows: which promise, and how often it is tried, at length and in short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torture import folders, hostile, kills, network, originals, readers, recordings, sameness, saves, tables
from torture.outcome import Outcome
from torture.runs import Bench


@dataclass(frozen=True)
class Row:
    """A promise.

    Attributes:
        number: in the table.
        promise: in words.
        try_it: a function of a folder.
        long, short: its other arguments, which say how often.
    """

    number: int
    promise: str
    try_it: Callable[..., Outcome]
    long: dict[str, Any] = field(default_factory=dict)
    short: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.try_it.__name__


def no_code(place: Path) -> Outcome:
    """Row 8, with a model made for it."""
    run = Bench(place / "made", 3).train(place / "made" / "run", train__epochs=1)
    return hostile.no_code(place, run.model)


ROWS = (
    Row(
        1,
        "killed at any moment, `--resume` gives the very same run",
        kills.killed_and_resumed,
        {"kills": 100, "inside": 40},
        {"kills": 6, "inside": 3},
    ),
    Row(2, "a save is whole or not there", saves.torn, {}, {"every": 5}),
    Row(
        3,
        "a full disk loses nothing",
        saves.full,
        {"fills": (600_000, 700_000, 750_000, 800_000)},
        {"fills": (750_000,)},
    ),
    Row(
        4,
        "a damaged checkpoint or cache is seen",
        saves.damaged,
        {"cuts": 100, "flips": 1000},
        {"cuts": 10, "flips": 40},
    ),
    Row(5, "the same seed gives the same run", sameness.same_seed, {"times": 4}, {"times": 1}),
    Row(6, "no recording can kill or hang it", recordings.broken, {"files": 10_000}, {"files": 200}),
    Row(6, "none is ended early", originals.compared),
    Row(6, "nor can a decoder that crashes or hangs", recordings.lost_decoders),
    Row(7, "a small file cannot fill the memory", recordings.huge, {"hours": 20}, {"hours": 1}),
    Row(8, "a model folder cannot run code", no_code),
    Row(9, "no way out of the folder", hostile.no_way_out),
    Row(9, "nor can tables and settings crash it", readers.fuzzed, {"cases": 20_000}, {"cases": 1000}),
    Row(10, "two runs cannot share a folder", folders.shared, {"times": 30}, {"times": 2}),
    Row(11, "a bad number is seen", sameness.bad_numbers, {"steps": tuple(range(8))}, {"steps": (0, 5)}),
    Row(12, "stopping is safe", kills.stopped, {"times": 40}, {"times": 4}),
    Row(13, "nothing calls home", network.calls_home, {}, {"every": 4}),
    Row(14, "labels stay with their numbers", folders.labels_stay, {"times": 20}, {"times": 2}),
    Row(
        15,
        "long evaluation does not grow",
        sameness.long_evaluation,
        {"few": 1000, "many": 50_000},
        {"few": 1000, "many": 4000},
    ),
    Row(16, "output tables are whole", tables.killed, {"kills": 50}, {"kills": 6, "files": 30}),
)
