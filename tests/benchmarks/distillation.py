"""A small model beside its teacher: `python tests/benchmarks/distillation.py TEACHER DATA --student ... --out DIR`.

TEACHER is a run; a student is as `{layers: 2}`, `{layers: 2, canvas: 5}` or `{encoder: mini}`. Each is distilled, and
trained the same way without a teacher (`floor`): from the same weights, with the same settings, by labels alone. Told
are the test clips that are labelled right with their 95 % interval, how many have the teacher's label, the megabytes of
the folder, and processor milliseconds a clip on one thread. Settings at the end (`train.epochs=8`) are of the training;
what lies in DIR is not made again.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

import audioft
from audioft.assembly.distilling.distil import BY_DEFAULT, distil
from audioft.assembly.distilling.settings import Distilling
from audioft.assembly.distilling.students import Asked
from audioft.configuration import config as configs
from audioft.core.progress import Console
from audioft.evaluation.report import Report

QUIET = Console(quiet=True)
NEW = {"model.layers": "weighted", "model.pooling": "stats", "model.head": "linear"}


def row(
    name: str, model: Path, data: str, place: Path, more: dict[str, Any], teacher: dict[str, str]
) -> dict[str, str]:
    """Print a line of the table; the labels that the model gives, by clip."""
    if not (place / "report.json").is_file():
        how = {k: v for k, v in more.items() if k.startswith("data.") and k not in ("data.max_seconds", "data.test")}
        how = {k: v for k, v in how.items() if k != "data.valid"}
        audioft.evaluate(model, data, side="test", out=place, overrides=how, players=0, console=QUIET, overwrite=True)
    accuracy = Report.load(place / "report.json").metrics["accuracy"]
    with open(place / "predictions.csv", newline="", encoding="utf-8") as file:
        said = {line["path"]: line["predicted"] for line in csv.DictReader(file)}
    same = np.mean([teacher[k] == v for k, v in said.items()]) if teacher else 1.0
    size = sum(p.stat().st_size for p in model.rglob("*") if p.is_file()) / 1e6
    interval = f"{accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f})"
    print(f"| {name} | {interval} | {same:.3f} | {size:.1f} | {milliseconds(model):.0f} |", flush=True)
    return said


def milliseconds(model: Path) -> float:
    """Processor time of a clip as long as the model's window on one thread, the median of nine."""
    torch.set_num_threads(1)
    predictor = audioft.load_model(model)
    samples = round(predictor.window * predictor.model.encoder.sample_rate)
    clip, length = torch.randn(1, samples), torch.tensor([samples])
    took = []
    with torch.inference_mode():
        for _ in range(10):
            began = time.process_time()
            predictor.model(clip, length)
            took.append(time.process_time() - began)
    return 1000 * float(np.median(took[1:]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("teacher")
    parser.add_argument("data")
    parser.add_argument("--student", action="append", required=True)
    parser.add_argument("--unlabelled", action="append", default=[])
    parser.add_argument("--how", default="{}", help="settings of `Distilling`, as JSON")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("settings", nargs="*")
    given = parser.parse_intermixed_args()
    more, how = dict(configs.pairs(given.settings)), Distilling(**json.loads(given.how))
    print("| model | right | teacher's label | MB | ms a clip |\n|---|---|---|---|---|")
    said = row("teacher", Path(given.teacher) / "model", given.data, given.out / "teacher", more, {})
    for text in given.student:
        student = yaml.safe_load(text)
        name = str(Asked.of(student))
        place = given.out / name.replace(" ", "-").replace(",", "").replace("/", "-")
        if not (place / "distilled" / "model").is_dir():
            options = {"how": how, "overrides": more, "console": Console()}
            distil(given.teacher, student, given.data, given.unlabelled, place / "distilled", **options)
        row(name, place / "distilled" / "model", given.data, place / "tested", more, said)
        settings = BY_DEFAULT | more | ({"data.max_seconds": student["canvas"]} if "canvas" in student else {})
        start = place / "distilled" / "student" / "model"
        options = {"start": start} if "encoder" not in student else {"encoder": student["encoder"]}
        new = NEW if "encoder" in student else {}
        if not (place / "floor" / "model").is_dir():
            audioft.finetune(given.data, out=place / "floor", overrides=settings | new, console=QUIET, **options)
        row(f"{name}, no teacher", place / "floor" / "model", given.data, place / "floor-tested", more, said)


if __name__ == "__main__":
    main()
