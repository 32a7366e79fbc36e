"""What a program gives to be labelled: names of files, arrays with a rate, and lists of them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from audioft.audio.sounds import Sound, sound
from audioft.data.clip import Clip
from audioft.data.inputs import unlabelled
from audioft.errors import AudioError, UsageError

#: What `Predictor.predict` takes, see there.
Inputs = str | os.PathLike[str] | Clip | np.ndarray | tuple[Any, int] | Mapping[str, Any] | Iterable[Any]
TAKES = (
    "expected a file, a folder, a pattern, an array or tensor of samples with rate=, a pair (samples, rate), or a list "
    "of these"
)
NO_ARRAY = "rate={!r} is for arrays; a file says its own rate"


def names_of(given: Any) -> list[str] | None:
    """The inputs as names of files, folders and patterns; None where something else is among them."""
    wanted = [given] if not isinstance(given, Iterable) or _one(given) else list(given)
    named = all(isinstance(one, str | os.PathLike) for one in wanted)
    return [os.fspath(one) for one in wanted] if named else None


def heard(given: Any, rate: Any = None) -> tuple[list[Clip | Sound], list[AudioError]]:
    """Recordings to be labelled, in their order, and what led to none.

    Args:
        given: see `TAKES`; a `Clip` stands for itself, a mapping with `array` and `sampling_rate`, as Hugging Face's
            data sets have it, for a pair.
        rate: of the arrays that have none of their own, Hz.

    Raises:
        TypeError: something else was given.
        UsageError: an array without a rate, or that is no sound; a rate without an array.
    """
    single = not isinstance(given, list | tuple | Iterable) or _one(given)
    found: list[Clip | Sound] = []
    failures: list[AudioError] = []
    for i, one in enumerate([given] if single else given):
        name = "the array" if single else f"inputs[{i}]"
        if isinstance(one, Clip):
            found.append(one)
        elif isinstance(one, str | os.PathLike):
            clips, failed = _named(os.fspath(one))
            found += clips
            failures += failed
        else:
            found.append(_sound(one, rate, name))
    if rate is not None and not any(isinstance(f, Sound) for f in found):
        raise UsageError(NO_ARRAY.format(rate))
    return found, failures


def one_heard(given: Any, rate: Any = None) -> Clip | Sound:
    """One recording: a file by its name, or samples.

    Raises:
        TypeError: something else was given, or several.
        UsageError: samples without a rate, or that are no sound; a rate without samples.
    """
    if isinstance(given, str | os.PathLike):
        if rate is not None:
            raise UsageError(NO_ARRAY.format(rate))
        name = os.fspath(given)
        return Clip(Path(os.path.abspath(name)), name)
    if isinstance(given, Clip) or not _one(given):
        raise TypeError(f"a {type(given).__name__} is not one recording: expected a file, or samples with a rate")
    return _sound(given, rate, "the array")


def _one(given: Any) -> bool:
    """Whether it is one recording, and not several."""
    return isinstance(given, str | os.PathLike | Clip | Mapping) or _samples(given) or _pair(given) or _frame(given)


def _samples(given: Any) -> bool:
    """Whether it is an array of numbers; one of names, as a column of pandas, is several inputs."""
    if not (hasattr(given, "shape") and hasattr(given, "dtype")):
        return False
    return given.shape == () or getattr(given.dtype, "kind", "") not in "OUST" or not hasattr(given.dtype, "kind")


def _frame(given: Any) -> bool:
    return hasattr(given, "columns") and hasattr(given, "iterrows")


def _pair(given: Any) -> bool:
    """Samples and their rate, as soundfile, librosa and torchaudio give them."""
    pair = isinstance(given, tuple) and len(given) == 2 and _samples(given[0])
    return pair and not isinstance(given[1], str | os.PathLike | Clip) and getattr(given[1], "shape", ()) == ()


def _named(name: str) -> tuple[list[Clip], list[AudioError]]:
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    if os.path.isdir(name) or not name or "\0" in name or (glob.has_magic(name) and not os.path.lexists(name)):
        return unlabelled([name])
    return [Clip(Path(os.path.abspath(name)), name, group=name)], []


def _sound(given: Any, rate: Any, name: str) -> Sound:
    if _pair(given):
        return sound(given[0], given[1], name)
    if isinstance(given, Mapping) and "array" in given:
        return sound(given["array"], given.get("sampling_rate", rate), name)
    if _samples(given) and getattr(given, "shape", ()) != ():
        return sound(given, rate, name)
    if isinstance(given, int | float) or _samples(given):
        raise TypeError(f"{name} is a number; {TAKES} (numbers in a list: numpy.asarray(numbers, numpy.float32))")
    column = " (of a table with columns, give one: frame['file_name'])" if _frame(given) else ""
    raise TypeError(f"{name} is of {type(given).__name__}; {TAKES}{column}")
