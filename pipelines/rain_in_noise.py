"""What a model hears in plain noise, without and with recordings in which nothing happens (`data.negatives`).

python pipelines/rain_in_noise.py OUT

Noise of drawn colours and levels is made, trained on as a label `nothing` and met again in other draws.
"""

import argparse
import csv
from collections import Counter
from pathlib import Path

import numpy as np
import soundfile

import audioft

SOUNDS = Path(__file__).parents[1] / "samples" / "sounds"
SIDES = {"train": 24, "valid": 8, "test": 40}
RATE = 16000


def noise(random, seconds=1.5):
    """Noise whose power falls by 0 to 6 dB an octave."""
    spectrum = np.fft.rfft(random.standard_normal(round(seconds * RATE)))
    spectrum *= np.maximum(np.arange(len(spectrum)), 20.0) ** -random.uniform(0.0, 1.0)
    wave = np.fft.irfft(spectrum)
    return 10 ** random.uniform(-2.0, -0.7) * wave / np.abs(wave).max()


parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
parser.add_argument("out", type=Path)
out = parser.parse_args().out.resolve()
(out / "noise").mkdir(parents=True, exist_ok=True)
random, quiet = np.random.default_rng(0), audioft.Console(quiet=True)
with open(SOUNDS / "metadata.csv", encoding="utf-8") as file:
    sounds = [(SOUNDS.resolve() / row["file_name"], row["label"], row["split"]) for row in csv.DictReader(file)]
silent = []
for side, count in SIDES.items():
    for i in range(count):
        silent.append((out / "noise" / f"{side}_{i:02}.wav", "nothing", side))
        soundfile.write(silent[-1][0], noise(random), RATE)
met = [str(path) for path, _, side in silent if side == "test"]
for name, rows, negatives in (("without", sounds, []), ("with", [*sounds, *silent], ["nothing"])):
    table = out / f"{name}.csv"
    with open(table, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file_name", "label", "split"), *rows])
    how = {"data.allow_outside": True, "data.negatives": negatives}
    run = audioft.finetune(
        table, encoder="mini", out=out / name, few_shot=True, overrides=how, overwrite=True, console=quiet
    )
    sides = audioft.evaluate(run, SOUNDS, side="test", resamples=0, console=quiet)
    heard = Counter(p.label for p in audioft.predict(run, met))
    told = ", ".join(f"{label} {count}" for label, count in heard.most_common())
    right = sides.metrics["accuracy"].value
    print(f"{name:<8} negatives: {right:.0%} of the sounds right; {len(met)} of noise: {told}")
