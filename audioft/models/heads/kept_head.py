"""What a classifier's head knew of the labels is kept: where it is gone on from, and where it gets other labels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from audioft.core.registry import Spec
from audioft.models.classifier import AudioClassifier
from audioft.models.heads.merged_rows import NAME, inner, is_merged
from audioft.models.poolings_and_heads import heads


def same_head(model: AudioClassifier, source: AudioClassifier) -> bool:
    """Whether what is above the encoder is of one form in both, but for the number of labels and of their rows."""
    ours, theirs = ({**m.spec, "head": inner(m.spec["head"])} for m in (model, source))
    merged = is_merged(model.spec["head"]) == is_merged(source.spec["head"])
    return ours == theirs and merged and model.encoder.hidden_size == source.encoder.hidden_size


def keep_head(model: AudioClassifier, source: AudioClassifier, rows: Sequence[int | None]) -> None:
    """Take over everything above the encoder from `source`, for each label its own weights.

    Args:
        model: changed in place; for a label that `source` does not know it keeps what it has.
        source: a classifier of the same form, see `same_head`.
        rows: for each label of `model` its position in `source`, None for a new one.

    Raises:
        ValueError: the two are not of one form, or a label of several rows is one of another number.
    """
    ours_of, theirs_of = _rows_of(model), _rows_of(source)
    pairs = [(mine, theirs_of[row]) for mine, row in zip(ours_of, rows, strict=True) if row is not None]
    if not same_head(model, source) or any(len(mine) != len(old) for mine, old in pairs):
        raise ValueError(f"heads of two forms: {model.spec} and {source.spec}")
    whole = list(rows) == list(range(source.num_labels))
    of_labels = set() if whole else {f"head.{name}" for name in _label_tensors(model)}
    theirs, ours = source.state_dict(), model.state_dict()
    with torch.no_grad():
        for name in (n for n in ours if not n.startswith("encoder.")):
            if name not in of_labels:
                ours[name].copy_(theirs[name])
                continue
            # a row may be several vectors, as the sub-centres of a margin head
            mine, old = (t[name].view(sum(map(len, of)), -1) for t, of in ((ours, ours_of), (theirs, theirs_of)))
            for to, at in pairs:
                mine[to.start : to.stop].copy_(old[at.start : at.stop])


def relabelled(model: AudioClassifier, rows: Sequence[Sequence[int]]) -> AudioClassifier:
    """A classifier on the same encoder whose labels are some of the model's, or several of them together.

    Scores of single rows are the model's own. The logit of several is the logarithm of the sum of the exponentials of
    theirs: of a softmax, their probabilities add up; of sigmoids, they say nothing of either label.

    Args:
        model: not changed; the encoder is shared.
        rows: for each new label the positions of those that it is made of.
    """
    rows_of = _rows_of(model)
    own = [[row for label in labels for row in rows_of[label]] for labels in rows]
    head = inner(model.spec["head"])
    weights = model.head.inner if is_merged(model.spec["head"]) else model.head
    plain = _like(model, sum(map(len, rows_of)), head, weights)
    flat = _like(model, sum(map(len, own)), head)
    keep_head(flat, plain, [row for label in own for row in label])
    if all(len(label) == 1 for label in own):
        return flat.eval()
    spec: dict[str, Any] = {"name": NAME, "head": head, "parts": [len(r) for r in own]}
    made = _like(model, len(own), spec)
    made.head.inner.load_state_dict(flat.head.state_dict())
    return made.eval()


def _like(model: AudioClassifier, labels: int, head: Spec, weights: nn.Module | None = None) -> AudioClassifier:
    """A classifier with the encoder, the layers and the pooling of another, and this head."""
    made = AudioClassifier(model.encoder, labels, model.spec["layers"], model.spec["pooling"], head)
    for name in ("layer_sum", "pooling"):
        if getattr(model, name) is not None:
            getattr(made, name).load_state_dict(getattr(model, name).state_dict())
    if weights is not None:
        made.head.load_state_dict(weights.state_dict())
    return made


def _rows_of(model: AudioClassifier) -> list[range]:
    """The rows of the head that each label has."""
    parts = list(model.head.parts) if is_merged(model.spec["head"]) else [1] * model.num_labels
    ends = list(itertools.accumulate(parts, initial=0))
    return [range(start, end) for start, end in itertools.pairwise(ends)]


def _label_tensors(model: AudioClassifier) -> set[str]:
    """Names of the head's tensors that grow with the number of labels."""
    head = inner(model.spec["head"])
    size = model.encoder.hidden_size if model.frame_level else model.pooling.output_size
    with torch.device("meta"):
        shapes = [
            {k: v.shape for k, v in heads.build(head, input_size=size, num_labels=n).state_dict().items()}
            for n in (2, 3)
        ]
    within = "inner." if is_merged(model.spec["head"]) else ""
    return {f"{within}{k}" for k in shapes[0] if shapes[0][k] != shapes[1][k]}
