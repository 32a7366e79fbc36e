"""Classifiers in transformers' format that audioft never made, described as its own model folders are."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from audioft.core.storage import read_json
from audioft.errors import ModelError
from audioft.models.families import FAMILIES
from audioft.models.loading import load_preprocessing, refuse_unsupported

MADE_BY = "made_by"  # in config.json: a model of audioft's own needs its audioft.json
CLASSIFIERS = ("ForSequenceClassification", "ForAudioClassification")
WHOLE = 86_400.0  # seconds: the window of a model of which nobody knows what it was trained on


def describe(folder: Path, version: int) -> dict[str, Any] | None:
    """What `audioft.json` would say of a folder with a transformers audio classifier; None where it holds none.

    Recordings are labelled whole, up to a day, as nothing tells the length that it was trained on; several labels hold
    at once, each from a score of 0.5 on, where its config says `multi_label_classification`.

    Raises:
        ModelError: it is of a family that is not supported, or its labels are not numbered from 0.
    """
    config = _config(folder)
    if config is None or not any(str(a).endswith(CLASSIFIERS) for a in config.get("architectures") or ()):
        return None
    from transformers import AutoConfig

    whole = AutoConfig.from_pretrained(folder, local_files_only=True)
    refuse_unsupported(str(folder), whole)
    if sorted(whole.id2label) != list(range(len(whole.id2label))):
        raise ModelError(
            f"{folder}: the labels in config.json are not numbered from 0 on: {sorted(whole.id2label)[:10]}"
        )
    family = FAMILIES[whole.model_type]
    preprocessing, _ = load_preprocessing(str(folder), None, whole)
    sized = {"size": whole.classifier_proj_size} if family.head == "projection" else {}
    return {
        "format_version": version,
        "labels": [str(whole.id2label[i]) for i in range(len(whole.id2label))],
        "multilabel": whole.problem_type == "multi_label_classification",
        "window": WHOLE,
        "preprocessing": asdict(preprocessing),
        "layers": "weighted" if getattr(whole, "use_weighted_layer_sum", False) else "last",
        "pooling": family.pooling,
        "head": {"name": family.head, **sized},
        "encoder": {"name": str(folder), "family": whole.model_type},
    }


def encoder_hint(folder: Path) -> str:
    """What else to do with a folder that is an encoder, to go at the end of a message; empty where it is none."""
    config = _config(folder)
    if config is None or config.get("model_type") not in FAMILIES:
        return ""
    return "; it is an encoder, which labels nothing before it is trained: `audioft train DATA --encoder`"


def _config(folder: Path) -> dict[str, Any] | None:
    """The `config.json` of a folder; None where there is none, or where audioft wrote it with a model."""
    config = read_json(folder / "config.json", ModelError) if (folder / "config.json").is_file() else None
    return config if isinstance(config, dict) and config.get(MADE_BY) != "audioft" else None
