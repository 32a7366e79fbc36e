"""Going on from a classifier: what its head knew of the labels is kept, what is new is made."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from audioft.models.classifier import AudioClassifier
from audioft.models.poolings_and_heads import heads


def same_head(model: AudioClassifier, source: AudioClassifier) -> bool:
    """Whether what is above the encoder is of one form in both, but for the number of labels."""
    return model.spec == source.spec and model.encoder.hidden_size == source.encoder.hidden_size


def keep_head(model: AudioClassifier, source: AudioClassifier, rows: Sequence[int | None]) -> None:
    """Take over everything above the encoder from `source`, for each label its own weights.

    Args:
        model: changed in place; for a label that `source` does not know it keeps what it has.
        source: a classifier of the same form, see `same_head`.
        rows: for each label of `model` its position in `source`, None for a new one.

    Raises:
        ValueError: the two are not of one form.
    """
    if not same_head(model, source):
        raise ValueError(f"heads of two forms: {model.spec} and {source.spec}")
    of_labels = {f"head.{name}" for name in _label_tensors(model)}
    theirs, ours = source.state_dict(), model.state_dict()
    with torch.no_grad():
        for name in (n for n in ours if not n.startswith("encoder.")):
            if name not in of_labels:
                ours[name].copy_(theirs[name])
                continue
            # a label may have several rows, as the sub-centres of a margin head
            mine, old = ours[name].view(model.num_labels, -1), theirs[name].view(source.num_labels, -1)
            for label, row in enumerate(rows):
                if row is not None:
                    mine[label].copy_(old[row])


def _label_tensors(model: AudioClassifier) -> set[str]:
    """Names of the head's tensors that grow with the number of labels."""
    size = model.encoder.hidden_size if model.frame_level else model.pooling.output_size
    with torch.device("meta"):
        shapes = [
            {k: v.shape for k, v in heads.build(model.spec["head"], input_size=size, num_labels=n).state_dict().items()}
            for n in (2, 3)
        ]
    return {k for k in shapes[0] if shapes[0][k] != shapes[1][k]}
