"""What a cell of a table says about labels, and the arrays made of it.

A `label` cell is one label. A `labels` cell is a JSON list or is separated by `;`:

    dog;bird    dog and bird are present, all others absent
    dog;?bird   dog is present, of bird nothing is known, all others absent
    dog;?       dog is present, of the others nothing is known
    (empty)     nothing is known;  `?` says the same
    []          none is present
"""

from __future__ import annotations

import functools
import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from audioft.core.wording import listed
from audioft.data.clip import Clip
from audioft.errors import DataError

Said = tuple[tuple[str, ...], tuple[str, ...] | Literal["rest"]]


def clean(text: str) -> str:
    """A label as it is compared and stored: NFC, without white space around it."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()


@functools.lru_cache(maxsize=2**12)  # so that a million clips share the tuples of their few labels
def single(text: str) -> Said:
    """The one label of a `label` cell.

    Raises:
        ValueError: the cell is empty or `?`.
    """
    label = clean(text)
    if label in ("", "?"):
        raise ValueError("its label is empty; fill it in or remove the row")
    return (label,), ()


@functools.lru_cache(maxsize=2**12)
def several(text: str) -> Said:
    """What a `labels` cell says: the labels present, and those of which nothing is known.

    Raises:
        ValueError: broken JSON, or a label that is called present and unknown.

    >>> several("dog; bird"), several("dog;?bird"), several(""), several("[]")
    ((('dog', 'bird'), ()), (('dog',), ('bird',)), ((), 'rest'), ((), ()))
    """
    text = text.strip()
    if text.startswith("["):
        try:
            items = json.loads(text)
        except json.JSONDecodeError as e:
            raise ValueError(f"labels {text!r} begin as a JSON list but are none: {e}") from None
        if any(not isinstance(i, str | int | float) or isinstance(i, bool) for i in items):
            raise ValueError(f"labels {text!r}: expected a list of strings")
    else:
        items = text.split(";")
        if not any(i.strip() for i in items):
            return (), "rest"
    words = [w for w in dict.fromkeys(clean(str(i)) for i in items) if w]
    present = tuple(w for w in words if not w.startswith("?"))
    unknown = tuple(clean(w[1:]) for w in words if w.startswith("?"))
    if "" in unknown:
        return present, "rest"
    if both := sorted(set(present) & set(unknown)):
        raise ValueError(f"labels {text!r}: {both[0]!r} is called both present and unknown")
    return present, unknown


def label_order(clips: Iterable[Clip]) -> tuple[str, ...]:
    """All labels the clips name, sorted by code point: the order of a model's outputs."""
    return tuple(sorted({label for clip in clips for label in clip.named}))


def targets(clips: Sequence[Clip], labels: Sequence[str], multilabel: bool) -> tuple[np.ndarray, np.ndarray]:
    """Targets of the clips as arrays.

    Args:
        clips: N clips.
        labels: the C labels, in the model's order.
        multilabel: whether any number of labels may be present.

    Returns:
        targets `(N, C)` float32 of 0 and 1, and known `(N, C)` bool; where not known, the target is 0.

    Raises:
        DataError: a clip has a label that is not among `labels`.
    """
    place = {label: i for i, label in enumerate(labels)}
    strange: dict[str, list[str]] = {}
    values = np.zeros((len(clips), len(labels)), np.float32)
    known = np.ones((len(clips), len(labels)), bool)
    for row, clip in enumerate(clips):
        if clip.unknown == "rest" and multilabel:
            known[row] = False
        for label in () if clip.unknown == "rest" else clip.unknown:
            if label in place:
                known[row, place[label]] = False
        for label in clip.labels:
            if label not in place:
                strange.setdefault(label, []).append(clip.key)
                continue
            values[row, place[label]] = 1.0
            known[row, place[label]] = True
    if strange:
        raise DataError(
            f"label {label!r} of {len(keys)} clips ({', '.join(keys[:3])}) is not among the labels "
            f"{', '.join(labels)}: "
            f"leave it out with data.drop={listed([label])}, rename it with data.rename, or train with clips of it"
            for label, keys in sorted(strange.items())
        )
    return values, known
