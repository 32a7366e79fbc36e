"""Passes of encoders in this process: a new one takes seconds to begin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from audioft.errors import ModelError
from audioft.tasks.probe import encoder_pass


def features(
    order: encoder_pass.Order, progress: Callable[[int], None], say: Callable[[str], None]
) -> tuple[np.ndarray, encoder_pass.Passed]:
    """In the place of `encoder_pass.features`."""
    told: list[dict] = []

    def tell(answer: dict) -> None:
        told.append(answer)
        say(answer["said"]) if "said" in answer else progress(answer.get("done", 0))

    try:
        encoder_pass.carry_out(order, tell)
    except Exception as e:
        raise ModelError(str(e)) from e
    return np.load(order.result), encoder_pass.Passed(**told[-1]["passed"])


def here(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have `audioft probe` pass encoders in this process; how many clips go through them at a time is counted."""
    from audioft.evaluation import embeddings

    counted: list[int] = []
    embed = embeddings.embed

    def counting(encoder, waveforms, *rest):
        counted.append(len(waveforms))
        return embed(encoder, waveforms, *rest)

    monkeypatch.setattr(embeddings, "embed", counting)
    monkeypatch.setattr(encoder_pass, "features", features)
    return counted
