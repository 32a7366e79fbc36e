"""What a Whisper teaches on a shorter canvas: `python tests/benchmarks/teacher_canvas.py ENCODER DATA SECONDS...`.

DATA holds `esc10`; the linear probe of all layers over its five folds, and the seconds a clip takes.
"""

import sys
import time
from pathlib import Path

import numpy as np

from audioft.assets import probe_mini
from audioft.evaluation.probe import embed, probe
from audioft.models.loading import load_encoder

if __name__ == "__main__":
    name, data, *canvases = sys.argv[1:]
    table = probe_mini.rows(Path(data) / "esc10", ("file_name", "label", "fold"))
    task, folds = probe_mini.sounds(Path(data), table, 3, (4, 5)), np.array([int(row["fold"]) for row in table])
    splits = [(folds != k, folds == k) for k in range(1, 6)]
    for seconds in map(float, canvases):
        encoder, _ = load_encoder(name)
        encoder.shorten_canvas(round(seconds * encoder.sample_rate))
        began = time.perf_counter()
        features = embed(encoder, task.waveforms)
        each = (time.perf_counter() - began) / len(features)
        found = probe(features, task.labels, task.groups, splits)
        print(f"canvas of {seconds:g} s: {found}, {each:.3f} s a clip", flush=True)
