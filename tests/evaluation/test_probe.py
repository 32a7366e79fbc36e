"""Probes: statistics of a clip's own frames, scikit-learn's classifier, groups kept apart."""

from __future__ import annotations

import numpy as np
import pytest
import tiny
import torch

from audioft.evaluation.probe import C, embed, fit_and_score, folds, probe
from audioft.models.encoder import Encoder, Preprocessing
from audioft.models.frames import Frames
from audioft.models.pooling import statistics


def made(groups: int = 12, each: int = 4, labels: int = 3, seed: int = 0):
    """Features that tell labels and groups, of clips in groups of one label."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), each)
    label = np.array([f"label {g % labels}" for g in group])
    features = rng.normal(size=(groups * each, 8)) + rng.normal(size=(groups, 8))[group]
    features[:, 0] += np.array([int(x[-1]) for x in label])
    return features * [1, 100, 0.01, *[1] * 5] + 5, label, group.astype(str)


@pytest.mark.parametrize("kind", ["wav2vec2", "wav2vec2-stable", "wavlm", "data2vec-audio"])
def test_a_clips_features_do_not_depend_on_the_clips_beside_it(kind):
    encoder = Encoder(tiny.make_model(kind), Preprocessing(), name=kind).train()
    clips = tiny.noises([8000, 1000, 5000, 2400])
    together, alone = embed(encoder, clips), embed(encoder, clips, batch_samples=1)
    assert encoder.training
    assert together.shape == (4, 4 * 2 * 32)
    np.testing.assert_allclose(together, alone, atol=1e-4)
    np.testing.assert_allclose(embed(encoder, clips[::-1])[::-1], together, atol=1e-4)


def test_features_are_mean_and_deviation_of_every_layer():
    encoder = Encoder(tiny.make_model("wav2vec2-stable"), Preprocessing(), name="x").eval()
    (wave,) = tiny.noises([6000])
    done: list[int] = []
    found = embed(encoder, [wave], progress=done.append)[0].reshape(4, 2, 32)
    assert done == [1]
    with torch.inference_mode():
        layers = encoder.model(wave[None], output_hidden_states=True).hidden_states
    assert len(layers) == 4
    for layer, (mean, deviation) in zip(layers, found, strict=True):
        np.testing.assert_allclose(mean, layer[0].mean(0), atol=1e-4)
        np.testing.assert_allclose(deviation, layer[0].std(0), atol=1e-4)


def test_statistics_ignore_what_lies_beyond_a_clip():
    def of(values, lengths):
        return torch.cat(statistics(Frames(values, torch.tensor(lengths), 0.02)), -1)

    values = torch.randn(2, 9, 3)
    found = of(values, [4, 9])
    values[0, 4:] = 1e6
    assert torch.equal(of(values, [4, 9]), found)
    torch.testing.assert_close(found[0, 3:], values[0, :4].std(0))
    assert of(values, [1, 9])[0, 3:].max() <= 1e-6


def test_the_classifier_is_sklearns_on_scaled_features():
    from sklearn.linear_model import LogisticRegression

    features, labels, groups = made()
    test = np.isin(groups, ["1", "5", "9"])
    mean, deviation = features[~test].mean(0), features[~test].std(0)
    model = LogisticRegression(C=C, max_iter=2000).fit((features[~test] - mean) / deviation, labels[~test])
    expected = model.predict((features[test] - mean) / deviation) == labels[test]
    assert fit_and_score(features, labels, ~test, test).tolist() == expected.tolist()


def test_folds_keep_groups_apart_and_test_every_clip_once():
    _, labels, groups = made()
    found = folds(labels, groups, seed=0)
    assert len(found) == 5
    for learn, test in found:
        assert (learn ^ test).all()
        assert not set(groups[learn]) & set(groups[test])
    assert (sum(test.astype(int) for _, test in found) == 1).all()
    again = folds(labels, groups, seed=0)
    assert all(np.array_equal(a, b) for x, y in zip(found, again, strict=True) for a, b in zip(x, y, strict=True))


@pytest.mark.parametrize(
    ("labels", "groups", "said"),
    [
        (["a", "b", "c", "c"], ["1", "2", "3", "4"], "only one clip of 'a', 'b', and"),
        (["a", "a", "b", "b"], ["1"] * 4, "all clips are of one group"),
    ],
)
def test_too_little_for_folds(labels, groups, said):
    with pytest.raises(ValueError, match=said):
        folds(np.array(labels), np.array(groups), 0)


def test_figures_of_a_probe():
    features, labels, groups = made()
    splits = folds(labels, groups, 0)
    found = probe(features, labels, groups, splits)
    right = [fit_and_score(features, labels, learn, test) for learn, test in splits]
    assert found.accuracy == pytest.approx(np.mean([r.mean() for r in right]))
    assert found.low < found.accuracy < found.high
    assert (found.clips, found.labels) == (48, 3)
    assert found.chance == pytest.approx(1 / 3)
    assert found == probe(features, labels, groups, splits)
    assert str(found).startswith(f"{found.accuracy:.3f} (")
    told = np.eye(3)[[int(x[-1]) for x in labels]]
    assert probe(told, labels, groups, splits).accuracy == 1


def test_groups_are_resampled_together():
    """Clips that are right or wrong by groups say less than as many clips of their own."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(40), 10)
    label = np.repeat(rng.integers(0, 2, 40), 10)
    # each group's features are all alike: right, or wrong, as a whole
    features = np.repeat(label[::10] + rng.normal(0, 0.8, 40), 10)[:, None]
    splits = folds(label, group, 0)
    together = probe(features, label, group, splits)
    alone = probe(features, label, np.arange(400), splits)
    assert together.accuracy == alone.accuracy
    assert together.high - together.low > 2 * (alone.high - alone.low)
