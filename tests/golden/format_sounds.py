"""The recordings that `make_formats.py` gives to audioft."""

from __future__ import annotations

from pathlib import Path

from format_settings import PLACE, RATE


def sounds() -> None:
    """Two pitches on three sides; two recordings to label, one longer than a window; others to train models on."""
    import makers
    import numpy as np
    import soundfile

    for side, count in (("train", 2), ("valid", 1), ("test", 1)):
        for label in ("high", "low"):
            for i in range(count):
                seed = ("train", "valid", "test").index(side) * 10 + i
                path = makers.tone(PLACE / "all.wav", makers.PITCHES[label], 0.3 + 0.02 * i, seed=seed)
                as_flac(path, PLACE / "sounds" / "tones" / side / label / f"{label}_{i}.flac")
    short = makers.tone(PLACE / "all.wav", 700.0, 0.4, seed=90)
    as_flac(short, PLACE / "sounds" / "new" / "one.flac")
    parts = [soundfile.read(makers.tone(PLACE / "all.wav", hz, 0.3, seed=91))[0] for hz in (2400.0, 300.0, 1500.0)]
    soundfile.write(PLACE / "sounds" / "new" / "two.ogg", np.concatenate(parts), RATE, format="OGG", subtype="VORBIS")
    # what follows is not kept: the models that come of it are
    makers.chords(PLACE / "chords", 16)
    rows = ["file_name,start,end,label,split"]
    for i, side in enumerate(("train", "train", "valid", "test")):
        waves, at = [], 0.0
        for n, label in enumerate(("high", "low", "high")):
            silent = np.random.default_rng([7, i, n]).normal(0, 0.01, round(0.3 * RATE))
            tone = soundfile.read(makers.tone(PLACE / "all.wav", makers.PITCHES[label], 0.4, seed=100 + 3 * i + n))[0]
            waves += [silent, tone]
            rows.append(f"{i}.wav,{at + 0.3:g},{at + 0.7:g},{label},{side}")
            at += 0.7
        (PLACE / "events").mkdir(exist_ok=True)
        soundfile.write(PLACE / "events" / f"{i}.wav", np.concatenate(waves), RATE)
    (PLACE / "events" / "metadata.csv").write_text("\n".join([*rows, ""]), encoding="utf-8")
    (PLACE / "all.wav").unlink()


def as_flac(path: Path, target: Path) -> None:
    import soundfile

    target.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(target, soundfile.read(path)[0], RATE, subtype="PCM_16")
