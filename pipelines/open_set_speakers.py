"""Tell voices apart that were never trained on: by a margin head, the encoder as it is, and statistics of spectra.

python pipelines/open_set_speakers.py VOICES OUT [--epochs N] [--encoder NAME]

VOICES is what `python samples/make_voices.py` makes. What OUT already holds is not trained again.
"""

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path

import audioft

CONFIG = Path(__file__).parents[1] / "configs" / "speakers.yaml"
parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
parser.add_argument("voices", type=Path)
parser.add_argument("out", type=Path)
parser.add_argument("--epochs", type=int, default=14, help="of the margin head (14)")
parser.add_argument("--encoder", default="mini")
given = parser.parse_args()
FASTER = {"train.epochs": given.epochs, "freeze": {0: "all", 2: "feature_extractor"}, "train.lr": 3e-4}
FASTER |= {"train.head_lr": 2e-3, "train.loss": {"name": "aam_softmax", "margin": {0: 0.0, 5: 0.1, 9: 0.2}}}
FASTER["augment"] = json.loads((given.voices / "ten" / "render.json").read_text(encoding="utf-8"))["augment"]
PLAIN = {"model.layers": "weighted", "model.pooling": "mean", "data.max_seconds": 3.0}


def said(*arguments):
    call = [sys.executable, "-m", "audioft", *map(str, arguments)]
    return subprocess.run(call, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()


def trained(name, data, settings, **how):
    run = audioft.Run(given.out / name)
    if not (run.model / "audioft.json").exists():
        how["overrides"] = settings | {"data.test": None}
        audioft.finetune(given.voices / data, encoder=given.encoder, out=run.folder, overwrite=True, **how)
    return run.model


def identified(model):
    """What becomes of the later half of each speaker's pieces in `ten`, where every second speaker is enrolled."""
    with open(given.voices / "ten" / "metadata.csv", encoding="utf-8") as file:
        clips = [(row["label"], given.voices / "ten" / row["file_name"]) for row in csv.DictReader(file)]
    speakers, later = sorted({who for who, _ in clips}), []
    for speaker in speakers:
        own = [path for who, path in clips if who == speaker]
        later += [(speaker, path) for path in own[len(own) // 2 :]]
        if speaker in speakers[::2]:
            said("enroll", model, speaker, *own[: min(5, len(own) // 2)], "--replace")
    found = list(csv.DictReader(said("identify", model, *(path for _, path in later))))
    right, near, refused, others = [], [], [], []
    for (who, _), row in zip(later, found, strict=True):
        if who in speakers[::2]:
            right.append(row["speaker"] == who)
            near.append(row["nearest"] == who)
            refused.append(row["speaker"] == "unknown")
        else:
            others.append(row["speaker"] == "unknown")
    shares = [f"{100 * sum(x) / len(x):.0f} %" for x in (right, refused, near, others)]
    said_of = "{} of {n} named rightly, {} refused, {} nearest to their own; of {m} of others {} refused"
    return said_of.format(*shares, n=len(right), m=len(others))


systems = {"log-mel statistics": ["log-mel"]}
for name, centre in (("encoder as it is", False), ("encoder, centred", True)):
    head = {"model.head": {"name": "prototype", "centre": centre}}  # of which only the mean is used
    systems[name] = [trained(name, "held", PLAIN | head, few_shot=True)]
systems["margin head"] = [trained("margin head", "known", FASTER, config=CONFIG)]
systems["margin head, cohort"] = [*systems["margin head"], "--cohort", given.voices / "known"]
for pairs in ("held", "ten", "three"):  # thresholds are chosen on the first
    for name, (model, *more) in systems.items():
        more += ["--store"] if pairs == "held" and model != "log-mel" and not more else []
        lines = said("verify", model, *more, "--trials", given.voices / f"{pairs}.csv")
        shown = [" ".join(x.split(",")[0].split()) for x in lines if x.startswith(("EER", "minDCF"))]
        print(f"{pairs:<6}{name:<20}{shown[0]:<32}{shown[1]:<38}{shown[2]}", flush=True)
for name in ("encoder, centred", "margin head"):
    print(f"{name:<20}{identified(*systems[name])}", flush=True)
