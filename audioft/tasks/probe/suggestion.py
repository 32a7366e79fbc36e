"""Which encoder to train, and how much of it, by rules on what its probes say.

**The encoder.** The one that scores highest; or, if others are as good as far as can be told, the cheapest of those
whose score lies within the 95 % interval of the highest. Cheap is what takes few seconds a minute of sound; where that
was not measured of all of them, what has few parameters.

**The layers.** The last layer is *clearly worse* than the chosen one if it scores less and neither score lies within
the interval of the other. What was learnt above the chosen layer then serves another purpose than this one.

**The freezing** is what `freeze=auto` would make of so many clips to learn from: `all` of fewer than 1,000, else
`feature_extractor`, which trains all layers up to the chosen one.

What is suggested is what was measured, so that a run begins with the figure that the probe has told: the chosen layer,
with which the encoder ends (`model.layers=N`), the pooling, and a linear head, which begins as the probe.
Where the last layer is clearly worse than the chosen one, that is said.

Where log-mel spectra are not clearly worse than what is suggested, that is said.

The intervals of two encoders or layers are of the same clips, so that figures within an interval may yet differ; the
rules then take what is cheaper or simpler.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from audioft.assembly.recipe import FEW
from audioft.evaluation.intervals import Estimate
from audioft.tasks.probe.comparison_table import Row


@dataclass(frozen=True)
class Suggestion:
    """What to train.

    Attributes:
        encoder: its name as it was given.
        settings: `section.key=value` strings for `audioft train`.
        why: sentences.
    """

    encoder: str
    settings: tuple[str, ...]
    why: tuple[str, ...]

    def command(self, source: str, overrides: Sequence[str] = ()) -> str:
        """The call that follows it.

        >>> Suggestion("mini", ("freeze=all",), ()).command("my recordings", ["data.keep=[a, b]"])
        "audioft train 'my recordings' --encoder mini freeze=all 'data.keep=[a, b]'"
        """
        return shlex.join(["audioft", "train", source, "--encoder", self.encoder, *self.settings, *overrides])


def suggest(rows: Sequence[Row], floor: Estimate | None, clips: int) -> Suggestion | None:
    """Follow the rules above.

    Args:
        rows: the encoders, those that failed among them.
        floor: what the same classifier reaches on log-mel spectra.
        clips: how many there are to learn from.

    Returns:
        None if there is no encoder to suggest.
    """
    good = [r for r in rows if r.layers]
    if not good:
        return None
    chosen, why = _encoder(good)
    settings, reasons = _policy(chosen, clips)
    why += reasons
    if floor is not None and not floor.clearly_below(chosen.top):
        why.append(
            f"Beware: it is not clearly better than a log-mel spectrum ({floor.value:.3f}); try an encoder that was "
            "pretrained on sounds like these."
        )
    return Suggestion(chosen.name, settings, tuple(why))


def _encoder(good: Sequence[Row]) -> tuple[Row, list[str]]:
    best = max(good, key=lambda r: r.top.value)
    near = [r for r in good if r.top.value >= best.top.least]
    timed = all(r.seconds_per_minute is not None for r in near)
    chosen = min(near, key=lambda r: (r.seconds_per_minute if timed else r.parameters, -r.top.value))
    found = f"{chosen.top.value:.3f} at layer {chosen.layer} of {chosen.last}"
    if chosen is best:
        return best, [
            f"Take {best.name}: the best of {len(good)}, {found}." if len(good) > 1 else f"{best.name}: {found}."
        ]
    cost = (
        f"{chosen.seconds_per_minute:.2f} s a minute of sound instead of {best.seconds_per_minute:.2f}"
        if timed
        else f"{chosen.parameters:,} parameters instead of {best.parameters:,}"
    )
    return chosen, [
        f"Take {chosen.name}: {found}, within the interval of the best, {best.name} ({best.top.value:.3f}, from "
        f"{best.top.least:.3f}), for {cost}."
    ]


def _settings(row: Row, freeze: str) -> tuple[str, ...]:
    """All settings that a suggestion is made of, but those of the data."""
    measured = (f"model.layers={row.layer}", f"model.pooling={row.pooling}")
    return (f"freeze={freeze}", *measured, "model.head=linear")


def _policy(row: Row, clips: int) -> tuple[tuple[str, ...], list[str]]:
    last, own = row.layers[-1], row.layers[row.layer]
    if clips < FEW:
        return _settings(row, "all"), [
            f"It learns from fewer than {FEW:,} clips: leave the encoder as it is, up to layer {row.layer}."
        ]
    where = "its last one" if row.layer == row.last else f"layer {row.layer}"
    worse = f" Its last layer is clearly worse ({last.value:.3f})." if last.clearly_below(own) else ""
    return _settings(row, "feature_extractor"), [
        f"There are {clips:,} clips to learn from: train all layers up to {where}, convolutions frozen, from the probe "
        f"on.{worse}"
    ]
