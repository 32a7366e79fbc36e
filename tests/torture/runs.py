"""A run with every kind of randomness, small enough to be repeated a hundred times, and all numbers it ends with."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import makers
from checks import best_of

import audioft
from audioft.core.progress import Console

SETTINGS: dict[str, Any] = {
    "seed": 3,
    "train.epochs": 4,
    "train.batch_size": 4,
    "train.precision": "fp32",
    "train.device": "cpu",
    "train.log_every": 1,
    "train.save_steps": 2,
    "train.tensorboard": False,
    "data.max_seconds": 0.4,
    "encoder.dropout": 0.2,
    "freeze": {0: "all", 2: "feature_extractor"},
    "augment": [{"name": "gain", "p": 0.7}, {"name": "noise", "p": 0.7}],
    "cache.views": 2,
    "evaluate.resamples": 20,
}
CLOCKS = ("seconds", "waiting", "waited", "worked")


class Bench:
    """Data and encoder of the runs, made once.

    Args:
        place: a folder.
        each: recordings a label.
    """

    def __init__(self, place: Path, each: int = 10):
        self.data = makers.tones(place / "tones", each)
        self.encoder = makers.encoder(place / "encoder")

    def train(self, out: Path, resume: bool = False, **settings: Any) -> audioft.Run:
        """A run into `out`; `settings` have `__` for the dot."""
        given = SETTINGS | {k.replace("__", "."): v for k, v in settings.items()}
        return audioft.finetune(
            self.data, encoder=str(self.encoder), out=out, overrides=given, resume=resume, console=Console(quiet=True)
        )


def numbers(out: Path) -> dict[str, str]:
    """The sha256 of everything that a run ends with, by name: weights, optimiser, metrics, predictions; no clocks."""
    last = max((out / "checkpoints").glob("step-*"))
    files = [last / "model.safetensors", last / "optimizer.safetensors", best_of(out) / "model.safetensors"]
    files += [out / "model/model.safetensors", out / "predictions.csv"]
    found = {str(f.relative_to(out)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    state = json.loads((last / "state.json").read_text())
    for name, value in (("metrics", rows), ("state", [state])):
        plain = [{k: v for k, v in row.items() if k not in CLOCKS} for row in value]
        found[name] = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
    return found


def differing(a: dict[str, str], b: dict[str, str]) -> list[str]:
    """Names of what differs."""
    return sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k))
