"""Learn what happens when, frame by frame, and measure it beside a model of whole clips that listens in windows.

python pipelines/sound_events.py MIXES CLIPS OUT [--epochs N]

MIXES is a table of events with a split, as `python samples/make_mixes.py` makes it of CLIPS, CLIPS a table with `fold`.
"""

import argparse
from pathlib import Path

import audioft

CONFIGS = Path(__file__).parents[1] / "configs"
parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
for name in ("mixes", "clips", "out"):
    parser.add_argument(name, type=Path)
parser.add_argument("--epochs", type=int, default=15, help="of each training (15)")
parser.add_argument("--encoder", default="mini")
given = parser.parse_args()
between = {"events.use": "clips", "events.background": "class"}
TRAININGS = {
    "whole clips": (given.clips, "quick_cpu.yaml", {"data.test": "fold=5", "data.valid": "fold=4"}, 1.0),
    "events cut out, and what lies between": (given.mixes, "quick_cpu.yaml", between, 1.0),
    "frames": (given.mixes, "events.yaml", {}, None),
}
print(f"{'learnt from':<40}{'F1 of seconds (95 %)':<26}F1 of events (95 %)", flush=True)
for number, (name, (data, config, settings, window)) in enumerate(TRAININGS.items()):
    run = audioft.Run(given.out / f"run-{number}")
    if not (run.folder / "report.json").exists():
        audioft.finetune(
            data,
            encoder=given.encoder,
            out=run.folder,
            config=CONFIGS / config,
            overrides=settings | {"train.epochs": given.epochs},
            overwrite=True,
        )
    report = audioft.evaluate(run, given.mixes, side="test", events=True, window=window)
    report.save(given.out / f"events-{number}.json")
    shown = [
        f"{e.value:.3f} ({e.low:.3f} to {e.high:.3f})" for e in map(report.metrics.get, ("segment_f1", "event_f1"))
    ]
    print(f"{name:<40}{shown[0]:<26}{shown[1]}", flush=True)
