"""Compressed models on disk: to the bit, whole, and refused where they are not what they say."""

from __future__ import annotations

import json

import pytest
import tiny
import torch

from audioft.core.storage import HASHES
from audioft.errors import ModelError, UsageError
from audioft.models import folder
from audioft.models.card import ModelCard
from audioft.models.compression import compressed, int8, layout, narrowing
from audioft.models.loading import load_encoder

CARD = ModelCard(("a", "b", "c"), multilabel=False, window=1.0)


def compress(model, front: bool = True) -> None:
    """Fewer layers, heads and units, and all of it in eight bits."""
    encoder = model.encoder
    narrowing.keep_layers(model, range(min(2, encoder.num_layers)))
    if (found := layout.attention(encoder, 0)) is not None:
        narrowing.keep_heads(encoder, found, [1])
    narrowing.keep_units(encoder, layout.feed_forwards(encoder, 1)[0], torch.arange(16, 48))
    for name in int8.candidates(encoder.model):
        balance = torch.rand(64, encoder.model.get_submodule(name).in_features) if "attention" in name else None
        int8.replace(encoder.model, name, int8.quantised(encoder.model.get_submodule(name), balance))
    compressed.fold(encoder, compressed.foldable(encoder))
    compressed.settle(encoder, front=front, attention=True)
    model.eval()


def said(model) -> torch.Tensor:
    with torch.inference_mode():
        return model(*tiny.batch(tiny.noises([16000, 9999])))


@pytest.mark.parametrize("layers", ["last", "weighted", 2])
@pytest.mark.parametrize("kind", tiny.EVERY)
def test_what_is_loaded_is_what_was_saved(kind, layers, tmp_path):
    model = tiny.make_classifier(kind, layers=layers)
    compress(model, front=kind not in ("ast", "whisper"))
    before = said(model)
    folder.save(model, CARD, tmp_path / "model", "")
    loaded, card = folder.load(tmp_path / "model")
    assert torch.equal(said(loaded), before)
    assert card == CARD
    assert compressed.of(loaded.encoder) == compressed.of(model.encoder)
    assert any(p.dtype == torch.int8 for p in loaded.parameters())
    folder.save(loaded, card, tmp_path / "again", "")  # and once more
    assert torch.equal(said(folder.load(tmp_path / "again")[0]), before)


@pytest.fixture
def place(tmp_path):
    model = tiny.make_classifier()
    compress(model)
    folder.save(model, CARD, tmp_path / "model", "")
    return tmp_path / "model"


def test_it_is_small_and_transformers_refuses_it(place, tmp_path):
    from transformers import AutoModel, AutoModelForAudioClassification

    folder.save(tiny.make_classifier(), CARD, tmp_path / "whole", "")
    sizes = [sum(f.stat().st_size for f in p.rglob("*.safetensors")) for p in (place, tmp_path / "whole")]
    assert sizes[0] < 0.6 * sizes[1]
    for kind, at in ((AutoModel, place / "encoder"), (AutoModelForAudioClassification, place)):
        with pytest.raises(ValueError, match="audioft"):
            kind.from_pretrained(at)


def test_fewer_layers_alone_are_a_model_of_transformers(tmp_path):
    from transformers import AutoModelForAudioClassification

    model = tiny.make_classifier()
    narrowing.keep_layers(model, [0, 2])
    folder.save(model, CARD, tmp_path / "model", "")
    assert AutoModelForAudioClassification.from_pretrained(tmp_path / "model").config.num_hidden_layers == 2
    assert torch.equal(said(folder.load(tmp_path / "model")[0]), said(model))


def test_it_is_no_encoder_to_train(place):
    with pytest.raises(ModelError, match="was compressed: it labels with its model and learns nothing more"):
        load_encoder(str(place / "encoder"))


def test_training_from_it_is_refused(place, refused, two_tones, tmp_path):
    said = ("was compressed and learns nothing more",)
    refused("train", two_tones, "--from", place, "--out", tmp_path / "run", code=UsageError.exit_code, said=said)


def edited(place, **changes) -> None:
    """Change what the encoder's config says, as somebody does who knows of the list of hashes."""
    (place / HASHES).unlink(missing_ok=True)
    path = place / "encoder" / "config.json"
    about = json.loads(path.read_text())
    about["compressed"] |= changes.pop("compressed", {})
    path.write_text(json.dumps(about | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format_version": 9}, "format_version 9"),
        ({"compressed": {"heads": {}}}, "does not fit the encoder"),
        ({"compressed": {"units": {}}}, "does not fit the encoder"),
        ({"compressed": {"int8": {"encoder.layers.7.x": True}}}, "cannot be used"),
        ({"compressed": {"int8": {}}}, "does not fit the encoder"),
        ({"compressed": {"folded": ["nowhere"]}}, "cannot be used"),
        ({"encoder": {"model_type": "gpt"}}, "unknown"),
    ],
    ids=str,
)
def test_a_config_that_was_changed_is_told(place, changes, said):
    with pytest.raises(ModelError, match="Copy the folder anew") if not changes else pytest.raises(ModelError) as e:
        edited(place, **changes)
        folder.load(place)
    assert said in str(e.value)


def test_damage_is_told_by_its_hash(place):
    weights = place / "encoder" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelError, match="Copy the folder anew"):
        folder.load(place)


def test_weights_of_another_kind_are_told(place):
    from safetensors.torch import load_file, save_file

    (place / HASHES).unlink()
    path = place / "encoder" / "model.safetensors"
    weights = load_file(path)
    name = next(k for k in weights if k.endswith("weight_int8"))
    save_file(weights | {name: weights[name].float()}, path)
    with pytest.raises(ModelError, match="weights of another kind"):
        folder.load(place)


def test_an_ensemble_of_it_is_one_of_it(place, tmp_path):
    from audioft.models.ensembles.combining import made
    from audioft.models.ensembles.ensemble import Ensemble, Member

    members = [Member(str(i), *folder.load(place)) for i in range(2)]
    joined = Ensemble(members, CARD.labels, made({"how": "average"}, 2, 3, multilabel=False)).eval()
    before = said(joined)
    folder.save(joined, CARD, tmp_path / "joined", "")
    assert torch.equal(said(folder.load(tmp_path / "joined")[0]), before)


def test_it_goes_into_no_soup(place):
    from audioft.models.ensembles import soups

    models = [folder.load(place)[0] for _ in range(2)]
    assert soups.problem(models, ["a", "b"]) == "a was compressed: average first, then compress"
    assert soups.problem([tiny.make_classifier(), tiny.make_classifier()], ["a", "b"]) is None
