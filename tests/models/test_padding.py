"""A clip's output does not depend on its company, and alone it is what transformers computes."""

import checks
import pytest
import tiny
import torch
from torch import nn

from audioft.models.classifier import AudioClassifier
from audioft.models.encoder import Encoder, Preprocessing
from audioft.models.waveform_backbone import own_group_norm

# 49, 50, 62, 1 and 30 frames
CLIPS = tiny.noises([16000, 16320, 20000, 400, 9999])
SPREAD = 60.0  # weights of a fresh classifier are so small that a leak would hide in them


PROJECTION = {"name": "projection", "size": 16}


def classifier(kind, layers="last", pooling="mean", exact=True, head=PROJECTION):
    encoder = Encoder(tiny.make_model(kind), Preprocessing(), exact=exact)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = AudioClassifier(encoder, 5, layers, pooling, head).eval()
        with torch.no_grad():
            if hasattr(model.head, "classifier"):
                model.head.classifier.weight.mul_(SPREAD)
            if model.layer_sum is not None:
                model.layer_sum.layer_weights.copy_(torch.randn(encoder.num_layers + 1))
    return model


@pytest.mark.parametrize("pooling", ["mean", "attentive_stats"])
@pytest.mark.parametrize("layers", ["last", "weighted"])
@pytest.mark.parametrize("kind", tiny.KINDS)
def test_logits_are_the_same_alone_and_in_a_batch(kind, layers, pooling):
    model = classifier(kind, layers, pooling)
    with torch.no_grad():
        logits = model(*tiny.batch(CLIPS))
    assert logits.std(0).max() > 0.1  # clips differ, so equality says something
    assert checks.difference_in_batch(model, CLIPS) < 1e-4
    leaky = classifier(kind, layers, pooling, exact=False)
    assert checks.difference_in_batch(leaky, CLIPS) > 1e-2


@pytest.mark.parametrize("head", ["linear", {"name": "cosine", "size": 16, "subcenters": 2}], ids=str)
@pytest.mark.parametrize(
    "pooling",
    [
        "stats",
        {"name": "attentive_stats", "context": True},
        {"name": "xvector", "sizes": [32, 16, 24], "kernels": [5, 3, 1], "dilations": [1, 2, 1]},
        {"name": "xvector", "sizes": [16], "kernels": [40], "dilations": [1]},  # longer than some clips
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["wav2vec2", "wavlm-stable"])
def test_poolings_and_heads_are_the_same_alone_and_in_a_batch(kind, pooling, head):
    model, leaky = (classifier(kind, "weighted", pooling, exact, head) for exact in (True, False))
    with torch.no_grad():
        assert model(*tiny.batch(CLIPS)).std(0).max() > 0.1  # clips differ, so equality says something
    assert checks.difference_in_batch(model, CLIPS) < 1e-4
    assert checks.difference_in_batch(leaky, CLIPS) > 1e-2
    checks.check_apart(model, tiny.noises([3200, 2000, 1111]))


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_no_gradient_from_other_clips_or_padding(kind):
    clips = tiny.noises([3200, 2000, 1111])
    checks.check_apart(classifier(kind), clips)
    with pytest.raises(AssertionError, match="not its own"):
        checks.check_apart(classifier(kind, exact=False), clips)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", tiny.KINDS)
def test_a_clip_alone_gives_what_transformers_gives(kind, weighted):
    whole = tiny.make_model(
        kind, "ForSequenceClassification", num_labels=5, use_weighted_layer_sum=weighted, classifier_proj_size=16
    )
    encoder = Encoder(getattr(whole, whole.base_model_prefix), Preprocessing())
    model = AudioClassifier(encoder, 5, "weighted" if weighted else "last").eval()
    model.head.projector, model.head.classifier = whole.projector, whole.classifier
    if weighted:
        model.layer_sum.layer_weights = whole.layer_weights
    with torch.no_grad():
        whole.classifier.weight.mul_(5)
        ours = torch.cat([model(*tiny.batch([c])) for c in CLIPS])
        theirs = torch.cat([whole(c[None]).logits for c in CLIPS])
    assert theirs.std(0).max() > 1e-3
    assert (ours - theirs).abs().max() < 1e-5


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["wav2vec2", "wavlm"])
def test_x_vectors_of_a_clip_alone_are_those_of_transformers(kind, weighted):
    shape = {"tdnn_dim": (24, 16, 20), "tdnn_kernel": (5, 3, 1), "tdnn_dilation": (1, 2, 1), "xvector_output_dim": 12}
    whole = tiny.make_model(kind, "ForXVector", num_labels=5, use_weighted_layer_sum=weighted, **shape)
    pooling = {"name": "xvector", "sizes": [24, 16, 20], "kernels": [5, 3, 1], "dilations": [1, 2, 1]}
    encoder = Encoder(getattr(whole, whole.base_model_prefix), Preprocessing())
    head = {"name": "cosine", "size": 12, "depth": 1, "norm": "none"}
    model = AudioClassifier(encoder, 5, "weighted" if weighted else "last", pooling, head).eval()
    if weighted:
        model.layer_sum.layer_weights = whole.layer_weights
    model.pooling.projector, model.head.embedding[-1] = whole.projector, whole.feature_extractor
    with torch.no_grad():
        for layer in (whole.projector, *(t.kernel for t in whole.tdnn), whole.feature_extractor):
            layer.weight.mul_(30)  # or all clips would be alike
        for ours, theirs in zip(model.pooling.layers, whole.tdnn, strict=True):
            ours.weight.copy_(theirs.kernel.weight.unflatten(1, (theirs.kernel_size, -1)).transpose(1, 2))
            ours.bias.copy_(theirs.kernel.bias)
        long = [c for c in CLIPS if len(c) > 400]
        ours = torch.cat([model.head.embed(model.embed(*tiny.batch([c]))) for c in long])
        theirs = torch.cat([whole(c[None]).embeddings for c in long])
    assert (theirs.std(0) / theirs.abs().max()).max() > 1e-3
    assert (ours - theirs).abs().max() < 1e-5 * theirs.abs().max()


