"""An ensemble gives what its members say, combined; in one pass of a shared encoder; the same from its folder."""

import copy
import math

import numpy as np
import pytest
import tiny
import torch

from audioft.errors import ModelError
from audioft.evaluation.scoring import probabilities
from audioft.inference.predictor import Predictor
from audioft.models import folder as folders
from audioft.models.ensembles import soups
from audioft.models.ensembles.combining import Average, Stack, Vote, features
from audioft.models.ensembles.ensemble import Ensemble, Member
from audioft.models.folder import ModelCard

LABELS = ("cat", "dog", "wren")
CLIPS = tiny.noises([9000, 5000, 720])
KNOWN = torch.ones(3, 3).bool()


def card(labels=LABELS, multilabel=False):
    return ModelCard(labels, multilabel, window=10.0, encoder={"name": "tiny"})


def member(name, **options):
    return Member(name, tiny.make_classifier(**options), card())


def heads(model, *specs, layers=None, seed=5):
    """Classifiers on copies of one encoder, with heads of their own."""
    found = []
    for i, spec in enumerate(specs):
        torch.manual_seed(seed + i)
        encoder = copy.deepcopy(model.encoder)
        found.append(type(model)(encoder, 3, "last" if layers is None else layers[i], "mean", spec).eval())
    return found


def joined(models, combination=None):
    members = [Member(f"run {i}", m, card()) for i, m in enumerate(models)]
    return Ensemble(members, LABELS, combination or Average(KNOWN[: len(models)], False)).eval()


def logits(model):
    with torch.no_grad():
        return model(*tiny.batch(CLIPS))


def test_the_mean_is_that_of_the_members_and_of_the_folder(tmp_path):
    models = [tiny.make_classifier("wav2vec2", seed=i) for i in range(2)] + [tiny.make_classifier("hubert", seed=2)]
    wanted = torch.stack([probabilities(logits(m), False) for m in models]).mean(0)
    model = joined(models)
    assert torch.allclose(probabilities(logits(model), False), wanted, atol=1e-9)
    folders.save(model, card(), tmp_path / "joined", "# card\n")
    loaded, about = folders.load(tmp_path / "joined")
    assert torch.equal(logits(loaded), logits(model))
    assert about == card()
    alone, _ = folders.load(tmp_path / "joined" / "members" / "1")
    assert torch.equal(logits(alone), logits(models[1]))


def test_members_of_one_encoder_share_a_pass_and_a_file(tmp_path, monkeypatch):
    base = tiny.make_classifier("wavlm")
    models = heads(base, "linear", "mlp", "linear", layers=[1, "last", "weighted"])
    wanted = torch.stack([probabilities(logits(m), False) for m in models]).mean(0)
    model = joined(models)
    assert model.carriers == (1, 1, 1)
    assert len({id(leaf.encoder) for leaf in model.leaves}) == 1
    passes = []
    frames = type(base.encoder).frames
    monkeypatch.setattr(type(base.encoder), "frames", lambda *a, **k: passes.append(1) or frames(*a, **k))
    assert torch.allclose(probabilities(logits(model), False), wanted, atol=1e-6)
    assert len(passes) == 1
    folders.save(model, card(), tmp_path / "joined", "# card\n")
    assert [p.name for p in (tmp_path / "joined" / "encoders").iterdir()] == ["0"]
    loaded, _ = folders.load(tmp_path / "joined")
    assert torch.allclose(logits(loaded), logits(model), atol=1e-9)
    assert loaded.carriers == (1, 1, 1)


def test_ensembles_of_ensembles_share_it_too(tmp_path):
    one, two, three = heads(tiny.make_classifier("sew"), "linear", "linear", "mlp", layers=[1, "last", 2])
    other = tiny.make_classifier("wav2vec2", seed=7)
    wanted = 0.25 * sum(probabilities(logits(m), False) for m in (one, two)) + 0.25 * sum(
        probabilities(logits(m), False) for m in (three, other)
    )
    model = joined([joined([one, two]), joined([three, other])])
    assert torch.allclose(probabilities(logits(model), False), wanted, atol=1e-6)
    assert len(set(model.carriers)) == 2
    folders.save(model, card(), tmp_path / "joined", "# card\n")
    assert torch.allclose(logits(folders.load(tmp_path / "joined")[0]), logits(model), atol=1e-9)
    inner, _ = folders.load(tmp_path / "joined" / "members" / "0")
    assert torch.allclose(logits(inner), logits(model.members[0]), atol=1e-9)


def test_members_that_are_normalised_and_others_hear_what_they_are_made_for():
    waves = [3 * w + 1 for w in CLIPS]
    plain, bert = tiny.make_classifier("wav2vec2"), tiny.make_classifier("bert", seed=1)
    model = joined([plain, bert])
    assert not model.encoder.preprocessing.normalise
    scaled = [(w - w.mean()) / (w.var(correction=0) + 1e-7).sqrt() for w in waves]
    with torch.no_grad():
        wanted = torch.stack(
            [probabilities(plain(*tiny.batch(scaled)), False), probabilities(bert(*tiny.batch(waves)), False)]
        )
        found = probabilities(model(*tiny.batch(waves)), False)
    assert torch.allclose(found, wanted.mean(0), atol=1e-5)


