"""A compressed model is exported in floats, of which the export makes its own 8 bits."""

from __future__ import annotations

import io

import numpy as np
import pytest

import audioft
from audioft.models import folder
from audioft.models.compression import compressed, int8


@pytest.fixture(scope="module")
def small(trained, two_tones, tmp_path_factory):
    out = tmp_path_factory.mktemp("small") / "model"
    quiet = audioft.Console(quiet=True)
    audioft.compress(trained, two_tones, out=out, how=["quantise"], force=True, side="test", rounds=0, console=quiet)
    return out


def test_layers_become_floats_of_the_same_weights(small):
    model, _ = folder.load(small)
    inner = model.encoder.model
    eight = {n: m for n, m in inner.named_modules() if isinstance(m, int8.Int8Linear)}
    assert eight
    assert compressed.in_floats(model.encoder)
    for name, module in eight.items():
        assert (inner.get_submodule(name).weight == module.multiplied()).all()
    assert not compressed.in_floats(model.encoder)  # nothing is left to do


def test_an_export_gives_nearly_the_scores_and_says_why_not_just_those(small, two_tones, tmp_path):
    pytest.importorskip("onnxscript", reason="what exports models is not installed")
    console = audioft.Console(stream=(said := io.StringIO()))
    out = audioft.export(small, out=tmp_path / "onnx", int8="no", console=console)
    assert "8 bits are exported as floats" in said.getvalue()
    found, expected = ([list(p.scores.values()) for p in audioft.predict(m, two_tones)] for m in (out, small))
    assert 0 < np.abs(np.subtract(found, expected)).max() < 0.05
