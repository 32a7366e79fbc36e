"""Speech for pretraining: what free synthesisers say, in many voices, languages and manners of speaking.

`pretraining_voices.csv` names the voices, where they come from, their licences and their makers; each language of
espeak-ng is spoken in each of its variants. `pretraining_words.csv` has own lists of words, strung together without
sense.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import soundfile
import soxr
from mixing import RATE, band, fade, frames, limited, to_rms
from numpy.random import Generator
from pretraining_manners import Manner, expressed, manner


def rows(table: str) -> list[dict[str, str]]:
    """The rows of a table beside this file."""
    with Path(__file__).with_name(table).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


WORDS = {row["language"]: row for row in rows("pretraining_words.csv")}


def text(language: str, g: Generator, spelled: bool) -> str:
    """A word, a digit, some numerals or a senseless sentence; `spelled` keeps numerals out."""
    row = WORDS.get(language) or WORDS.get(language.split("-")[0]) or WORDS["syllables"]
    words, digits = row["words"].split(), row["digits"].split() if spelled else list("0123456789")
    if row is WORDS["syllables"]:
        words = ["".join(g.choice(words, g.integers(1, 4))) for _ in range(12)]
    kind = g.random() * (1.0 if row is not WORDS["syllables"] else 0.7)  # numerals are surely of that language
    if digits and kind < 0.25:  # read out like a telephone number, or one alone
        return ", ".join(g.choice(digits, 1 if kind < 0.12 else g.integers(2, 7)))
    if kind < 0.4 and not spelled:
        return ", ".join(str(int(10 ** g.uniform(0, 4.5))) for _ in range(g.integers(1, 5)))
    if kind < 0.5:
        return str(g.choice(words))
    said = [str(w) + ("," if g.random() < 0.12 else "") for w in g.choice(words, g.integers(3, 11))]
    return " ".join(said).rstrip(",").capitalize() + str(g.choice([".", "!", "?"], p=[0.6, 0.2, 0.2]))


@dataclass(frozen=True)
class Voice:
    """A voice: of which synthesiser, its name there, its language, and the encoding in which it reads."""

    synthesiser: str
    name: str
    language: str
    encoding: str = "utf-8"


def espeak(voice: Voice, words: str, how: Manner) -> np.ndarray:
    """espeak-ng in `LANGUAGE+VARIANT`."""
    pitch, rate = np.clip(50 * how.pitch**1.3, 0, 99), np.clip(165 * how.rate, 85, 360)
    ssml = f'<prosody range="{100 * how.range:.0f}%">{words}</prosody>'
    call = ["espeak-ng", "-m", "-v", voice.name, "-p", f"{pitch:.0f}", "-s", f"{rate:.0f}", "--stdout", ssml]
    return spoken(subprocess.run(call, check=True, capture_output=True, timeout=60).stdout)


def flite(voice: Voice, words: str, how: Manner) -> np.ndarray:
    """flite, which knows English alone."""
    mean, spread = 115 * how.pitch, 15 * how.range
    sets = (
        f"duration_stretch={1 / how.rate:.2f}",
        f"int_f0_target_mean={mean:.0f}",
        f"int_f0_target_stddev={spread:.0f}",
    )
    options = [x for each in sets for x in ("--setf", each)]
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        call = ["flite", "-voice", voice.name, *options, "-t", words, "-o", file.name]
        subprocess.run(call, check=True, capture_output=True, timeout=60)
        return spoken(Path(file.name).read_bytes())


def festival(voice: Voice, words: str, how: Manner) -> np.ndarray:
    """festival, whose voices read the encodings of their time."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        ask = f"(begin (voice_{voice.name}) (Parameter.set 'Duration_Stretch {1 / how.rate:.2f}))"
        call = ["text2wave", "-eval", ask, "-o", file.name]
        subprocess.run(call, check=True, capture_output=True, timeout=60, input=words.encode(voice.encoding, "ignore"))
        return spoken(Path(file.name).read_bytes())


def spoken(wav: bytes) -> np.ndarray:
    """The samples of a WAV file at `RATE`."""
    sound, rate = soundfile.read(io.BytesIO(wav), dtype="float64")
    return trimmed(soxr.resample(sound, rate, RATE))


def trimmed(sound: np.ndarray) -> np.ndarray:
    """`sound` without the silence at its ends; `(0,)` where nothing was said."""
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max(initial=1e-3))
    margin = frames(0.03)
    return fade(sound[max(loud[0] - margin, 0) : loud[-1] + margin], 0.01, 0.02) if len(loud) else np.zeros(0)


# The program that must be there, and how often it speaks.
SYNTHESISERS: dict[str, tuple[Callable[[Voice, str, Manner], np.ndarray], str, float]] = {
    "espeak": (espeak, "espeak-ng", 0.5),
    "flite": (flite, "flite", 0.16),
    "festival": (festival, "text2wave", 0.16),
}


def found() -> tuple[dict[str, list[Voice]], list[str]]:
    """The voices that are there, by synthesiser, and what to install for the others."""
    there: dict[str, list[Voice]] = {}
    missing = set()
    for row in rows("pretraining_voices.csv"):
        name, needs = row["synthesiser"], SYNTHESISERS[row["synthesiser"]][1]
        known = shutil.which(needs) is not None
        if name == "festival":
            known = known and any(Path("/usr/share/festival/voices").glob(f"*/{row['voice']}"))
        if not known:
            missing.add(f"{name}: {row['install']}")
        elif name == "espeak":
            pairs = product(row["language"].split(), row["voice"].split())
            there[name] = [Voice(name, f"{language}+{variant}", language) for language, variant in pairs]
        else:
            there.setdefault(name, []).append(Voice(name, row["voice"], row["language"], row["encoding"]))
    return there, sorted(missing)


def clip(g: Generator, seconds: float, there: dict[str, list[Voice]]) -> tuple[str, np.ndarray]:
    """Who speaks, and `seconds` of him or her, with pauses, in one manner or in several."""
    share = np.array([SYNTHESISERS[name][2] for name in there])
    for _ in range(10):
        voices = there[str(g.choice(list(there), p=share / share.sum()))]
        voice = voices[g.integers(len(voices))]
        sound = speech(g, voice, frames(seconds))
        if sound.any():  # some voices do not know these words
            return f"{voice.synthesiser}.{voice.name}", channel(sound, g)
    raise RuntimeError(f"ten voices said nothing, at last {voice}; does {SYNTHESISERS[voice.synthesiser][1]} work?")


def speech(g: Generator, voice: Voice, total: int) -> np.ndarray:
    """`voice` `(total,)` with a vocal tract, a pitch and pauses of its own; zeros if it says nothing."""
    out, at, pause = np.zeros(total), frames(g.choice([0.0, g.uniform(0, 0.4)])), g.uniform(0.05, 0.8)
    how, stretch, height = manner(g), float(np.exp(g.uniform(-0.2, 0.2))), float(np.exp(g.uniform(-0.25, 0.25)))
    for _ in range(25):
        if g.random() < 0.15:
            how = manner(g)
        # What a longer vocal tract takes off pitch and rate is given back, where the synthesiser can.
        ask = replace(how, pitch=how.pitch * stretch * height, rate=how.rate * stretch)
        try:
            words = text(voice.language, g, spelled=voice.synthesiser in ("festival", "flite"))
            sound = SYNTHESISERS[voice.synthesiser][0](voice, words, ask)
        except (subprocess.SubprocessError, soundfile.LibsndfileError):
            continue
        if len(sound) < frames(0.05):
            continue
        sound = expressed(sound / np.abs(sound).max(), how, stretch, g)
        piece = fade(sound[: total - at], 0.0, 0.01)
        out[at : at + len(piece)] += piece
        at += len(piece) + frames(pause * g.uniform(0.5, 1.5))
        if at > total - frames(0.4):
            break
    return out


def channel(sound: np.ndarray, g: Generator) -> np.ndarray:
    """Now and then a telephone at 8 kHz and 8 bits (mu-law), or a cheap microphone; a drawn level always."""
    kind = g.random()
    if kind < 0.12:
        sound = soxr.resample(band(sound, g.uniform(150, 350), g.uniform(3000, 3800), 4), RATE, 8000)
        loud = sound / max(np.abs(sound).max(), 1e-6)
        coded = np.round(np.sign(loud) * np.log1p(255 * np.abs(loud)) / np.log(256) * 127) / 127
        sound = soxr.resample(np.sign(coded) * (256 ** np.abs(coded) - 1) / 255, 8000, RATE)
    elif kind < 0.2:
        sound = band(sound, g.uniform(60, 250), g.uniform(3500, 7500))
    return limited(to_rms(sound, g.uniform(-34, -17)))