def test_a_damaged_member_is_named(tmp_path):
    folders.save(joined([member(x, seed=i).model for i, x in enumerate("ab")]), card(), tmp_path / "m", "# card\n")
    (tmp_path / "m" / "members" / "1" / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match=r"members/1/model\.safetensors"):
        folders.load(tmp_path / "m")
    with pytest.raises(ValueError, match="two"):
        joined([tiny.make_classifier()])


def test_heads_that_embed_give_the_mean_of_the_cosines():
    models = [tiny.make_classifier(seed=i, head={"name": "cosine", "size": 8}) for i in range(2)]
    model = joined(models)
    with torch.no_grad():
        a, b = model.head.embed(model.embed(*tiny.batch(CLIPS)))[:2]
        each = [m.head.embed(m.embed(*tiny.batch(CLIPS)))[:2] for m in models]
    cosines = [torch.cosine_similarity(x[None], y[None]).item() for x, y in each]
    assert math.isclose(torch.cosine_similarity(a[None], b[None]).item(), np.mean(cosines), abs_tol=1e-6)
    assert not hasattr(joined([models[0], tiny.make_classifier(seed=4)]).head, "embed")


def test_combinations_of_scores():
    scores = torch.tensor([[[0.6, 0.3, 0.1], [0.45, 0.5, 0.05], [0.4, 0.5, 0.1]]]).double()
    given = scores.log()
    weighed = Average(KNOWN, False, weights=torch.tensor([1.0, 0.0, 1.0]))(given)
    assert torch.allclose(weighed.softmax(-1), scores[:, [0, 2]].mean(1))
    geometric = Average(KNOWN, False, "logits")(given).softmax(-1)
    wanted = scores.prod(1) ** (1 / 3)
    assert torch.allclose(geometric, wanted / wanted.sum())
    vote = Vote(KNOWN, False)(given).softmax(-1)
    assert vote.argmax() == 1
    assert torch.allclose(vote[0, 1], (2 + scores[0, :, 1].mean()) / 4)
    tie = Vote(KNOWN[:2], False)(given[:, :2]).softmax(-1)
    assert tie.argmax() == 0  # one voice each, and the first is surer
    weight = torch.randn(3, 9).double()
    assert torch.allclose(Stack(KNOWN, False, weight)(given), features(scores, False) @ weight.T)


def test_a_label_that_a_member_does_not_know_is_left_to_the_others():
    known = torch.tensor([[1, 1, 0], [0, 1, 1]]).bool()
    scores = torch.tensor([[0.2, 0.4, 0.5], [0.5, 0.8, 0.9]]).double()
    found = Average(known, True)(torch.logit(scores)).sigmoid()
    assert torch.allclose(found, torch.tensor([0.2, 0.6, 0.9]).double())
    voted = Vote(known, True)(torch.logit(scores)).sigmoid()
    assert (voted >= 0.5).tolist() == [False, True, True]


def test_soups_are_means_of_weights_and_refused_of_unlike_models():
    models = [tiny.make_classifier(seed=i) for i in range(3)]
    soup = soups.mixed(models)
    for name, tensor in soup.state_dict().items():
        if tensor.is_floating_point():
            assert torch.allclose(tensor, torch.stack([m.state_dict()[name] for m in models]).mean(0), atol=1e-6)
    assert soups.problem(models, "abc") is None
    assert "b" in str(soups.problem([models[0], tiny.make_classifier(head="linear")], "ab"))
    values = {id(models[0]): 0.5, id(models[1]): 0.7, id(models[2]): 0.6}
    taken, best = soups.greedy(models, lambda m: values.get(id(m), 0.65))
    assert (taken, best) == ([1], 0.7)  # no soup is as good


def test_members_that_label_frames_are_averaged_frame_by_frame(tmp_path):
    models = [tiny.make_classifier(seed=i, pooling="none") for i in range(2)]
    model = joined(models)
    wanted = torch.stack([probabilities(logits(m), False) for m in models]).mean(0)
    lengths = model.encoder.frame_lengths(tiny.batch(CLIPS)[1])
    for found, mean, own in zip(probabilities(logits(model), False), wanted, lengths.tolist(), strict=True):
        assert torch.allclose(found[:own], mean[:own], atol=1e-6)
    folders.save(model, card(), tmp_path / "frames", "# card\n")
    timeline = Predictor(tmp_path / "frames").timeline(np.random.default_rng(0).normal(0, 0.1, 32000), rate=16000)
    assert len(timeline.moments.scores) > 50
    with pytest.raises(ValueError, match="labels clips, and run 0 frames"):
        joined([models[0], tiny.make_classifier()])
    other = tiny.make_classifier(encoder={"conv_stride": (5, 2, 2, 2, 2, 2, 4)}, pooling="none")
    with pytest.raises(ValueError, match="begin and end together"):
        joined([models[0], other])


def test_members_that_hear_otherwise_are_refused():
    slow = tiny.make_classifier(seed=1)
    slow.encoder.hear(10.0, None)
    with pytest.raises(ValueError, match="hears recordings"):
        joined([tiny.make_classifier(), slow])
