"""Short sounds of things for pretraining: struck, dropped, rubbed, blown up and played, each with wide ranges.

A function of `EVENTS` makes a thing; the thing makes one sound, a little different each time it is called.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from mixing import RATE, band, fade, frames, noise, to_rms
from numpy.random import Generator
from scipy.signal import fftconvolve, lfilter

Event = Callable[[], np.ndarray]


def log_uniform(g: Generator, low: float, high: float) -> float:
    """Drawn so that every octave is equally likely."""
    return float(np.exp(g.uniform(np.log(low), np.log(high))))


def clock(seconds: float) -> np.ndarray:
    """Seconds from 0 on, one a sample."""
    return np.arange(frames(seconds)) / RATE


def wander(count: int, every: float, g: Generator) -> np.ndarray:
    """A smooth random course `(count,)` of unit variance that turns about every `every` seconds."""
    knots = g.standard_normal(int(count / RATE / every) + 3)
    at = np.arange(count) / RATE / every
    i, x = at.astype(int), 0.5 - 0.5 * np.cos(np.pi * (at % 1))
    return knots[i] * (1 - x) + knots[i + 1] * x


def tone(pitch: np.ndarray, falloff: float, odd: bool = False, top: int = 40) -> np.ndarray:
    """Harmonics over `pitch` `(T,)` Hz, falling as their number to the minus `falloff`."""
    phase, out = 2 * np.pi * np.cumsum(pitch) / RATE, np.zeros(len(pitch))
    for k in range(1, max(min(top, int(7600 / pitch.min())), 1) + 1, 2 if odd else 1):
        out += k**-falloff * np.sin(k * phase) * (k * pitch < 7700)
    return out


def ringing(freqs: np.ndarray, decays: np.ndarray, gains: np.ndarray, seconds: float) -> np.ndarray:
    """Decaying sines together; `decays` in seconds to 1/e."""
    t = clock(seconds)
    audible = freqs < 7700
    parts = zip(freqs[audible], decays[audible], gains[audible], strict=True)
    return sum((a * np.sin(2 * np.pi * f * t) * np.exp(-t / d) for f, d, a in parts), np.zeros(len(t)))


def through(freqs: np.ndarray, seconds: np.ndarray, pulses: np.ndarray) -> np.ndarray:
    """`pulses` `(T,)` through a body that rings at `freqs`."""
    heard = ringing(freqs, seconds, np.ones(len(freqs)), float(min(6 * seconds.max(), 0.5)))
    return fftconvolve(pulses, heard)[: len(pulses)]


def pulses(rate: np.ndarray, jitter: float, uneven: float, g: Generator) -> np.ndarray:
    """Single samples at a changing `rate` `(T,)` Hz, each off by `jitter` periods and `uneven` in strength."""
    phase = np.cumsum(rate) / RATE
    at = np.searchsorted(phase, np.arange(1, int(phase[-1])) + jitter * g.standard_normal(max(int(phase[-1]) - 1, 0)))
    out = np.zeros(len(rate))
    np.add.at(out, np.clip(at, 0, len(out) - 1), 1 + uneven * g.standard_normal(len(at)))
    return out


def body(g: Generator, low: float = 80, high: float = 4000, ring: tuple[float, float] = (0.004, 1.5)) -> Event:
    """Something solid: each time struck elsewhere. Bars, plates and lumps; wood if `ring` is short, metal if long."""
    first, decay = log_uniform(g, low, high), log_uniform(g, *ring)
    n = int(g.integers(3, 16))
    bar = (2 * np.arange(1, n + 1) + 1.0) ** 2 / 9
    ratios = [bar, 1 + 0.9 * np.cumsum(g.exponential(0.6, n)), np.arange(1, n + 1.0)][g.integers(3)]
    freqs = first * ratios * g.uniform(0.99, 1.01, n)
    decays, click = decay * ratios ** -g.uniform(0.2, 1.2), g.uniform(0.0, 1.0)

    def strike() -> np.ndarray:
        gains = g.uniform(0.1, 1, n) * ratios ** -g.uniform(0.2, 1.2)
        sound = ringing(freqs, decays, gains, min(5 * decay + 0.03, 2.5))
        hit = band(g.standard_normal(len(sound)), None, log_uniform(g, 800, 7000))
        hit *= np.exp(-np.arange(len(sound)) / RATE / 0.004)
        return fade(sound + 3 * click * hit, 0.0005, 0.02) * g.uniform(0.4, 1)

    return strike


def tick(g: Generator) -> Event:
    """A clock, keys, a mouse, a latch: two clicks that take turns or not."""
    two, turn = [body(g, 800, 6000, (0.001, 0.02)), body(g, 500, 6000, (0.001, 0.03))], g.random()
    return lambda: two[int(g.random() < turn)]()


def thud(g: Generator) -> Event:
    """Knocks, steps, drums, doors: a deep body and what lies on it."""
    low, high, grain = body(g, 40, 220, (0.02, 0.2)), body(g, 200, 1500, (0.005, 0.08)), log_uniform(g, 0.01, 0.15)
    gravel, share = log_uniform(g, 0.01, 1.0), g.uniform(0, 1)

    def step() -> np.ndarray:
        n = frames(0.5)
        dust = noise(n, 0.5, g) * (g.random(n) < gravel) * np.exp(-clock(0.5) / grain)
        parts = [low(), share * high(), 0.8 * dust]
        return sum(np.pad(part[:n], (0, n - len(part[:n]))) for part in parts) * g.uniform(0.5, 1)

    return step


def drop(g: Generator) -> Event:
    """A bubble in water: a sine that rises as it dies (Minnaert's resonance)."""
    size, spread, ring = log_uniform(g, 400, 2500), g.uniform(0.05, 0.5), g.uniform(4, 20)

    def bubble() -> np.ndarray:
        f = size * np.exp(spread * g.standard_normal())
        t = clock(min(6 * ring / f, 0.4))
        pitch = np.minimum(f * (1 + g.uniform(0, 0.6) * t * f / ring), 7500)
        sound = np.sin(2 * np.pi * np.cumsum(pitch) / RATE) * np.exp(-t * f / ring)
        return fade(sound, 0.001, 0.01) * g.uniform(0.2, 1)

    return bubble


def shatter(g: Generator) -> Event:
    """Glass, crockery, coins, chains: many small hard bodies after one blow."""
    pieces, spread = [body(g, 700, 5000, (0.01, 0.15)) for _ in range(6)], log_uniform(g, 0.05, 0.6)

    def crash() -> np.ndarray:
        out = noise(frames(1.5), 0.0, g) * np.exp(-clock(1.5) / 0.03) * g.uniform(0, 1)
        for _ in range(int(g.integers(5, 40))):
            piece, at = pieces[g.integers(6)](), frames(min(g.exponential(spread), 1.4))
            out[at : at + len(piece)] += piece[: len(out) - at] * g.uniform(0.1, 1)
        return fade(out, 0.001, 0.1)

    return crash


def blast(g: Generator) -> Event:
    """Shots, fireworks, thunder, a slammed lid: a burst of noise that dulls as it dies."""
    decay, slope, crackle = log_uniform(g, 0.02, 1.5), g.uniform(0.3, 2.0), g.uniform(0, 1) ** 3

    def bang() -> np.ndarray:
        n = frames(min(5 * decay, 4))
        t = np.arange(n) / RATE
        dull = noise(n, slope + 1, g) * np.exp(-t / decay) + noise(n, slope / 2, g) * np.exp(-5 * t / decay)
        flicker = 1 + 3 * crackle * (g.random(n) < 0.002) * g.exponential(3, n)
        return fade(dull * flicker * np.exp(0.7 * wander(n, 0.1, g)), 0.001, 0.05)

    return bang


def stroke(g: Generator) -> Event:
    """Sawing, brushing, tearing, a zip, a match, spray: noise that is rubbed to and fro."""
    length, teeth, low = log_uniform(g, 0.08, 1.2), log_uniform(g, 15, 400), log_uniform(g, 150, 4000)
    grain, glide = g.uniform(0, 1), g.uniform(-1, 1)

    def rub() -> np.ndarray:
        n = frames(length * g.uniform(0.8, 1.2))
        x = np.linspace(0, 1, n)
        bite = pulses(teeth * 2 ** (glide * x + 0.1 * wander(n, 0.05, g)), 0.2, 0.4, g)
        bite = fftconvolve(bite, np.exp(-clock(0.01) * 600))[:n]
        sound = noise(n, 0.3, g) * (1 - grain + 3 * grain * bite)
        return fade(band(sound, low, min(low * g.uniform(2, 6), 7800)) * np.sin(np.pi * x) ** 0.7, 0.003, 0.003)

    return rub


def creak(g: Generator) -> Event:
    """A door, a floor, brakes, a rusty swing: it sticks and slips, and a body answers."""
    rate, length, sharp = log_uniform(g, 15, 900), log_uniform(g, 0.15, 1.8), g.uniform(0.01, 0.2)
    freqs, rings = np.exp(g.uniform(np.log(250), np.log(4500), 6)), g.uniform(0.003, 0.03, 6)

    def slip() -> np.ndarray:
        n = frames(length * g.uniform(0.6, 1.4))
        course = rate * 2 ** (g.uniform(0.2, 1.2) * wander(n, 0.3, g))
        return fade(through(freqs, rings, pulses(np.clip(course, 8, 3000), sharp, 0.3, g)), 0.02, 0.05)

    return slip


def note(g: Generator) -> Event:
    """An instrument in some scale: plucked (Karplus-Strong), blown, bowed, struck or modulated (FM)."""
    kind, base, falloff = int(g.integers(4)), log_uniform(g, 60, 900), g.uniform(0.4, 2.5)
    scale = [(0, 2, 4, 7, 9), (0, 2, 3, 5, 7, 8, 11), tuple(range(12)), (0,), (0, 3, 6, 10)][g.integers(5)]
    attack, decay, odd = log_uniform(g, 0.002, 0.2), log_uniform(g, 0.1, 2.0), g.random() < 0.3
    ratio, index, shake = float(g.choice([0.5, 1, 1.41, 2, 3, 3.5, 7])), g.uniform(0.5, 8), g.uniform(0, 0.02)

    def play() -> np.ndarray:
        t = clock(min(2.5 * decay, 3.0) * g.uniform(0.5, 1))
        f = min(base * 2 ** ((g.choice(scale) + 12 * g.integers(0, 2)) / 12), 2500)
        if kind == 0:
            period = int(RATE / f)
            start = np.zeros(len(t))
            start[:period] = g.standard_normal(min(period, len(t)))
            loop = np.zeros(period + 2)
            loop[0], loop[period:] = 1, -0.5 * (1 - 0.5 / period / decay)
            sound = lfilter([1], loop, start)
        else:
            pitch = f * (1 + shake * np.sin(2 * np.pi * 5.5 * t))
            phase = 2 * np.pi * np.cumsum(pitch) / RATE
            fm = np.sin(phase + index * np.exp(-2 * t / decay) * np.sin(ratio * phase))
            sound = fm if kind == 1 else tone(pitch, falloff, odd)
        held = np.exp(-t / decay) if kind != 2 else np.minimum(1, (t[-1] - t) / 0.1)
        return fade(to_rms(sound, 0) * held * np.minimum(t / attack, 1), 0.001, 0.02) * g.uniform(0.4, 1)

    return play


def signal(g: Generator) -> Event:
    """Beeps, horns, sweeps, telephones, modems: one or two pitches, steady, swept or keyed."""
    f, second, length = log_uniform(g, 200, 4000), g.uniform(1.05, 1.7) * g.integers(0, 2), log_uniform(g, 0.03, 1.5)
    falloff, sweep, key = g.uniform(0.3, 4), g.uniform(-1.5, 1.5) * (g.random() < 0.5), log_uniform(g, 4, 60)
    keyed, vibrato = g.random() < 0.3, g.uniform(0, 0.05) * (g.random() < 0.3)

    def beep() -> np.ndarray:
        t = clock(length)
        pitch = np.minimum(f * 2 ** (sweep * (t / length - 0.5) + vibrato * np.sin(2 * np.pi * key * t)), 7000)
        sound = tone(pitch, falloff) + (tone(pitch * second, falloff) if second else 0)
        return fade(sound * (np.sin(2 * np.pi * key * t) > 0 if keyed else 1.0), 0.004, 0.01)

    return beep


def clap(g: Generator) -> Event:
    """Hands, a whip, a cymbal, a shaker: a burst of noise with a colour of its own, or several close together."""
    low, length, flam = log_uniform(g, 300, 3500), log_uniform(g, 0.004, 0.5), int(g.integers(1, 4))
    wide, grain = g.uniform(1.5, 5), log_uniform(g, 0.02, 1)

    def hit() -> np.ndarray:
        out = np.zeros(frames(5 * length + 0.06))
        for k in range(flam):
            n, at = frames(5 * length), frames(0.02 * k * g.random())
            burst = g.standard_normal(n) * (g.random(n) < grain) * np.exp(-np.arange(n) / RATE / length)
            out[at : at + n] += burst * g.uniform(0.3, 1)
        return fade(band(out, low, min(low * wide, 7800)), 0.0005, 0.01)

    return hit


EVENTS: dict[str, Callable[[Generator], Event]] = {
    f.__name__: f for f in (body, tick, thud, drop, shatter, blast, stroke, creak, clap, note, signal)
}
