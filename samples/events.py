"""Eight kinds of sound, each synthesised from drawn parameters.

Every function takes two generators: `source` draws who makes the sound (this dog's pitch, this bell's
partials), `take` draws how it is made this time (how many barks, when). Two clips of one source share the
first and not the second, as two recordings of one dog would. All return `(T,)` float64 at `mixing.RATE`, of
any level.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from mixing import RATE, band, fade, frames, noise, to_rms
from numpy.random import Generator
from scipy.signal import fftconvolve


def _time(seconds: float) -> np.ndarray:
    return np.arange(frames(seconds)) / RATE


def _tone(pitch: np.ndarray, harmonics: np.ndarray) -> np.ndarray:
    """Harmonics with the given amplitudes over a pitch contour `(T,)` in Hz; none above 7 kHz."""
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    return sum(a * np.sin(k * phase) * (k * pitch < 7000) for k, a in enumerate(harmonics, 1))


def _repeat(one: Callable[[], np.ndarray], seconds: float, first: float, gap: Callable[[], float]) -> np.ndarray:
    """`one()` again and again from `first` on; `gap()` is the time from one start to the next, in seconds."""
    out, at = np.zeros(frames(seconds)), first
    while at < seconds:
        piece = one()[: len(out) - frames(at)]
        out[frames(at) : frames(at) + len(piece)] += piece
        at += gap()
    return out


def siren(source: Generator, take: Generator, seconds: float) -> np.ndarray:
    """A wail or two alternating tones, 450 to 1600 Hz."""
    low, ratio, period = source.uniform(450, 750), source.uniform(1.3, 2.1), source.uniform(0.5, 1.3)
    two_tone, falloff = source.random() < 0.4, source.uniform(1.0, 2.2)
    cycle = np.sin(2 * np.pi * (_time(seconds) / period + take.random()))
    sweep = np.tanh(12 * cycle) if two_tone else cycle
    pitch = low * ratio ** (0.5 + 0.5 * sweep) * take.uniform(0.97, 1.03)
    return fade(_tone(pitch, np.arange(1, 9) ** -falloff), 0.05, 0.05)


def dog(source: Generator, take: Generator, seconds: float) -> np.ndarray:
    """Barks: a short rise and fall of pitch, harsh, through two resonances of a mouth."""
    pitch, length, rough = source.uniform(180, 480), source.uniform(0.13, 0.26), source.uniform(0.3, 1.2)
    mouth, gap = source.uniform(600, 1100), source.uniform(0.28, 0.6)

    def bark() -> np.ndarray:
        t = _time(length * take.uniform(0.85, 1.15))
        x = t / t[-1]
        contour = pitch * take.uniform(0.93, 1.07) * (0.8 + 0.6 * np.sin(np.pi * x**0.6))
        voice = _tone(contour, np.arange(1, 25) ** -0.7)
        voice = to_rms(voice, 0.0) + rough * noise(len(t), 0.3, take)
        shaped = band(voice, mouth * 0.7, mouth * 1.4) + 0.6 * band(voice, mouth * 2.0, mouth * 3.0)
        return take.uniform(0.7, 1.0) * fade(shaped * np.exp(-2.0 * x), 0.012, 0.05)

    return _repeat(bark, seconds, take.uniform(0.0, 0.3), lambda: gap * take.uniform(0.8, 1.3))


def rain(source: Generator, take: Generator, seconds: float) -> np.ndarray:
    """A hiss, and drops as short ringing clicks."""
    low, high, density = source.uniform(500, 1800), source.uniform(4500, 7500), source.uniform(25, 120)
    share, ring = source.uniform(0.4, 1.6), source.uniform(0.002, 0.006)
    n = frames(seconds)
    hiss = to_rms(band(noise(n, 0.0, take), low, high), 0.0)
    clicks = (take.random(n) < density / RATE) * take.exponential(1.0, n)
    drops = np.zeros(n)
    for f in source.uniform(1200, 5000, 5):
        t = _time(0.03)
        mine = clicks * (take.random(n) < 0.3)
        drops += fftconvolve(mine, np.sin(2 * np.pi * f * t) * np.exp(-t / ring))[:n]
    swell = 1 + 0.2 * np.sin(2 * np.pi * (_time(seconds) * take.uniform(0.2, 0.6) + take.random()))
    return fade((hiss + share * to_rms(drops, 0.0)) * swell, 0.08, 0.08)


def bell(source: Generator, take: Generator, seconds: float) -> np.ndarray:
    """Strikes with a bell's inharmonic partials (hum, prime, tierce, quint, nominal and two above)."""
    prime, decay, gap = source.uniform(330, 1100), source.uniform(0.3, 0.9), source.uniform(0.45, 1.1)
    ratios = np.array([0.5, 1.0, 1.19, 1.5, 2.0, 2.66, 4.1]) * source.uniform(0.985, 1.015, 7)
    levels = np.array([0.4, 1.0, 0.7, 0.4, 0.8, 0.5, 0.25]) * source.uniform(0.5, 1.4, 7)

    def strike() -> np.ndarray:
        t = _time(min(4 * decay, seconds))
        parts = [
            a * take.uniform(0.8, 1.2) * np.sin(2 * np.pi * prime * r * t) * np.exp(-t * r**0.7 / decay)
            for r, a in zip(ratios, levels, strict=True)
        ]
        clang = 0.3 * noise(len(t), 0.0, take) * np.exp(-t / 0.008)
        return take.uniform(0.6, 1.0) * fade(sum(parts) + clang, 0.002, 0.05)

    return _repeat(strike, seconds, take.uniform(0.0, 0.3), lambda: gap * take.uniform(0.95, 1.05))


