"""Sounds for pretraining: what burns, flows, turns and hums all through a clip, and what happens now and then in it.

A function of `TEXTURES` makes a whole clip; `pattern` repeats the things of `pretraining_things.py` and the calls of
`pretraining_calls.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from events import KINDS
from mixing import RATE, band, fade, frames, limited, noise, to_rms
from numpy.random import Generator
from pretraining_calls import CALLS, caller, voiced
from pretraining_things import EVENTS, Event, clock, drop, log_uniform, pulses, through, tone, wander


def pattern(
    event: Event, g: Generator, seconds: float, one_at_a_time: bool = False, **how: tuple[float, float]
) -> np.ndarray:
    """The event once, now and then, regularly, in phrases or thickly; digital silence between in half of the clips.

    `gap` is from one start to the next, or with `one_at_a_time` from an end to the next start; `many` are a phrase.
    """
    out, gap = np.zeros(frames(seconds)), log_uniform(g, *how.get("gap", (0.07, 2.5)))
    kind = str(g.choice(["once", "few", "regular", "phrases", "dense"], p=[0.12, 0.15, 0.28, 0.3, 0.15]))
    phrase, pause, loose = round(g.uniform(*how.get("many", (2, 9)))), log_uniform(g, 0.4, 3), g.uniform(0, 0.3)
    first = event()
    if kind in ("once", "few") and len(first) < frames(0.15) and g.random() < 0.8:
        kind = "regular"  # a single tick in ten seconds teaches nothing
    at = g.uniform(0, seconds - 0.3 if kind == "once" else 0.5)
    for n in range(1, 90):
        piece = (first if n == 1 else event())[: len(out) - frames(at)]
        out[frames(at) : frames(at) + len(piece)] += piece
        wait = gap * (1 + loose * g.uniform(-1, 1))
        at += {
            "once": seconds,
            "few": g.uniform(0.3, 2.5),
            "regular": wait,
            "phrases": wait if n % max(phrase, 1) else wait + pause,
            "dense": g.exponential(0.12),
        }[kind]
        at += len(piece) / RATE if one_at_a_time else 0.0
        if at > seconds - 0.05:
            break
    if g.random() < 0.5:
        out += to_rms(noise(len(out), g.uniform(0, 2), g), -g.uniform(30, 60))
    return out


def crackle(g: Generator, seconds: float) -> np.ndarray:
    """Fire, frying, crumpled paper, a geiger counter, vinyl: snaps of very unlike strength, and a roar beneath."""
    n = frames(seconds)
    rate = log_uniform(g, 3, 400) * np.exp(g.uniform(0, 1.2) * wander(n, g.uniform(0.2, 2), g))
    snaps = (g.random(n) < rate / RATE) * g.pareto(g.uniform(1.2, 3), n).clip(0, 60)
    sizes = np.exp(g.uniform(np.log(600), np.log(7000), 8))
    out = through(sizes, log_uniform(g, 0.0004, 0.006) * g.uniform(0.5, 2, 8), snaps)
    roar = noise(n, g.uniform(1, 2.2), g) * (1 + 0.4 * wander(n, 0.15, g))
    return to_rms(out, 0) + g.uniform(0, 0.6) * to_rms(roar, 0)


def rainfall(g: Generator, seconds: float) -> np.ndarray:
    """Drizzle to downpour, on leaves, tin or water: drops over a hiss of those too many to tell apart."""
    n, out = frames(seconds), np.zeros(frames(seconds))
    for f in np.exp(g.uniform(np.log(500), np.log(6500), 6)):
        hits = (g.random(n) < log_uniform(g, 2, 300) / RATE) * g.exponential(1, n)
        out += through(np.array([f, f * 1.7]), g.uniform(0.0005, 0.01, 2), hits)
    hiss = band(noise(n, g.uniform(-0.3, 1), g), log_uniform(g, 100, 1500), g.uniform(4000, 7800))
    swell = np.exp(0.15 * wander(n, 1.5, g))
    return (g.uniform(0.1, 1.5) * to_rms(out, 0) + g.uniform(0.05, 1.5) * to_rms(hiss, 0)) * swell


def wind(g: Generator, seconds: float) -> np.ndarray:
    """Wind, gusts that howl in a gap, and everything that rushes: jets, ventilators, a hair dryer."""
    n = frames(seconds)
    out = to_rms(noise(n, g.uniform(0.5, 2.2), g), 0) * g.uniform(0.1, 1)
    gust = wander(n, log_uniform(g, 0.2, 4), g)
    for _ in range(int(g.integers(1, 4))):
        f, wide = log_uniform(g, 150, 3500), log_uniform(g, 0.003, 0.08)
        phase = 2 * np.pi * np.cumsum(np.clip(f * 2 ** (g.uniform(0, 0.5) * gust), 60, 7000)) / RATE
        beside, above = (band(g.standard_normal(n), None, max(wide * f, 5.0)) for _ in range(2))
        out += to_rms(beside * np.cos(phase) + above * np.sin(phase), 0) * g.uniform(0.1, 1)
    return out * np.exp(g.uniform(0, 0.8) * gust)


def waves(g: Generator, seconds: float) -> np.ndarray:
    """Breakers: a hiss that rises, falls and changes colour, over a distant roar."""
    n, period = frames(seconds), log_uniform(g, 1.5, 9)
    phase = np.arange(n) / RATE / period + g.random() + 0.1 * wander(n, period, g)
    swell = (0.5 + 0.5 * np.sin(2 * np.pi * phase)) ** g.uniform(1, 4)
    foam = band(noise(n, g.uniform(0, 1), g), g.uniform(300, 1500), None) * swell ** g.uniform(1, 2)
    roar = to_rms(noise(n, g.uniform(1, 2), g), 0) * (0.1 + swell)
    return g.uniform(0.2, 1) * roar + g.uniform(0.2, 1) * to_rms(foam, 0)


def stream(g: Generator, seconds: float) -> np.ndarray:
    """A brook, a tap, pouring, boiling: bubbles without number, of a size that may change."""
    out, n, bubbles, later = np.zeros(frames(seconds)), frames(seconds), (drop(g), drop(g)), g.random() < 0.4
    for at in g.integers(0, n, int(log_uniform(g, 8, 150) * seconds)):
        piece = bubbles[int(later and g.random() < at / n)]()
        out[at : at + len(piece)] += piece[: n - at]
    return to_rms(out, 0) + g.uniform(0, 0.5) * to_rms(band(noise(n, 0.5, g), 500, 6000), 0)


def engine(g: Generator, seconds: float) -> np.ndarray:
    """Whatever turns: idling, driving, a chainsaw, a mower, a drill, a mixer; strokes through pipes, clipped."""
    n, rate = frames(seconds), log_uniform(g, 12, 350)
    revs = 2 ** (g.uniform(0, 0.7) * np.tanh(2 * wander(n, log_uniform(g, 0.3, 3), g)))
    out = pulses(np.clip(rate * revs, 8, 900), g.uniform(0, 0.12), g.uniform(0, 0.5), g)
    freqs = np.exp(g.uniform(np.log(80), np.log(5000), 7))
    out = to_rms(through(freqs, g.uniform(3, 20, 7) / freqs, out), 0)
    out = np.tanh(out * log_uniform(g, 0.3, 8)) + g.uniform(0, 0.5) * noise(n, g.uniform(0, 1.5), g) * revs
    whine = tone(np.clip(rate * g.integers(5, 40) * revs, 50, 7000), 1.5, top=3)
    return out + g.uniform(0, 0.6) * whine * (g.random() < 0.4)


def rotor(g: Generator, seconds: float) -> np.ndarray:
    """Helicopters, propellers, trains over joints, washing machines: noise and thumps that beat."""
    n, rate = frames(seconds), log_uniform(g, 2, 40)
    phase = np.cumsum(rate * (1 + 0.03 * wander(n, 1, g))) / RATE
    beat = np.exp(-log_uniform(g, 1, 12) * (phase % 1)) + g.uniform(0, 0.6) * np.exp(-8 * ((phase + g.random()) % 1))
    freqs = np.exp(g.uniform(np.log(40), np.log(400), 4))
    thump = through(freqs, g.uniform(0.01, 0.08, 4), np.diff(beat, prepend=0).clip(0))
    rush = band(noise(n, g.uniform(0.3, 1.8), g), g.uniform(60, 500), None) * (g.uniform(0, 0.5) + beat)
    return (to_rms(thump, 0) * g.uniform(0, 1.5) + to_rms(rush, 0)) * np.exp(g.uniform(0, 0.6) * wander(n, 2, g))


def hum(g: Generator, seconds: float) -> np.ndarray:
    """Mains, transformers, refrigerators, drones: steady harmonics that beat a little."""
    n, out = frames(seconds), np.zeros(frames(seconds))
    base = float(g.choice([50, 60, log_uniform(g, 40, 400)]))
    for k in range(1, 30):
        detuned = base * k * (1 + 0.002 * g.standard_normal())
        if detuned < 7700:
            out += k ** -g.uniform(0, 2.5) * np.sin(2 * np.pi * detuned * np.arange(n) / RATE + 6.28 * g.random())
    return to_rms(out, 0) * (1 + 0.2 * wander(n, 0.5, g)) + g.uniform(0, 0.5) * noise(n, g.uniform(0, 2), g)


def siren(g: Generator, seconds: float) -> np.ndarray:
    """Wail, yelp, two tones, a sweep, a theremin: a pitch that is never still."""
    t, rate = clock(seconds), log_uniform(g, 0.1, 8)
    cycle = (t * rate + g.random()) % 1
    way = [np.sin(2 * np.pi * cycle), np.sign(cycle - 0.5), 2 * cycle - 1, 1 - 2 * cycle, wander(len(t), 1 / rate, g)]
    pitch = np.clip(log_uniform(g, 250, 3000) * 2 ** (g.uniform(0.1, 1.2) * way[g.integers(5)]), 60, 7000)
    return tone(pitch, g.uniform(0.5, 3))


def grains(g: Generator, seconds: float) -> np.ndarray:
    """Splinters of any short sound, again and again at random: applause, hail, a rattle, gravel, a swarm."""
    makers, out = list(EVENTS.values()), np.zeros(frames(seconds))
    one = [makers[g.integers(len(makers))](g)() for _ in range(int(g.integers(1, 6)))]
    length, rate = log_uniform(g, 0.005, 0.15), log_uniform(g, 5, 150)
    for at in g.integers(0, len(out), int(rate * seconds)):
        piece = one[g.integers(len(one))]
        piece = fade(piece[: frames(length)][:: g.integers(1, 3)], 0.001, length / 3) * g.uniform(0.2, 1)
        out[at : at + len(piece)] += piece[: len(out) - at]
    return out * np.exp(g.uniform(0, 1) * wander(len(out), 0.7, g))


def calls(name: str, g: Generator, seconds: float) -> np.ndarray:
    """Somebody who calls like `name`, again and again."""
    call = CALLS[name]
    who = caller(call, g)
    return pattern(lambda: voiced(who, g), g, seconds, one_at_a_time=True, gap=call.gap, many=call.many)


def crowd(g: Generator, seconds: float) -> np.ndarray:
    """A flock, a herd, a playground: several of one kind at once, near and far."""
    name = str(g.choice(list(CALLS)))
    return sum(g.uniform(0.1, 1) * calls(name, g, seconds) for _ in range(g.integers(2, 7)))


TEXTURES: dict[str, Callable[[Generator, float], np.ndarray]] = {
    f.__name__: f for f in (crackle, rainfall, wind, waves, stream, engine, rotor, hum, siren, grains, crowd)
}


def clip(g: Generator, i: int, seconds: float) -> tuple[str, np.ndarray]:
    """What is heard in clip `i`, and `seconds` of it: calls, things and textures in turn, each kind equally often."""
    group, i = i % 3, i // 3
    if group == 0:
        name = list(CALLS)[i % len(CALLS)]
        sound = calls(name, g, seconds)
    elif group == 1:
        name = [*EVENTS, *KINDS][i % (len(EVENTS) + len(KINDS))]
        sound = KINDS[name](g, g, seconds) if name in KINDS else pattern(EVENTS[name](g), g, seconds)
    else:
        name = list(TEXTURES)[i % len(TEXTURES)]
        sound = TEXTURES[name](g, seconds)
    if g.random() < 0.15:  # heard somewhere, not in a studio
        behind = str(g.choice(list(TEXTURES)))
        sound = to_rms(sound, 0) + to_rms(TEXTURES[behind](g, seconds), -g.uniform(5, 30))
        name = f"{name}+{behind}"
    if g.random() < 0.15:  # through a cheap loudspeaker, a wall, a toy
        sound = band(sound, log_uniform(g, 30, 600), g.uniform(2500, 7500))
    return name, limited(to_rms(sound, g.uniform(-36, -14)))
