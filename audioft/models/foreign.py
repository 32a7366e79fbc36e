"""Classifiers in transformers' format that audioft never made, described as its own model folders are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from audioft.core.storage import read_json
from audioft.core.wording import counted
from audioft.errors import ModelError
from audioft.models.families import FAMILIES
from audioft.models.label_names import UNNAMED
from audioft.models.loading import load_preprocessing, refuse_unsupported

MADE_BY = "made_by"  # in config.json: a model of audioft's own needs its audioft.json
CLASSIFIERS = ("ForSequenceClassification", "ForAudioClassification")
ROWS = ("classifier.weight", "classifier.dense.weight")  # of the heads that transformers has
WHOLE = 86_400.0  # seconds: the window of a model of which nobody knows what it was trained on


def describe(folder: Path, version: int) -> dict[str, Any] | None:
    """What `audioft.json` would say of a folder with a transformers audio classifier; None where it holds none.

    Recordings are labelled whole, up to a day, as nothing tells the length that it was trained on; several labels hold
    at once, each from a score of 0.5 on, where its config says `multi_label_classification`.

    Raises:
        ModelError: it is of a family that is not supported, or estimates numbers; or its labels are not numbered from
            0, are not as many as the rows of its head, or contradict themselves.
    """
    config = _config(folder)
    if config is None or not any(str(a).endswith(CLASSIFIERS) for a in config.get("architectures") or ()):
        return None
    from transformers import AutoConfig

    try:
        whole = AutoConfig.from_pretrained(folder, local_files_only=True)
    except ValueError as e:  # settings that transformers itself refuses
        raise ModelError(f"{folder}: config.json cannot be used: {e}") from e
    refuse_unsupported(str(folder), whole)
    if sorted(whole.id2label) != list(range(len(whole.id2label))):
        raise ModelError(
            f"{folder}: the labels in config.json are not numbered from 0 on: {sorted(whole.id2label)[:10]}"
        )
    labels = [str(whole.id2label[i]) for i in range(len(whole.id2label))]
    _refuse_labels(folder, config, labels)
    several = whole.problem_type == "multi_label_classification"
    if whole.problem_type == "regression" or (len(labels) == 1 and not several):
        what = "it estimates numbers" if whole.problem_type == "regression" else "it has one label for everything"
        raise ModelError(
            f"{folder}: {what} (problem_type {whole.problem_type!r}, {counted(len(labels), 'label')} in config.json), "
            "and is no classifier; where its outputs are labels of which any may hold, write "
            "multi_label_classification as its problem_type"
        )
    family = FAMILIES[whole.model_type]
    preprocessing, _ = load_preprocessing(str(folder), None, whole)
    sized = {"size": whole.classifier_proj_size} if family.head == "projection" else {}
    return {
        "format_version": version,
        "labels": labels,
        "multilabel": several,
        "window": WHOLE,
        "preprocessing": preprocessing.told(),
        "layers": "weighted" if getattr(whole, "use_weighted_layer_sum", False) else "last",
        "pooling": family.pooling,
        "head": {"name": family.head, **sized},
        "encoder": {"name": str(folder), "family": whole.model_type},
    }


def _refuse_labels(folder: Path, config: dict[str, Any], labels: list[str]) -> None:
    """Refuse labels that are not those of the head, or of which nobody can tell which is which."""
    rows = _rows(folder)
    if rows is not None and rows != len(labels):
        names = "id2label" in config
        count = f"{len(labels)} label{'s' * (len(labels) != 1)}"
        told = f"the config names {count if names else 'no labels (id2label)'}"
        shown = ", ".join(map(repr, labels[:6])) + (", ..." if len(labels) > 6 else "")
        raise ModelError(
            f"{folder}: {told}, the head has {rows}{f' (named are {shown})' if names else ''}; write a name for each "
            f"row of the head into id2label of {folder / 'config.json'}, "
            f'"0" to "{rows - 1}" in the order they were trained in'
        )
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice:
        where = " and ".join(str(i) for i, label in enumerate(labels) if label == twice[0])
        raise ModelError(
            f"{folder}: two labels in config.json are called {twice[0]!r} ({where}); name them apart in id2label"
        )
    back = config.get("label2id")
    for name, number in back.items() if isinstance(back, dict) else ():
        if str(number) in map(str, range(len(labels))) and labels[int(number)] != name and not UNNAMED.fullmatch(name):
            raise ModelError(
                f"{folder}: config.json contradicts itself: in id2label {int(number)} is {labels[int(number)]!r}, in "
                f"label2id it is {name!r}; correct the wrong one, or take label2id out"
            )


def _rows(folder: Path) -> int | None:
    """How many labels the head's weights are for; None where that is not seen."""
    from safetensors import SafetensorError, safe_open

    for file in sorted(folder.glob("model*.safetensors")):
        try:
            with safe_open(file, "np") as weights:
                for name in ROWS:
                    if name in weights.keys():  # noqa: SIM118  (it has no other way to ask)
                        return int(weights.get_slice(name).get_shape()[0])
        except (SafetensorError, OSError):  # which loading tells better
            return None
    pickled = folder / "pytorch_model.bin"
    if not pickled.is_file():
        return None
    import torch

    try:
        weights = torch.load(pickled, map_location="meta", weights_only=True)
        return next((int(weights[name].shape[0]) for name in ROWS if name in weights), None)
    except Exception:  # likewise; what is raised has many classes
        return None


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
