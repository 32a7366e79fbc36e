"""The page of an explanation: what an answer rests on, to see and to hear, in one file that needs no other."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from audioft.core.storage import write_bytes
from audioft.evaluation.page.elements import LABEL, escaped, named, section
from audioft.evaluation.page.sounds import heard, of_clips
from audioft.evaluation.page.style import document
from audioft.evaluation.text import number
from audioft.tasks.explain import picture, sounds
from audioft.tasks.explain.origin import Origin

SECONDS = 30.0  # of a stretch that can be heard


class Explained(Protocol):
    """An explanation by its face: see `Explanation` for what these are."""

    @property
    def path(self) -> str: ...
    @property
    def label(self) -> str | None: ...
    @property
    def start(self) -> float: ...
    @property
    def times(self) -> np.ndarray: ...
    @property
    def bands(self) -> np.ndarray: ...
    @property
    def evidence(self) -> np.ndarray: ...
    @property
    def against(self) -> str | None: ...
    @property
    def tried(self) -> str: ...
    @property
    def whole(self) -> float: ...
    @property
    def background(self) -> float: ...
    @property
    def method(self) -> str: ...
    @property
    def gap(self) -> float: ...
    @property
    def kept(self) -> float: ...
    @property
    def drawn(self) -> float: ...
    @property
    def silent(self) -> float: ...
    @property
    def origin(self) -> Origin | None: ...


def write(path: Path, explanation: Explained) -> None:
    """Write the page, whole or not at all; its folder is made.

    Raises:
        AudioError: the recording cannot be read any more.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, as_html(explanation).encode("utf-8", "replace"))


def as_html(own: Explained) -> str:
    """The page that `write` writes."""
    assert own.origin is not None
    samples, hearing = own.origin.samples(own.start), own.origin.hearing
    shown = picture.evidence(samples, hearing, own.times, own.bands, own.evidence, str(own))
    stretch = f"{own.times[0]:.1f} to {own.times[-1]:.1f} s"
    how = f"method: {own.method}; the score is the mean over all of {named(own.path)}"
    head = f'<h1>{named(own.path)}</h1>\n<p class="said">{escaped(own)}</p><p>{stretch}; {how}</p>'
    parts = [
        section("What it rests on", shown + _tried(own), wide=True),
        section("To hear", _heard(own, samples, hearing.rate)),
        section("It sounds like these", _near(own.origin)),
        section("How far to trust this", _checks(own)),
        section("What the model listens to", "".join(f"<p>{escaped(w)}</p>" for w in own.origin.words)),
    ]
    return document(escaped(f"Why {own.label}: {own.path}"), head, "".join(parts))


def _tried(own: Explained) -> str:
    return f"<p>Tried, with its own background in their place: {escaped(own.tried)}.</p>" if own.tried else ""


def _heard(own: Explained, samples: np.ndarray, rate: int) -> str:
    speaks_for, against = sounds.parted(samples, rate, own.evidence)
    found = []
    for title, sound in (
        ("The whole", samples),
        ("What speaks for it", speaks_for),
        ("What speaks against it", against),
    ):
        if sound is None:
            found.append(f'<h3>{title}</h3><p class="none">nothing, or little</p>')
            continue
        made = heard(sound[: round(SECONDS * rate)], rate, title)
        found.append(f'<h3>{title}</h3><div class="beside">{made.player}{made.seen}</div>')
    return "".join(found)


def _near(origin: Origin) -> str:
    if not origin.near:
        return f"<p>{escaped(origin.unknown or 'None were asked for.')}</p>"
    clips = [near.clip for near in origin.near]
    players = of_clips(clips, origin.hearing, len(clips))
    found = []
    for i, near in enumerate(origin.near):
        player = players[i].player if i in players else '<span class="none">not there any more</span>'
        label = named(", ".join(near.clip.labels), LABEL)
        found.append(f"<p>{label}, likeness {number(near.likeness)}: {named(near.clip.key)}</p>{player}")
    return f"<p>{escaped(origin.nearest)}</p>{''.join(found)}"


def _checks(own: Explained) -> str:
    beside = "" if own.against is None else f" against {own.against}"
    said = [
        f"The log-odds of the label{beside} are {own.whole:.2f}, and {own.background:.2f} where all of it is replaced "
        "by its own background; the cells above add up to the difference."
    ]
    if np.isfinite(own.kept):
        said.append(
            f"Without the fifth of the cells that speak for it most, {own.kept:.0%} of the difference is left; without "
            f"as many drawn at random, {own.drawn:.0%}."
        )
        if own.kept < 0:
            said.append("Under 0 % what is left speaks against it more than the background does.")
        if own.kept >= own.drawn:
            said.append("So this explanation fails its own check: do not build on it.")
    if own.method != "occlusion":
        said.append(f"Integrated gradients miss {own.gap:.1%} of the difference (1 % is the aim).")
    if own.silent >= 0.005:
        said.append(f"{own.silent:.0%} of what speaks for it is lost without its silent moments.")
    return "".join(f"<p>{escaped(s)}</p>" for s in said)
