"""Sound within a page: players that need no other file, and small pictures of what they play."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from audioft.audio import io, isolated_decoder
from audioft.audio.hearing import Hearing
from audioft.audio.recording import encoded
from audioft.audio.windows import joined
from audioft.data.clip import Clip
from audioft.data.dataset import beginning
from audioft.errors import AudioError
from audioft.evaluation.page import spectrogram
from audioft.evaluation.page.elements import data, escaped

SECONDS = 10.0  # of a clip that can be heard, from its beginning
BYTES = 20_000_000  # of a page that may be sound
_AT_ONCE = 50  # clips that are read together: those of one recording in one pass
BITS = 12  # of a sample that are kept, counted from the loudest: what lies 66 dB below it is not heard


@dataclasses.dataclass(frozen=True, slots=True)
class Heard:
    """What a page has of a clip.

    Attributes:
        player: `<audio>`; empty where there is none.
        seen: `<img>` of its spectrogram; likewise.
        size: bytes of the page that they take.
    """

    player: str
    seen: str

    @property
    def size(self) -> int:
        return len(self.player) + len(self.seen)


def heard(samples: np.ndarray, rate: int, name: str) -> Heard:
    """A player and a picture of `(T,)` samples at `rate` Hz; `name` is what they are called for who cannot see them."""
    told = escaped(f"{name}, {len(samples) / rate:.1f} s")
    player = f'<audio controls preload="none" aria-label="{told}" src="{data("audio/flac", compact(samples, rate))}">'
    picture = data("image/png", spectrogram.picture(samples, rate))
    size = f'width="{spectrogram.WIDE}" height="{spectrogram.HIGH}"'
    return Heard(
        f"{player}</audio>",
        f'<img class="seen" {size} alt="spectrogram of {told}, up to {rate / 2000:g} kHz" src="{picture}">',
    )


def compact(samples: np.ndarray, rate: int) -> bytes:
    """FLAC of the samples with as many bits each as are heard."""
    whole = np.round(np.clip(np.nan_to_num(samples), -1, 1) * 32767).astype(np.int32)
    loudest = int(np.abs(whole).max(initial=0))
    step = 1 << max(0, loudest.bit_length() - (BITS - 1))
    kept = np.clip(np.round(whole / step) * step, -32768, 32767).astype(np.int16)
    return encoded(kept, rate, "FLAC", "PCM_16")


def of_clips(
    clips: Sequence[Clip], how: Hearing, most: int, room: int = BYTES, told: Callable[[int], None] = lambda done: None
) -> dict[int, Heard]:
    """Players of the first clips, as many as there is room for.

    Args:
        clips: those that matter most first.
        how: the model hears them; so do the players, slowly where it does.
        most: players at most.
        room: characters of the page that they may take together.
        told: how many clips have been read.

    Returns:
        Players by position; clips that cannot be read any more have none.
    """
    found: dict[int, Heard] = {}
    chosen = list(enumerate(clips[:most]))
    for at in range(0, len(chosen), _AT_ONCE):
        part = chosen[at : at + _AT_ONCE]
        samples = _read([clip for _, clip in part], how)
        for (i, clip), one in zip(part, samples, strict=True):
            if one is None:
                continue
            made = heard(one, how.rate, clip.key)
            if made.size > room:
                return found
            found[i] = made
            room -= made.size
        told(at + len(part))
    return found


def of_file(path: str | Path, rate: int = 16000) -> Heard | None:
    """The beginning of a recording, as a decoder apart reads it; None where there is none."""
    held: list[np.ndarray] = []
    try:
        for block in isolated_decoder.stream(path, rate, block_seconds=1.0):
            held.append(block)
            if sum(map(len, held)) >= SECONDS * rate:
                break
    except AudioError:
        pass  # what came before it is heard
    samples = joined(held)[: round(SECONDS * rate)]
    return heard(samples, rate, str(path)) if len(samples) else None


def _read(clips: Sequence[Clip], how: Hearing) -> list[np.ndarray | None]:
    """The beginnings of clips, `(T,)` each; None of what cannot be read."""
    out: list[np.ndarray | None] = [None] * len(clips)
    files: dict[Path, list[int]] = {}
    for i, clip in enumerate(clips):
        files.setdefault(clip.path, []).append(i)
    for path, own in files.items():
        try:
            if len(own) > 1 and not io.seeks(io.probe(path)):
                _in_one_pass(path, [(i, clips[i]) for i in own], how, out)
                continue
        except AudioError:
            continue
        for i in own:
            out[i] = _beginning(clips[i], how)
    return out


def _beginning(clip: Clip, how: Hearing) -> np.ndarray | None:
    try:
        return beginning(clip, how, SECONDS / how.expansion)
    except AudioError:
        return None


def _in_one_pass(path: Path, own: Sequence[tuple[int, Clip]], how: Hearing, out: list[np.ndarray | None]) -> None:
    """Cuts of a recording that cannot be sought in, which each would be decoded from its beginning otherwise."""
    rate, most = how.per_second, SECONDS / how.expansion
    spans = {i: (c.start, min(c.start + most, c.end or c.start + most)) for i, c in own}
    held: dict[int, list[np.ndarray]] = {i: [] for i in spans}
    at = 0
    try:
        for block in io.stream(path, how, block_seconds=10.0):
            for i, (start, end) in spans.items():
                part = block[max(0, round(start * rate) - at) : max(0, round(end * rate) - at)]
                if len(part):
                    held[i].append(part)
            at += len(block)
            if at >= rate * max(end for _, end in spans.values()):
                break
    except AudioError:
        pass  # what came before it is heard
    for i, parts in held.items():
        if parts:
            out[i] = joined(parts)
