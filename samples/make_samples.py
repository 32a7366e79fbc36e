"""Make every recording and table under samples/, anew and always the same: python samples/make_samples.py.

Needs espeak-ng on the path; README.md names the versions that made what lies here. Takes about 20 seconds.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from events import KINDS
from mixing import fade, frames, limited, microphone, noise, place, rng, to_rms, write, write_table
from speech import KEYWORDS, RECORDINGS, SPEAKERS_OF_KEYWORDS, VOICES, say, sentences

CLIPS = {"train": 10, "valid": 3, "test": 4}  # of each voice
SOURCES = {"train": 6, "valid": 2, "test": 2}  # of each kind of sound, two clips each
SCENES = {"train": 60, "valid": 20, "test": 20}
OUTDOORS = {"train": 24, "valid": 6}  # recordings of 24 s

# Real collections are never of one kind: these clips are not 16 kHz mono OGG, or not of an ASCII name.
ODD_NAMES = {("train", "greta", 3): "Grüße_03.ogg"}
ODD_FILES: dict[tuple[str, str, int], dict] = {
    ("train", "bruno", 5): {"suffix": ".flac", "rate": 22050},
    ("train", "clara", 2): {"suffix": ".mp3", "rate": 22050},
    ("test", "dario", 1): {"suffix": ".flac", "rate": 22050},
    ("train", "dog", 4): {"suffix": ".flac", "rate": 22050},
    ("train", "rain", 7): {"suffix": ".mp3", "rate": 44100, "channels": 2},
    ("test", "bell", 2): {"suffix": ".wav", "rate": 22050, "channels": 2},
}


def speakers(root: Path) -> None:
    """`speakers/SPLIT/VOICE/`: the same voices in every split, never the same sentence."""
    rows = []
    for split, count in CLIPS.items():
        for name, voice in VOICES.items():
            texts = iter(rng("speakers", split, name).permutation(sentences(split)).tolist())
            made = 0
            while made < count:
                text = next(texts)
                g = rng("speakers", split, name, text)
                sound = say(voice, text, g)
                if not frames(1.2) <= len(sound) <= frames(2.5):
                    continue
                odd = dict(ODD_FILES.get((split, name, made), {"suffix": ".ogg"}))
                file = ODD_NAMES.get((split, name, made), f"{name}_{made:02d}{odd.pop('suffix')}")
                path = root / "speakers" / split / name / file
                write(path, microphone(sound, g, snr=(14, 30)), **odd)
                rows.append((path.relative_to(root / "speakers").as_posix(), name, split, text))
                made += 1
    # Beside the folder, not in it: a table inside would be taken for the labels.
    write_table(root / "speakers_sentences.csv", ("file_name", "voice", "split", "text"), rows)


def sounds(root: Path) -> None:
    """`sounds/`: one kind of sound a clip, with a table; two clips of a source, on one side of the split."""
    rows = []
    for split, count in SOURCES.items():
        for label, kind in KINDS.items():
            for i in range(2 * count):
                source = f"{label}-{split}-{i // 2}"
                g = rng("sounds", source, i)
                sound = kind(rng("sounds", source), g, g.uniform(1.35, 1.65))
                odd = dict(ODD_FILES.get((split, label, i), {"suffix": ".ogg", "codec": "OPUS"}))
                path = root / "sounds" / f"{label}_{split}_{i:02d}{odd.pop('suffix')}"
                write(path, microphone(sound, g, snr=(6, 25)), **odd)
                rows.append((path.name, label, split, source))
    write_table(root / "sounds" / "metadata.csv", ("file_name", "label", "split", "source"), rows)


def label_text(split: str, i: int, present: list[str]) -> str:
    """What the table says of a scene: mostly all of it, sometimes only what somebody had time to hear."""
    absent = [k for k in KINDS if k not in present]
    if not present:
        return "[]"
    if (split, i) in {("train", 10), ("test", 3)}:
        return json.dumps(present)
    if (split, i) in {("train", 15), ("train", 25), ("valid", 5), ("test", 9)}:
        return f"{present[0]};?"
    if (split, i) in {("train", 20), ("train", 35)}:
        return ";".join([*present, f"?{absent[0]}"])
    if (split, i) == ("train", 30):
        return ";".join(f"?{label}" for label in present[:1]) + "".join(f";{label}" for label in present[1:])
    return "" if (split, i) == ("train", 40) else ";".join(present)


def scenes(root: Path) -> None:
    """`scenes/`: up to three sounds at once in 3 s of background, with a table of several labels a clip."""
    total, rows = frames(3.0), []
    for split, count in SCENES.items():
        deck: list[str] = []
        shuffle = rng("scenes", split)
        for i in range(count):
            g = rng("scenes", split, i)
            wanted = 0 if i % 20 == 7 else int(g.integers(1, 4))
            present: list[str] = []
            while len(present) < wanted:  # from a shuffled deck, so that every label comes equally often
                if not any(label not in present for label in deck):
                    deck.extend(shuffle.permutation(list(KINDS)).tolist())
                present.append(deck.pop(next(j for j, label in enumerate(deck) if label not in present)))
            mix = np.zeros(total)
            for label in present:
                sound = KINDS[label](rng("scenes", split, i, label), g, g.uniform(1.2, 2.4))
                sound = to_rms(sound, g.uniform(-5, 3))
                mix += place(sound, int(g.integers(0, total - len(sound) + 1)), total)
            mix = mix + to_rms(noise(total, g.uniform(0.5, 1.5), g), -g.uniform(10, 20))
            path = root / "scenes" / f"{split}_{i:02d}.ogg"
            write(path, microphone(mix, g, snr=(20, 30)), codec="OPUS")
            rows.append((path.name, label_text(split, i, sorted(present)), split))
    write_table(root / "scenes" / "metadata.csv", ("file_name", "labels", "split"), rows)


def keywords(root: Path) -> None:
    """`keywords/WORD/`: class folders without a split, each clip of a word by another voice."""
    total = frames(0.8)
    for word in KEYWORDS:
        voices = rng("keywords", word).permutation(len(SPEAKERS_OF_KEYWORDS))[:12]
        for i, v in enumerate(voices):
            g = rng("keywords", word, i)
            sound = say(SPEAKERS_OF_KEYWORDS[v], word, g)[:total]
            clip = place(sound, int(g.integers(0, total - len(sound) + 1)), total)
            path = root / "keywords" / word / f"{word}_{i:02d}.ogg"
            write(path, microphone(clip, g, snr=(14, 30)), codec="OPUS")


def recordings(root: Path) -> None:
    """`recordings/`: what a model of the voices is to label; the file name says who it is."""
    kinds: dict[str, dict] = {
        "farid_directions": {"suffix": ".wav", "rate": 44100, "channels": 2},
        "hugo_invitation": {"suffix": ".mp3", "rate": 22050},
    }
    for name, text in RECORDINGS.items():
        g = rng("recordings", name)
        odd = dict(kinds.get(name, {"suffix": ".ogg"}))
        sound = say(VOICES[name.split("_")[0]], text, g)
        write(root / "recordings" / f"{name}{odd.pop('suffix')}", microphone(sound, g, snr=(14, 30)), **odd)


def long(root: Path) -> None:
    """`long/`: about a minute each of a place where things happen, and the table of what happens when."""
    places = {
        "forest": (58.0, 1.2, "bird footsteps bird dog rain bird bell footsteps dog bird"),
        "street": (50.0, 1.8, "engine footsteps siren beep dog engine bell siren beep"),
    }
    rows = []
    for name, (seconds, slope, order) in places.items():
        sound, happened = happening(("long", name), seconds, slope, order.split(), (1.5, 5.0))
        rows += [(f"{name}.ogg", *event) for event in happened]
        write(root / "long" / f"{name}.ogg", sound, quality=0.3)
    rows.sort(key=lambda row: (row[0], float(row[1])))
    write_table(root / "long" / "events.csv", ("file_name", "start", "end", "label"), rows)


def outdoors(root: Path) -> None:
    """`outdoors/`: shorter recordings of the same kind as `long/`, to learn from, with a table of what happens when."""
    rows = []
    for split, count in OUTDOORS.items():
        for i in range(count):
            g = rng("outdoors", split, i)
            order = [*g.permutation(list(KINDS)), *g.permutation(list(KINDS))][: int(g.integers(4, 9))]
            sound, happened = happening(("outdoors", split, i), 24.0, g.uniform(0.9, 1.9), order, (1.0, 4.0))
            name = f"{split}_{i:02d}.ogg"
            rows += [(name, *event, split) for event in sorted(happened, key=lambda event: float(event[0]))]
            write(root / "outdoors" / name, sound, codec="OPUS")
    write_table(root / "outdoors" / "metadata.csv", ("file_name", "start", "end", "label", "split"), rows)


def happening(
    address: tuple, seconds: float, slope: float, order: list[str], lengths: tuple[float, float]
) -> tuple[np.ndarray, list[tuple[str, str, str]]]:
    """Wind in which the kinds of sound of `order` happen one after the other: the sound, and (start, end, label)."""
    g, total = rng(*address), frames(seconds)
    wind = wind_noise(total, slope, g)
    slot = seconds / len(order)
    rows = []
    for i, label in enumerate(order):
        length = g.uniform(*lengths)
        sound = KINDS[label](rng(*address, i), g, length)
        loud = np.flatnonzero(np.abs(sound) > 0.02 * np.abs(sound).max())
        sound = fade(sound[loud[0] : loud[-1] + 1], 0.002, 0.01)
        # An event may reach into the slot of the next one, so that some overlap.
        at = min(frames(slot * (i + g.uniform(0.05, 0.8))), total - len(sound))
        wind += place(to_rms(sound, g.uniform(6, 16)), at, total)
        start, end = at / frames(1.0), (at + len(sound)) / frames(1.0)
        rows.append((f"{start:.3f}", f"{end:.3f}", label))
    return limited(to_rms(wind, -26.0)), rows


def wind_noise(total: int, slope: float, g: np.random.Generator) -> np.ndarray:
    """Background of RMS 0 dB that swells and ebbs over several seconds."""
    points = g.uniform(-3, 3, max(total // frames(4.0), 2) + 1)
    swell = np.interp(np.linspace(0, len(points) - 1, total), np.arange(len(points)), points)
    return to_rms(noise(total, slope, g) * 10 ** (swell / 20), 0.0)


PARTS = {f.__name__: f for f in (speakers, sounds, scenes, keywords, recordings, long, outdoors)}


def main() -> None:
    """Make all parts into `--out`, which is this folder if nothing is said."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="default: here")
    out = parser.parse_args().out
    for name, make in PARTS.items():
        shutil.rmtree(out / name, ignore_errors=True)
        make(out)
        files = [f for f in (out / name).rglob("*") if f.is_file()]
        print(f"{name:12s} {len(files):4d} files  {sum(f.stat().st_size for f in files) / 1e6:5.2f} MB")


if __name__ == "__main__":
    main()
