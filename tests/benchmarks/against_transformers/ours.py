"""audioft as its users run it: the command, in a process of its own; and the models that both sides begin with."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

from . import settings


def train_command(data: Path, encoder: str, out: Path, given: dict[str, Any]) -> list[str]:
    """`audioft train` with settings by their dotted keys."""
    from audioft.configuration.config import spell

    pairs = [f"{k}={spell(v)}" for k, v in given.items()]
    return [sys.executable, "-m", "audioft", "train", str(data), "--encoder", encoder, "--out", str(out), "-q", *pairs]


def training_settings(row: settings.Training, epochs: int, clips: int) -> dict[str, Any]:
    """All settings of a row that are not audioft's defaults; the loss is logged once an epoch, as by the opponent."""
    own = {"freeze": row.freeze, "train.epochs": epochs, "train.lr": row.lr}
    return settings.OURS | own | {"train.log_every": -(-clips // settings.BATCH)} | row.settings


def trained(run: Path) -> dict[str, Any]:
    """What a run folder says: the figures of the best epoch, and the seconds between its first and last step."""
    from audioft.assembly.run_folder import Run

    report, history = Run(run).report, Run(run).history
    rows = [r for r in history if r["kind"] == "train" and r["loss"] is not None]
    valid = [r for r in history if r["kind"] == "valid"]
    best = max(valid, key=lambda r: (r["accuracy"], -r["loss"]))
    return {
        "accuracy": report.metrics["accuracy"].value,
        "valid_loss": best["loss"],
        "train_loss": rows[-1]["loss"] if rows else None,
        "clips": report.clips,
        "training_seconds": valid[-1]["seconds"],
    }


def seconds_a_clip(run: Path) -> float:
    """Of training, between the first and the last row of its metrics: without the start of the workers."""
    from audioft.assembly.run_folder import Run

    rows = [r for r in Run(run).history if r["kind"] == "train"]
    steps = rows[-1]["step"] - rows[0]["step"]
    return (rows[-1]["seconds"] - rows[0]["seconds"]) / (steps * settings.BATCH)


def initial(data: Path, encoder: str, given: dict[str, Any], out: Path, fit: bool = False) -> Path:
    """The model that `audioft train` with these settings begins with, head and all, as transformers reads it.

    Args:
        data: labelled by its folders.
        encoder, given: of the run.
        out: the folder.
        fit: fit the head to the training side first, in one pass over it.
    """
    import audioft
    from audioft.assembly import build
    from audioft.models import folder
    from audioft.models.card import ModelCard

    config = audioft.settings(data, encoder, overrides=given)
    labels = tuple(sorted(p.name for p in (data / "train").iterdir()))
    model, _ = build.classifier(config, labels, False)
    if fit:
        _fit(model, data / "train", labels)
    folder.save(model, ModelCard(labels, False, window=config.data.max_seconds), out, "")
    return out


def _fit(model: Any, side: Path, labels: tuple[str, ...]) -> None:
    """A head fitted to pooled states, brought to mean 0 and deviation 1, which then is folded into its projection."""
    import torch

    from audioft.audio import io
    from audioft.evaluation.scoring import preparation

    prepare, pooled, targets = preparation(model), [], []
    model.eval()
    for path in sorted(side.glob("*/*")):
        wave = prepare(io.read(path, prepare.sample_rate))
        with torch.inference_mode():
            pooled.append(model.embed(wave[None], torch.tensor([len(wave)]))[0])
        targets.append(labels.index(path.parent.name))
    x, y = torch.stack(pooled).clone(), torch.tensor(targets)
    mean, deviation = x.mean(0), x.std(0) + 1e-3
    optimizer = torch.optim.AdamW(model.head.parameters(), lr=3e-3)
    for _ in range(200):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model.head((x - mean) / deviation), y).backward()
        optimizer.step()
    projector = model.head.projector
    with torch.no_grad():
        projector.weight.div_(deviation)
        projector.bias.sub_(projector.weight @ mean)


def label_command(model: Path, folder: Path, out: Path, precision: str) -> list[str]:
    """`audioft predict` on a folder."""
    words = ["predict", str(model), str(folder), "--all-scores", "--precision", precision, "--out", str(out), "-q"]
    return [sys.executable, "-m", "audioft", *words]


def labelled(table: Path, folder: Path) -> dict[str, dict[str, float]]:
    """The scores of each recording by label, from the table of `label_command`."""
    with open(table, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        str(Path(row["path"]).relative_to(folder)): {
            k.removeprefix("score:"): float(v) for k, v in row.items() if k.startswith("score:")
        }
        for row in rows
    }


def write_task(path: Path, task: dict[str, Any]) -> Path:
    """What the opponent is to do, as a file."""
    path.write_text(json.dumps(task), encoding="utf-8")
    return path