def engine(source: Generator, take: Generator, seconds: float) -> np.ndarray:
    """Uneven firing strokes through the resonances of an exhaust, with revs that rise or fall."""
    rate, uneven, hiss = source.uniform(28, 85), source.uniform(0.05, 0.35), source.uniform(0.15, 0.6)
    pipes = source.uniform([90, 220, 500], [200, 450, 1300])
    n, out, at = frames(seconds), np.zeros(frames(seconds)), 0.0
    revs = take.uniform(-0.35, 0.35)
    while at < seconds:
        out[min(frames(at), n - 1)] += 1 + uneven * take.standard_normal()
        at += (1 + 0.04 * take.standard_normal()) / (rate * (1 + revs * at / seconds))
    t = _time(0.12)
    body = sum(np.sin(2 * np.pi * f * t) * np.exp(-t * f / 12) for f in pipes)
    stroke = to_rms(fftconvolve(out, body)[:n], 0.0)
    return fade(stroke + hiss * to_rms(band(noise(n, 1.0, take), 200, 3500), 0.0), 0.08, 0.08)


def bird(source: Generator, take: Generator, seconds: float) -> np.ndarray:
    """Chirps: quick whistled sweeps, 1.8 to 6.5 kHz, in phrases."""
    centre, sweep = source.uniform(2400, 5200), source.uniform(-0.35, 0.35)
    length, gap = source.uniform(0.04, 0.14), source.uniform(0.09, 0.28)
    trill, depth = source.uniform(15, 45), source.uniform(0.0, 0.08)

    def chirp() -> np.ndarray:
        t = _time(length * take.uniform(0.8, 1.2))
        x = t / t[-1] - 0.5
        pitch = centre * take.uniform(0.94, 1.06) * (1 + sweep * x + depth * np.sin(2 * np.pi * trill * t))
        return take.uniform(0.5, 1.0) * _tone(pitch, np.array([1.0, 0.12])) * np.cos(np.pi * x) ** 2

    # Now and then a pause, so that the song is in phrases.
    return _repeat(
        chirp,
        seconds,
        take.uniform(0.0, 0.25),
        lambda: gap * take.uniform(0.85, 1.2) + (0.4 if take.random() < 0.15 else 0.0),
    )


def footsteps(source: Generator, take: Generator, seconds: float) -> np.ndarray:
    """A heel's thump, then the crunch of the ground."""
    thump, low = source.uniform(70, 170), source.uniform(400, 1500)
    crunch, grain, gap = source.uniform(0.25, 0.9), source.uniform(0.015, 0.06), source.uniform(0.36, 0.62)

    def step() -> np.ndarray:
        t = _time(0.25)
        heel = np.sin(2 * np.pi * thump * take.uniform(0.9, 1.1) * t) * np.exp(-t / 0.03)
        ground = band(noise(len(t), 0.3, take) * take.random(len(t)) ** 2, low, low * 3.5)
        ground *= np.exp(-np.maximum(t - 0.03, 0) / grain) * np.minimum(t / 0.03, 1)
        return take.uniform(0.6, 1.0) * fade(heel + 2 * crunch * ground, 0.003, 0.05)

    return _repeat(step, seconds, take.uniform(0.0, 0.25), lambda: gap * take.uniform(0.93, 1.07))


def beep(source: Generator, take: Generator, seconds: float) -> np.ndarray:
    """An appliance: one steady pitch, on and off."""
    pitch, on, off = source.uniform(750, 2600), source.uniform(0.06, 0.25), source.uniform(0.06, 0.35)
    harmonics = np.array([1, 0, source.uniform(0, 0.33), 0, source.uniform(0, 0.2)])
    heard = pitch * take.uniform(0.995, 1.005)  # the same device, a little colder or warmer

    def one() -> np.ndarray:
        return fade(_tone(np.full(frames(on), heard), harmonics), 0.004, 0.004)

    return _repeat(one, seconds, take.uniform(0.0, 0.3), lambda: on + off)


KINDS: dict[str, Callable[[Generator, Generator, float], np.ndarray]] = {
    f.__name__: f for f in (beep, bell, bird, dog, engine, footsteps, rain, siren)
}
