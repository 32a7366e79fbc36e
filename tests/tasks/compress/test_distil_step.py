"""`distil` as a step of `audioft compress`: who learns, from whom, and what an ensemble becomes."""

from __future__ import annotations

import io
import re

import makers
import pytest

import audioft
from audioft.errors import UsageError
from audioft.models import folder

QUIET = audioft.Console(quiet=True)
PLAIN = {"data.workers": 0, "train.precision": "fp32", "train.epochs": 1, "train.batch_size": 4}


@pytest.fixture(scope="module")
def models(two_tones, small_encoder, tmp_path_factory):
    """Two runs on the same clips, from different seeds."""
    place = tmp_path_factory.mktemp("runs")
    return [makers.train(two_tones, small_encoder, place / str(seed), seed=seed) for seed in (0, 1)]


def compress(model, data, out, **how):
    given = {"rounds": 0, "overrides": PLAIN, "console": QUIET, "force": True, "side": "test"}
    return audioft.compress(model, data, out=out, **given | how)


def test_half_the_layers_learn_from_the_original(models, two_tones, tmp_path):
    found = compress(models[0], two_tones, tmp_path / "small", how=["distil"])
    names = [row.name for row in found.rows]
    assert names[:2] == ["original", "distil"]
    model, card = folder.load(tmp_path / "small")
    whole, _ = folder.load(models[0].folder / "model")
    assert model.encoder.num_layers == -(-whole.encoder.num_layers // 2)
    assert card.labels == ("high", "low")
    assert found.taken.size < found.original.size


def test_recordings_without_labels_are_heard_besides(models, two_tones, tmp_path):
    console = audioft.Console(stream=(out := io.StringIO()))
    (tmp_path / "more").mkdir()
    others = [makers.tone(tmp_path / "more" / f"{i}.wav", 300 + 100 * i, 0.6).parent for i in range(3)]
    how = {"how": ["distil"], "student": 1, "unlabelled": others[:1], "console": console}
    compress(models[0], two_tones, tmp_path / "small", **how)
    assert re.search("3 without labels", out.getvalue())


def test_an_ensemble_becomes_one_model(models, two_tones, small_encoder, tmp_path):
    joined = audioft.ensemble([str(m.folder) for m in models], out=tmp_path / "joined", console=QUIET)
    place = getattr(joined, "folder", joined)
    with pytest.raises(UsageError, match="--how distil,quantise"):
        compress(place, two_tones, tmp_path / "small", how=["prune"])
    found = compress(place, two_tones, tmp_path / "small", how=["distil", "quantise"], student=str(small_encoder))
    assert [row.name for row in found.rows] == ["original", "distil", "distil + quantise"]
    model, _ = folder.load(tmp_path / "small")
    assert not hasattr(model, "members")
