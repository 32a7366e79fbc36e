"""Pretrain an encoder further on unlabelled recordings of another domain, and measure what that gives, for two domains:
sounds in heavy noise and a narrow band, words through a telephone, made from `esc10` and `picovoice-wakeword` in DATA.
What OUT already holds is not made again, so that a stopped call goes on; for other settings, give another OUT.
python pipelines/domain_adaptation.py DATA OUT [--steps N] [--epochs N] [--lr RATE] [--general FOLDER]
"""

import argparse
import csv
from collections import Counter
from pathlib import Path

import audioft

CONFIG = Path(__file__).parents[1] / "configs" / "quick_cpu.yaml"
NOISY = [
    {"name": "noise", "p": 1, "min_snr_db": 0, "max_snr_db": 10},
    {"name": "band_limit", "p": 1, "max_high_hz": 4000},
]
TELEPHONE = [{"name": "noise", "p": 1, "min_snr_db": 5, "max_snr_db": 15}, {"name": "telephone", "p": 1}]
OPTIONS = {
    "--encoder": ("mini", "what to begin with"),
    "--steps": (500, "of pretraining, in each domain"),
    "--lr": (2e-4, "of pretraining; low, so that little is forgotten"),
    "--epochs": (16, "of fine-tuning"),
}


def side(row, number):
    """By fold; of a training side that is given, 10 clips a label are learnt from, 5 choose the best epoch."""
    if "fold" in row:
        return {"4": "valid", "5": "test"}.get(row["fold"], "train")
    return row["split"] if row["split"] != "train" else "train" if number <= 10 else "valid" if number <= 15 else ""


def labelled(folder):
    """A table beside the copies' own, with the clips whose labels are used and the side of each."""
    rows = list(csv.DictReader((folder / "metadata.csv").read_text(encoding="utf-8").splitlines()))
    numbers = Counter()
    for row in rows:
        numbers[own := (row.get("split"), row["label"])] += 1
        row["split"] = side(row, numbers[own])
    with open(folder / "labelled.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row for row in rows if row["split"])
    return folder / "labelled.csv"


DOMAINS = (
    ("noisy sounds", "esc10", NOISY, {"fold": [1, 2, 3]}),
    ("telephone words", "picovoice-wakeword", TELEPHONE, {"split": "train"}),
)
parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
parser.add_argument("data", type=Path)
parser.add_argument("out", type=Path)
for name, (default, about) in OPTIONS.items():
    parser.add_argument(name, type=type(default), default=default, help=f"{about} ({default})")
parser.add_argument("--general", action="append", default=[], metavar="FOLDER", help="to mix in, half as often")
given = parser.parse_args()
print(f"{'domain':<17}{'encoder':<10}{'linear probe (95 %)':<25}fine-tuned (95 %)", flush=True)
for domain, name, augment, where in DOMAINS:
    place = given.out / name
    if not (copies := place / "recordings").exists():
        audioft.render(given.data / name, copies, augment=augment)
    settings = {
        "data.sources": [{"path": str(copies), "where": where}, *({"path": g, "weight": 0.5} for g in given.general)],
        "objective.rounds": [{"targets": "layer", "clusters": 200, "steps": given.steps}],
        "train.lr": given.lr,
    }
    if not (adapted := place / "encoder").joinpath("model.safetensors").exists():
        audioft.pretrain(out=adapted, start=given.encoder, overrides=settings, overwrite=True)
    table, tuning = labelled(copies), {"config": CONFIG, "overrides": {"train.epochs": given.epochs}}
    for state, encoder in ("before", given.encoder), ("adapted", str(adapted)):
        p = audioft.probe(encoder, table, clips=100_000)
        run = audioft.Run(place / f"run-{state}")
        if not (run.folder / "report.json").exists():
            audioft.finetune(table, encoder=encoder, out=run.folder, overwrite=True, **tuning)
        t = run.report.metrics["accuracy"]
        shown = [f"{v:.3f} ({x.low:.3f} to {x.high:.3f})" for v, x in ((p.accuracy, p), (t.value, t))]
        print(f"{domain:<17}{state:<10}{shown[0]:<25}{shown[1]}", flush=True)
