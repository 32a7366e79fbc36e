"""Who teaches and who learns: the teacher's folder, and a model folder that the student begins as."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from audioft.core.runtime import address
from audioft.core.wording import counted
from audioft.errors import ConfigError, ModelError
from audioft.models import folder as model_folder
from audioft.models import heard
from audioft.models.card import ModelCard
from audioft.models.classifier import AudioClassifier
from audioft.models.compression import thinned
from audioft.models.ensembles.ensemble import Ensemble
from audioft.models.hub import model_folder as place_of
from audioft.models.loading import load_encoder

Given = int | str | os.PathLike[str] | Mapping[str, Any]
#: What is put on an encoder that comes without: what a probe of all its layers sees.
NEW = {"layers": "weighted", "pooling": "stats", "head": "linear"}


@dataclass(frozen=True)
class Asked:
    """What the student is to be.

    Attributes:
        layers: so many of the teacher's own; None for another encoder.
        canvas: seconds of the canvas that a Whisper of these layers lays clips on; None for the teacher's.
        encoder: it, `mini`, a folder or a hub id.
        model: a classifier of the same labels to go on from.
    """

    layers: int | None = None
    canvas: int | None = None
    encoder: str | None = None
    model: str | None = None

    def __str__(self) -> str:
        if self.layers is not None:
            short = "" if self.canvas is None else f", on a canvas of {self.canvas} s"
            return f"{counted(self.layers, 'layer')} of the teacher{short}"
        return self.encoder or str(self.model)

    @classmethod
    def of(cls, given: Given) -> Asked:
        """What was asked for: a number of layers, an encoder's name, or `{layers: N}`, with `canvas: SECONDS` where the
        teacher is a Whisper, `{encoder: X}`, `{model: X}`.

        Raises:
            ConfigError: it is none of them.
        """
        if isinstance(given, int) and not isinstance(given, bool):
            given = {"layers": given}
        elif isinstance(given, str | os.PathLike):
            place = Path(given)
            given = {"model" if (place / "audioft.json").is_file() else "encoder": os.fspath(given)}
        kinds = ({"layers"}, {"layers", "canvas"}, {"encoder"}, {"model"})
        if not isinstance(given, Mapping) or set(given) not in kinds:
            raise ConfigError(
                f"student: expected {{layers: N}}, {{encoder: NAME}} or {{model: FOLDER}}; found {given!r}"
            )
        for key in ("layers", "canvas"):
            if key in given and (isinstance(given[key], bool) or not isinstance(given[key], int)):
                raise ConfigError(f"student.{key}: expected a whole number; found {given[key]!r}")
        names = {k: os.fspath(v) for k, v in given.items() if k in ("encoder", "model")}
        return cls(given.get("layers"), given.get("canvas"), names.get("encoder"), names.get("model"))


def teacher(path: str | os.PathLike[str]) -> tuple[AudioClassifier, ModelCard, Path]:
    """The model of a folder, a run or a hub id, its card, and where it lies.

    Raises:
        ModelError: it cannot be read, or answers for frames.
    """
    place: Path = place_of(os.fspath(path))
    model, card = model_folder.load(place)
    if model.frame_level:
        raise ModelError(f"{path} answers for every frame; what is distilled answers for clips")
    return model, card, place


def begin(asked: Asked, model: AudioClassifier, card: ModelCard, place: Path, out: Path, seed: int) -> None:
    """Write the model folder that the student begins as; its sides, labels and reading are the teacher's.

    Args:
        asked: for what.
        model, card, place: the teacher's.
        out: the folder to be written.
        seed: of a new head.

    Raises:
        ConfigError: the teacher has not so many layers, or several encoders; or the labels are others.
        ModelError: the student cannot be loaded, or hears in another way.
    """
    student, encoder = _made(asked, model, card, seed)
    if student.encoder.hearing != model.encoder.hearing:
        raise ModelError(
            f"student: {asked} hears {student.encoder.hearing}, and the teacher {model.encoder.hearing}; "
            "a student hears as its teacher does"
        )
    known = heard.of_folder(place)
    about = replace(card, thresholds=None, verification=None, segments=None, measured={}, encoder=encoder)
    model_folder.save(student, about, out, "# A student before it has learnt\n", heard=known)


def _made(asked: Asked, model: AudioClassifier, card: ModelCard, seed: int) -> tuple[AudioClassifier, dict[str, Any]]:
    if asked.layers is not None:
        if isinstance(model, Ensemble):
            raise ConfigError(
                f"student.layers: the teacher is {counted(len(model.members), 'model')} joined into one, and has no "
                "layers of its own; name an encoder, {encoder: mini}, or one of the models"
            )
        if not 1 <= asked.layers <= model.encoder.num_layers:
            raise ConfigError(f"student.layers: {asked.layers}, but the teacher has {model.encoder.num_layers}")
        try:
            return thinned.thinned(model, asked.layers, asked.canvas), dict(card.encoder)
        except ValueError as problem:
            raise ConfigError(f"student.canvas: {problem}") from None
    if asked.model is not None:
        own, about = model_folder.load(place_of(asked.model))
        if about.labels != card.labels or about.multilabel != card.multilabel:
            raise ConfigError(f"student.model: {asked.model} has other labels than the teacher, or in another order")
        return own, dict(about.encoder)
    assert asked.encoder is not None
    encoder, report = load_encoder(asked.encoder)
    spec = NEW if encoder.backbone.timed else {**NEW, "layers": "last", "pooling": "own"}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(address(seed, "init"))
        made = AudioClassifier(encoder, len(card.labels), **spec)
    return made, {"name": report.name, "family": encoder.family}
