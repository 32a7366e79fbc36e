"""A spectrogram with the evidence over it, as a picture of the page."""

from __future__ import annotations

import numpy as np

from audioft.audio.hearing import Hearing
from audioft.evaluation.page.elements import data, escaped
from audioft.evaluation.page.spectrogram import FFT, RANGE_DB, png
from audioft.tasks.explain.stft import hertz, mel

WIDE, HIGH = 720, 240  # pixels of the spectrogram
LEFT, BELOW = 44, 22  # of the axes
FULL = 0.72  # how opaque the strongest cell is
FAINT = 0.04  # of the strongest: what is weaker is not drawn
STYLE = "<style>.aft svg.evidence { display: block; width: 100%; min-width: 560px; height: auto; } " \
    "@media (prefers-color-scheme: dark) { .aft svg.evidence image { filter: invert(1); } }</style>"  # fmt: skip


def evidence(
    samples: np.ndarray, hearing: Hearing, times: np.ndarray, bands: np.ndarray, values: np.ndarray, told: str
) -> str:
    """SVG: time across, pitch in mel upward, cells that speak for the label in one colour and against it in another.

    Args:
        samples: `(N,)` at `hearing.rate` Hz.
        hearing: how recordings reach the encoder.
        times, bands: borders `(T + 1,)` in seconds and `(B + 1,)` in Hz, of the recording.
        values: `(T, B)`.
        told: what it shows, for who cannot see it.
    """
    picture = data("image/png", png(_shades(samples, hearing.rate), _greys()))
    low, per = hearing.range[0], hearing.expansion
    across = LEFT + WIDE * (times - times[0]) / (times[-1] - times[0])
    highest = float(mel(hearing.rate / 2))
    upward = HIGH * (1 - mel((bands - low) / per) / highest)
    strongest = np.abs(values).max() or 1.0
    cells = []
    for (t, b), value in np.ndenumerate(values):
        if abs(value) < FAINT * strongest:
            continue
        colour, share = ("right" if value > 0 else "wrong"), abs(value) / strongest
        said = f"{times[t]:.2f}-{times[t + 1]:.2f} s, {bands[b]:.0f}-{bands[b + 1]:.0f} Hz: {value:+.2f}"
        cells.append(
            f'<rect x="{across[t]:.1f}" y="{upward[b + 1]:.1f}" width="{across[t + 1] - across[t]:.1f}" '
            f'height="{upward[b] - upward[b + 1]:.1f}" fill="var(--{colour})" fill-opacity="{FULL * share:.2f}">'
            f"<title>{said}</title></rect>"
        )
    every = max(1, len(times) // 7)
    seconds = [f'<text x="{x:.0f}" y="{HIGH + 15}" font-size="12" text-anchor="middle">{t:.1f}</text>'
               for t, x in zip(times[::every], across[::every], strict=True)]  # fmt: skip
    marks = low + per * hertz(np.linspace(0, highest, 6))
    pitches = [f'<text x="{LEFT - 5}" y="{max(10, HIGH * (1 - i / 5) + 4):.0f}" font-size="12" text-anchor="end">'
               f"{f / 1000:.2g}</text>" for i, f in enumerate(marks)]  # fmt: skip
    return (
        f'{STYLE}<div class="scroll" tabindex="0" role="region" aria-label="a picture that scrolls">'
        f'<svg class="evidence" viewBox="0 0 {LEFT + WIDE + 14} {HIGH + BELOW}" style="max-width:{LEFT + WIDE + 14}px" '
        f'role="img" aria-label="{escaped(told)}">\n<image x="{LEFT}" y="0" width="{WIDE}" height="{HIGH}" '
        f'preserveAspectRatio="none" href="{picture}"/>\n' + "\n".join([*cells, *seconds, *pitches]) + "\n</svg></div>"
        "<p>Time in s, pitch in kHz. Blue speaks for the label, red against it.</p>"
    )


def _shades(samples: np.ndarray, rate: int) -> np.ndarray:
    """`(HIGH, WIDE)` uint8, power in dB below the loudest; the highest pitch on top."""
    padded = np.pad(np.nan_to_num(samples), (0, max(0, FFT - len(samples))))
    starts = np.linspace(0, len(padded) - FFT, WIDE).astype(int)
    frames = padded[starts[:, None] + np.arange(FFT)] * np.hanning(FFT)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    pitch = hertz((np.arange(HIGH) + 0.5) / HIGH * float(mel(rate / 2)))
    level = 10 * np.log10(power[:, np.clip(np.round(pitch * FFT / rate), 1, FFT // 2).astype(int)] + 1e-10)
    return np.clip(255 * (1 + (level - level.max()) / RANGE_DB), 0, 255).astype(np.uint8).T[::-1]


def _greys() -> np.ndarray:
    """`(256, 3)` uint8: the loudest dark, as ink on paper."""
    return np.repeat(np.arange(255, -1, -1, dtype=np.uint8)[:, None], 3, axis=1)
