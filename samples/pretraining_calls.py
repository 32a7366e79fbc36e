"""Voices of animals and people for pretraining: a larynx, a throat and some breath, told by ranges to draw from.

Every call is a row of `CALLS`. `voiced` makes one of it: harmonics over a pitch contour, or noise, through up to four
formants that may glide, with trills, roughness and subharmonics. A clip draws who calls once, and each call around it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mixing import RATE, band, fade, frames, noise, to_rms
from numpy.random import Generator
from scipy.signal import lfilter

Range = tuple[float, float]


@dataclass(frozen=True)
class Call:
    """Ranges of one kind of call: seconds, Hz, and the shares of things.

    `shape` names pitch contours to choose from; `bend` is how far they go, in octaves. `mouth` is the first formant in
    Hz (0 for none). `trill` is the rate of a modulation in Hz and `depth` how deep it goes.
    """

    length: Range
    pitch: Range
    shape: str = "arch"
    bend: Range = (0.1, 0.8)
    falloff: Range = (0.5, 1.5)
    mouth: Range = (500, 1200)
    air: Range = (0.0, 0.4)
    rough: Range = (0.0, 0.3)
    trill: Range = (5, 30)
    depth: Range = (0.0, 0.0)
    gap: Range = (0.05, 1.5)
    many: Range = (1, 8)


CALLS: dict[str, Call] = {
    "bark": Call((0.08, 0.35), (150, 900), "arch fall", (0.2, 1.0), mouth=(450, 1300), rough=(0.2, 0.9)),
    "growl": Call((0.6, 2.5), (35, 110), "flat wander", falloff=(0.3, 0.9), mouth=(300, 800), rough=(0.4, 1.0)),
    "howl": Call((1.0, 3.5), (250, 700), "arch rise", (0.3, 1.0), (1.0, 2.5), (400, 900), many=(1, 3)),
    "mew": Call((0.3, 1.2), (350, 900), "arch fall", (0.2, 0.8), (0.7, 1.5), (700, 1500), gap=(0.3, 2.0), many=(1, 5)),
    "purr": Call((1.0, 3.0), (20, 32), "flat", (0.0, 0.1), (0.2, 0.8), (200, 700), (0.5, 1.5), many=(1, 4)),
    "crow_bird": Call((0.15, 0.5), (250, 700), "arch flat", (0.1, 0.4), (0.1, 0.7), (1000, 1900), rough=(0.4, 1.0)),
    "rooster": Call((0.8, 2.2), (350, 750), "crow", (0.5, 1.2), (0.3, 1.0), (800, 1600), gap=(0.8, 3.0), many=(1, 3)),
    "hen": Call((0.05, 0.3), (250, 600), "fall arch rise", (0.2, 1.0), (0.4, 1.2), (700, 1400), many=(3, 14)),
    "duck": Call((0.1, 0.3), (180, 420), "fall flat", (0.1, 0.4), (0.0, 0.5), (900, 1700), rough=(0.3, 0.9)),
    "goose": Call((0.2, 0.5), (300, 600), "arch", (0.2, 0.7), (0.0, 0.5), (900, 1500), rough=(0.2, 0.6)),
    "gull": Call((0.2, 0.9), (600, 1400), "fall arch", (0.3, 0.9), (0.3, 1.0), (1200, 2400), rough=(0.1, 0.5)),
    "pigeon": Call((0.3, 1.0), (250, 550), "arch", (0.1, 0.4), (1.8, 3.5), (0, 1), trill=(10, 25), depth=(0.0, 0.6)),
    "owl": Call((0.2, 1.2), (250, 800), "arch fall", (0.02, 0.2), (2.5, 4.5), (0, 1), trill=(6, 14), depth=(0.0, 0.5)),
    "parrot": Call((0.1, 0.7), (700, 2200), "wander arch", (0.3, 1.0), (0.2, 1.0), (1200, 2800), rough=(0.3, 1.0)),
    "chirp": Call(
        (0.03, 0.2), (1500, 6000), "fall rise arch", (0.2, 1.2), (2.0, 4.0), (0, 1), many=(3, 20), gap=(0.03, 0.4)
    ),
    "trill": Call(
        (0.3, 2.0), (1800, 6500), "flat fall", (0.0, 0.5), (2.5, 4.0), (0, 1), trill=(8, 60), depth=(0.8, 1.0)
    ),
    "warble": Call(
        (0.2, 1.2), (1500, 5000), "wander", (0.3, 1.2), (2.0, 4.0), (0, 1), trill=(10, 50), depth=(0.0, 0.9)
    ),
    "cow": Call((0.8, 2.5), (80, 250), "arch rise", (0.2, 0.7), (0.4, 1.1), (250, 600), rough=(0.1, 0.5), many=(1, 3)),
    "sheep": Call(
        (0.5, 1.5), (180, 500), "flat fall", (0.05, 0.3), (0.4, 1.0), (600, 1300), trill=(5, 12), depth=(0.4, 0.9)
    ),
    "pig": Call((0.15, 0.8), (60, 180), "arch wander", (0.2, 0.8), (0.1, 0.7), (300, 900), (0.3, 1.5), (0.5, 1.2)),
    "squeal": Call((0.3, 1.5), (500, 1500), "arch wander", (0.2, 0.8), (0.2, 0.8), (1000, 2500), rough=(0.3, 1.0)),
    "horse": Call(
        (1.0, 2.5), (500, 1500), "fall", (0.6, 1.5), (0.5, 1.2), (700, 1600), trill=(8, 16), depth=(0.3, 0.9)
    ),
    "donkey": Call((0.4, 1.2), (120, 500), "rise fall", (0.5, 1.5), (0.1, 0.6), (600, 1300), (0.2, 1.0), (0.4, 1.0)),
    "lion": Call((0.8, 3.0), (40, 160), "arch fall", (0.3, 0.9), (0.2, 0.8), (250, 600), (0.4, 1.5), (0.6, 1.2)),
    "elephant": Call(
        (0.6, 2.0), (250, 600), "arch", (0.3, 0.8), (0.1, 0.6), (500, 1300), rough=(0.4, 1.0), many=(1, 3)
    ),
    "monkey": Call((0.1, 0.8), (250, 1200), "rise arch", (0.3, 1.2), (0.8, 2.0), (500, 1400), (0.0, 1.0), many=(3, 16)),
    "frog": Call(
        (0.1, 0.8), (80, 900), "flat rise", (0.0, 0.4), (0.3, 1.2), (500, 1800), trill=(15, 90), depth=(0.5, 1.0)
    ),
    "cricket": Call(
        (0.05, 1.5),
        (2500, 7000),
        "flat",
        (0.0, 0.03),
        (3.0, 5.0),
        (0, 1),
        trill=(20, 120),
        depth=(0.9, 1.0),
        many=(3, 20),
    ),
    "cicada": Call(
        (1.5, 6.0), (3000, 6500), "flat", (0.0, 0.05), (2.0, 4.0), (0, 1), (1.0, 4.0), (0.3, 1.0), (40, 200), (0.4, 1.0)
    ),
    "buzz": Call(
        (0.6, 5.0), (90, 700), "wander", (0.05, 0.5), (0.6, 1.4), (0, 1), trill=(3, 20), depth=(0.0, 0.4), many=(1, 4)
    ),
    "hiss": Call((0.3, 2.0), (60, 100), "flat", mouth=(1500, 4000), air=(20, 40)),
    "baby": Call(
        (0.4, 1.6), (300, 650), "arch fall", (0.1, 0.6), (0.3, 1.0), (700, 1400), (0.0, 0.5), (0.1, 0.7), gap=(0.1, 0.6)
    ),
    "laugh": Call(
        (0.08, 0.22),
        (130, 600),
        "fall arch",
        (0.1, 0.5),
        (0.6, 1.4),
        (450, 1000),
        (0.3, 1.2),
        gap=(0.05, 0.15),
        many=(3, 14),
    ),
    "scream": Call(
        (0.5, 2.5), (500, 1500), "arch flat wander", (0.1, 0.5), (0.1, 0.7), (900, 1700), rough=(0.2, 1.0), many=(1, 3)
    ),
    "sob": Call(
        (0.15, 0.9), (180, 500), "fall", (0.1, 0.6), (0.7, 1.6), (400, 900), (0.3, 2.0), trill=(5, 12), depth=(0.0, 0.7)
    ),
    "sneeze": Call(
        (0.2, 0.6), (150, 450), "fall", (0.3, 1.0), (0.8, 1.5), (600, 1600), (3, 20), gap=(0.6, 2.5), many=(1, 3)
    ),
    "cough": Call(
        (0.12, 0.4), (80, 250), "fall", (0.1, 0.5), (0.3, 1.0), (450, 1100), (1.5, 8), (0.5, 1.2), gap=(0.05, 0.8)
    ),
    "breath": Call((0.5, 2.0), (60, 100), "flat", mouth=(400, 1600), air=(20, 40), gap=(0.1, 1.0)),
    "snore": Call(
        (0.6, 2.0), (25, 90), "flat arch", (0.1, 0.4), (0.1, 0.7), (250, 800), (0.5, 3), (0.3, 1.0), gap=(0.5, 1.5)
    ),
    "gasp": Call((0.2, 0.8), (200, 600), "rise", (0.1, 0.6), (0.8, 1.8), (600, 1500), (2, 12), many=(1, 3)),
    "hum": Call(
        (0.3, 2.0), (80, 450), "wander flat arch", (0.05, 0.5), (1.2, 2.2), (200, 350), trill=(4, 7), depth=(0.0, 0.2)
    ),
    "sing": Call(
        (0.3, 2.5), (90, 800), "flat wander", (0.02, 0.15), (0.6, 1.3), (300, 900), trill=(4, 7), depth=(0.0, 0.3)
    ),
    "shout": Call((0.2, 1.0), (150, 500), "arch fall rise", (0.2, 0.8), (0.1, 0.8), (500, 1000), rough=(0.0, 0.5)),
    "babble": Call(
        (0.08, 0.4), (90, 400), "wander fall rise", (0.1, 0.5), (0.7, 1.5), (350, 900), gap=(0.02, 0.2), many=(3, 14)
    ),
    "whistle": Call((0.1, 1.5), (700, 3500), "wander rise fall flat arch", (0.0, 0.8), (3, 5), (0, 1), (0.0, 0.6)),
    "creature": Call(
        (0.05, 2.0),
        (40, 4000),
        "arch fall rise flat wander crow",
        (0.0, 1.5),
        (0.0, 3.0),
        (250, 2800),
        (0.0, 5.0),
        (0.0, 1.2),
        (3, 100),
        (0.0, 1.0),
        many=(1, 14),
    ),
}


def contour(shape: str, x: np.ndarray, bend: float, g: Generator) -> np.ndarray:
    """Octaves above the pitch over `x` from 0 to 1."""
    if shape == "wander":
        knots = g.standard_normal(int(g.integers(4, 9)))
        return bend * 0.6 * np.interp(x * (len(knots) - 1), np.arange(len(knots)), knots)
    if shape == "crow":  # of a rooster: short, short, long and high, falling at the end
        return bend * np.interp(x, [0, 0.12, 0.16, 0.3, 0.4, 0.5, 0.8, 1], [0, 0.3, 0.05, 0.4, 0.5, 1, 0.9, 0.2])
    return (
        bend
        * {
            "arch": np.sin(np.pi * x ** g.uniform(0.5, 1.3)) - 0.5,
            "fall": 0.5 - x ** g.uniform(0.5, 1.8),
            "rise": x ** g.uniform(0.5, 1.8) - 0.5,
            "flat": 0.1 * np.sin(2 * np.pi * x * g.uniform(0.3, 2)),
        }[shape]
    )


def formants(sound: np.ndarray, centres: np.ndarray, width: float) -> np.ndarray:
    """`sound` through resonances side by side, each a little weaker than the one below."""
    out = 0.05 * sound
    for k, f in enumerate(centres[centres < 0.46 * RATE]):
        r = np.exp(-np.pi * width * (60 + 0.06 * f) / RATE)
        out = out + 0.75**k * lfilter([1 - r], [1, -2 * r * np.cos(2 * np.pi * f / RATE), r * r], sound)
    return out


@dataclass(frozen=True)
class Caller:
    """One animal or person: what stays the same from call to call."""

    length: float
    pitch: float
    shape: str
    bend: float
    falloff: float
    mouth: np.ndarray
    mouth_after: np.ndarray
    air: float
    rough: float
    trill: float
    depth: float
    attack: float
    decay: float


def caller(call: Call, g: Generator) -> Caller:
    """Somebody who makes this call."""
    lengths, pitches = (np.exp(g.uniform(*np.log(ends))) for ends in (call.length, call.pitch))
    first = g.uniform(*call.mouth)
    ratios = np.cumsum([1.0, g.uniform(0.8, 2.0), g.uniform(0.8, 1.8), g.uniform(0.8, 1.6)])
    rest = (g.uniform(*ends) for ends in (call.air, call.rough, call.trill, call.depth))
    bend, falloff = g.uniform(*call.bend), g.uniform(*call.falloff)
    shape = str(g.choice(call.shape.split()))
    after = first * ratios * g.uniform(0.6, 1.5, 4)
    envelope = g.uniform(0.02, 0.5), 10 ** g.uniform(-0.6, 0.5)
    return Caller(lengths, pitches, shape, bend, falloff, first * ratios, after, *rest, *envelope)


def voiced(who: Caller, g: Generator) -> np.ndarray:
    """One call of `who`."""
    n = max(frames(who.length * g.uniform(0.8, 1.25)), 64)
    x, t = np.linspace(0, 1, n), np.arange(n) / RATE
    octaves = contour(who.shape, x, who.bend * g.uniform(0.7, 1.3), g) + 0.06 * g.standard_normal()
    drift = np.interp(t, np.linspace(0, t[-1], n // 120 + 2), g.standard_normal(n // 120 + 2))  # every 7 ms
    pitch = np.clip(who.pitch * 2 ** (octaves + 0.12 * who.rough * drift), 15, 7500)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    top = int(np.clip(7600 / pitch.min(), 1, 60))
    sound = np.zeros(n)
    for k in range(1, top + 1):
        sound += k**-who.falloff * np.sin(k * phase + 6.28 * g.random()) * (k * pitch < 7700)
    # A rough voice beats at half its pitch, and its pulses differ in strength.
    sound *= 1 + who.rough * (0.5 * np.sin(phase / 2) + 0.5 * drift)
    breath = noise(n, g.uniform(0, 1), g)
    if who.mouth[0] < 100:  # whistled or rubbed: the noise is around the pitch
        breath = 0.4 * to_rms(band(breath, 0.5 * pitch.min(), min(2 * pitch.max(), 7800)), 0.0)
    sound = to_rms(sound, 0.0) + who.air * breath
    if who.mouth[0] > 100:
        glide, vowel = np.sin(np.pi * x) if g.random() < 0.5 else x, np.exp(0.12 * g.standard_normal(4))
        before, after = (formants(sound, mouth * vowel, 1.0) for mouth in (who.mouth, who.mouth_after))
        sound = before * (1 - glide) + after * glide
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * who.trill * g.uniform(0.95, 1.05) * t)
    sound *= 1 - who.depth + who.depth * wave ** g.uniform(0.7, 2.5)
    loudness = np.minimum(x / who.attack, 1) * ((1 - x) / (1 - who.attack)).clip(0, 1) ** who.decay
    loudness *= np.exp(0.25 * np.interp(x, np.linspace(0, 1, 7), g.standard_normal(7)))
    return fade(to_rms(sound, 0.0) * loudness, 0.003, 0.008) * g.uniform(0.6, 1.0)