@pytest.mark.parametrize("kind", tiny.KINDS)
def test_going_on_gives_the_same_bits_as_in_one_go(kind):
    encoder = Encoder(tiny.make_model(kind), Preprocessing())
    x = tiny.batch(CLIPS[1:])
    with torch.no_grad():
        whole = encoder.frames(*x, every_layer=True)
        for stop in range(encoder.num_layers + 1):
            part = encoder.frames(*x, stop=stop, every_layer=True)
            assert part.layer == stop
            assert len(part.layers) == stop + 1
            resumed = encoder.resume(part)
            assert torch.equal(resumed.states, whole.states)
            assert all(torch.equal(a, b) for a, b in zip(resumed.layers, whole.layers, strict=True))
        twice = encoder.resume(encoder.resume(encoder.frames(*x, stop=0), 1), 2)
        assert torch.equal(twice.states, encoder.frames(*x, stop=2).states)
    assert not torch.equal(part.states, encoder.frames(*x, stop=1).states)


def test_frames_know_their_lengths_and_hop():
    encoder = Encoder(tiny.make_model("wav2vec2"), Preprocessing())
    with torch.no_grad():
        frames = encoder.frames(*tiny.batch(CLIPS))
    assert frames.lengths.tolist() == [49, 50, 62, 1, 30]
    assert frames.states.shape == (5, 62, 32)
    assert frames.valid.sum(1).tolist() == frames.lengths.tolist()
    assert frames.seconds_per_frame == 0.02
    assert encoder.min_samples == 400
    with pytest.raises(ValueError, match="399 samples"):
        encoder.frames(*tiny.batch([torch.randn(399)]))
    with pytest.raises(ValueError, match="layer 4"):
        encoder.frames(*tiny.batch(CLIPS), stop=4)


def test_group_norm_over_own_frames():
    norm = nn.GroupNorm(6, 6)
    with torch.no_grad():
        norm.weight.normal_()
        norm.bias.normal_()
    x = torch.randn(3, 6, 20)
    lengths = torch.tensor([20, 13, 1])
    out = own_group_norm(x, lengths, norm)
    for row, n in enumerate(lengths.tolist()):
        if n > 1:  # torch refuses a single value a group in training form
            assert (out[row, :, :n] - norm(x[row : row + 1, :, :n])[0]).abs().max() < 1e-5
    assert (out[2, :, 0] - norm.bias).abs().max() < 1e-5
    with pytest.raises(ValueError, match="3 groups"):
        own_group_norm(x, lengths, nn.GroupNorm(3, 6))
