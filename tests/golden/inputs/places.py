"""Where audioft is used: other tools' names of settings, names of files, and programs that call it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from golden.inputs.cases import Case, classes, recording

import audioft


def named_in_latin_1(here: Path) -> None:
    """A recording whose name is not UTF-8, beside one whose name is."""
    recording(here / "new" / "Grün.wav", hz=2300.0)
    os.rename(recording(here / "new" / "b.wav", hz=300.0), os.fsencode(here / "new") + b"/caf\xe9.wav")


def tried(call) -> str:
    """What a call of ours is refused with."""
    try:
        return str(call())
    except (audioft.AudioftError, TypeError) as e:
        return f"{type(e).__name__}: {e}"


def with_settings(*overrides: str):
    return lambda here: tried(lambda: audioft.settings("d", overrides=list(overrides)))


def without_rate(here: Path) -> str:
    return tried(lambda: audioft.predict("run", np.zeros(16000, np.float32)))


def batch(here: Path) -> str:
    return tried(lambda: audioft.predict("run", np.zeros((8, 16000), np.float32), rate=16000))


def numbers(here: Path) -> str:
    return tried(lambda: audioft.predict("run", [0.1, 0.2], rate=16000))


def nothing(here: Path) -> None:
    """No file is needed."""


TRAIN = ("train", "{here}", "--encoder", "{encoder}", "--dry-run")
CASES = [
    Case(
        "a name that is not UTF-8",
        named_in_latin_1,
        ("predict", "{model}", "new"),
        said=("note: 1 recordings have names that are not UTF-8",),
        rows=("new/Grün.wav,*", "new/caf*.wav,*"),
    ),
    Case(
        "the learning rate of transformers", classes, (*TRAIN, "learning_rate=1e-4"), 2, ("did you mean 'train.lr'?",)
    ),
    Case(
        "an option of transformers",
        classes,
        (*TRAIN, "--num_train_epochs", "3"),
        2,
        ("unknown option: --num_train_epochs: did you mean train.epochs=",),
    ),
    Case("epochs alone", nothing, with_settings("epochs=3"), said=("did you mean 'train.epochs'?",)),
    Case(
        "a batch size of each device",
        nothing,
        with_settings("train.per_device_train_batch_size=8"),
        said=("did you mean 'train.batch_size'?",),
    ),
    Case("fp16", nothing, with_settings("fp16=true"), said=("did you mean 'train.precision' (fp32, bf16 or auto)?",)),
    Case("a model as a setting", nothing, with_settings("model=a/b"), said=("did you mean 'encoder.name'?",)),
    Case("a folder to write to as a setting", nothing, with_settings("output_dir=x"), said=("the option --out",)),
    Case(
        "a loss of another kind of data in a dry run",
        classes,
        (*TRAIN, "train.loss=bce"),
        2,
        ("train.loss: 'bce' does not fit data with one label a clip",),
    ),
    Case(
        "a metric of another kind of data in a dry run",
        classes,
        (*TRAIN, "train.metric=subset_accuracy"),
        2,
        ("train.metric: metric 'subset_accuracy' is not defined for one label a clip",),
    ),
    Case("an array without a rate", nothing, without_rate, said=("UsageError: the array has no rate",)),
    Case("a batch of arrays in one", nothing, batch, said=("UsageError: the array is (8, 16000)", "a list of arrays")),
    Case("a list of numbers", nothing, numbers, said=("TypeError: inputs[0] is a number",)),
]
