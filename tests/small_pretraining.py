"""Pretrainings small enough for tests, and what they leave behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import audioft
from audioft.core.progress import Console

#: A network of two layers whose convolutions start as a filterbank: 20 ms a frame.
SMALL = {
    "family": "wav2vec2",
    "filterbank": True,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "do_stable_layer_norm": True,
    "conv_dim": [48, 48, 48],
    "conv_kernel": [256, 5, 4],
    "conv_stride": [16, 5, 4],
    "conv_bias": True,
    "feat_extract_norm": "layer",
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
#: The same with every kind of randomness, for a run of a few steps.
BRIEF: dict[str, Any] = {
    "encoder.architecture": SMALL | {"conv_dim": [24, 24, 24], "hidden_size": 16, "intermediate_size": 32},
    "freeze": "none",
    "encoder.dropout": 0.2,
    "encoder.layerdrop": 0.2,
    "data.crop_seconds": 0.5,
    "data.held_out": 0.2,
    "data.workers": 0,
    "augment": [{"name": "gain", "p": 0.7}, {"name": "speed", "p": 0.7}],
    "disturb": [{"name": "noise", "p": 0.7}],
    "mixing": {"p": 0.7},
    "objective.mask_frames": 4,
    "objective.sample_frames": 1000,
    "objective.rounds": [
        {"targets": "mfcc", "clusters": 8, "steps": 6},
        {"targets": "layer", "clusters": 8, "layer": 1, "steps": 6},
    ],
    "train.batch_size": 4,
    "train.measures": 2,
    "train.precision": "fp32",
    "train.device": "cpu",
    "train.log_every": 1,
    "train.save_steps": 2,
    "train.tensorboard": False,
}


def pretrain(data: Any, out: Path, **options: Any) -> Path:
    """A pretraining of `BRIEF` settings; `overrides` on top of them."""
    settings = BRIEF | options.pop("overrides", {})
    console = options.pop("console", None) or Console(quiet=True)
    return audioft.pretrain(data, out=out, overrides=settings, console=console, **options)


def strings(settings: dict[str, Any]) -> list[str]:
    """Settings as the command takes them."""
    return [f"{k}={json.dumps(v)}" for k, v in settings.items()]


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """The metrics of a round, without the time they took."""
    lines = (folder / "pretraining" / name / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in ("seconds", "waiting")} for line in lines]


def measured(folder: Path, name: str) -> list[dict[str, Any]]:
    """Those of its rows that were taken on held-out recordings."""
    return [r for r in rows(folder, name) if r["kind"] == "valid"]


def left_behind(folder: Path) -> dict[str, Any]:
    """All numbers that a pretraining ends with."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*.safetensors")):
        found[path.relative_to(folder).as_posix()] = path.read_bytes()
    for place in sorted((folder / "pretraining").glob("round-*")):
        found[f"{place.name} rows"] = rows(folder, place.name)
    return found
