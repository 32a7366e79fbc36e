"""Measure a run on labelled recordings and list what it got wrong, the most certain mistakes first.

python pipelines/evaluate_run.py runs/speakers samples/speakers
"""

import csv
import sys
import tempfile
from pathlib import Path

import audioft

run, data = sys.argv[1:3]
with tempfile.TemporaryDirectory() as folder:
    report = audioft.evaluate(run, data, out=folder)
    with open(Path(folder) / "predictions.csv", newline="", encoding="utf-8") as f:
        wrong = [row for row in csv.DictReader(f) if row["label"] != row["predicted"]]
print(report)
for row in sorted(wrong, key=lambda row: -float(row["score"]))[:10]:
    truth, given = row["label"] or "(none)", row["predicted"] or "(none)"
    print(f"{row['path']}: {truth} taken for {given} ({float(row['score']):.2f})")
