"""A clip's output does not depend on its company, and alone it is what transformers computes."""

import checks
import pytest
import tiny
import torch
from torch import nn

from audioft.evaluation.scoring import preparation
from audioft.models import folder
from audioft.models.backbones.waveform import own_group_norm
from audioft.models.classifier import AudioClassifier
from audioft.models.encoder import Encoder, Preprocessing

SPREAD = 60.0  # weights of a fresh classifier are so small that a leak would hide in them
LEAKY = [k for k in tiny.KINDS if k != "whisper"]  # Whisper has no masks: it is made for padding up to its canvas


def clips_of(encoder):
    """49, 50, 62, the fewest and 30 frames, of most encoders."""
    return tiny.noises([16000, 16320, 20000, encoder.min_samples, 9999])


PROJECTION = {"name": "projection", "size": 16}


def classifier(kind, layers="last", pooling="mean", exact=True, head=PROJECTION):
    encoder = tiny.make_encoder(kind, exact)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = AudioClassifier(encoder, 5, layers, pooling, head).eval()
        with torch.no_grad():
            if hasattr(model.head, "classifier"):
                model.head.classifier.weight.mul_(SPREAD)
            if model.layer_sum is not None:
                model.layer_sum.layer_weights.copy_(torch.randn(encoder.num_layers + 1))
    return model


@pytest.mark.parametrize(("layers", "pooling"), [("last", "attentive_stats"), ("weighted", "mean")])
@pytest.mark.parametrize("kind", tiny.EVERY)
def test_logits_are_the_same_alone_and_in_a_batch(kind, layers, pooling):
    model = classifier(kind, layers, pooling)
    clips = clips_of(model.encoder)
    with torch.no_grad():
        logits = model(*tiny.batch(clips))
    assert logits.std(0).max() > 0.1  # clips differ, so equality says something
    assert checks.difference_in_batch(model, clips) < 1e-4
    if kind in LEAKY:
        leaky = classifier(kind, layers, pooling, exact=False)
        assert checks.difference_in_batch(leaky, clips) > 1e-2


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
    clips = clips_of(model.encoder)
    with torch.no_grad():
        assert model(*tiny.batch(clips)).std(0).max() > 0.1  # clips differ, so equality says something
    assert checks.difference_in_batch(model, clips) < 1e-4
    assert checks.difference_in_batch(leaky, clips) > 1e-2
    checks.check_apart(model, tiny.noises([3200, 2000, 1111]))


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_no_gradient_from_other_clips_or_padding(kind):
    clips = tiny.noises([3200, 2000, 1111])
    checks.check_apart(classifier(kind), clips)
    with pytest.raises(AssertionError, match="not its own"):
        checks.check_apart(classifier(kind, exact=False), clips)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", tiny.EVERY)
def test_a_clip_alone_gives_what_transformers_gives(kind, weighted, tmp_path):
    if kind == "ast" and weighted:
        pytest.skip("transformers' class of the AST has no layer sum")
    settings = {} if kind == "ast" else {"use_weighted_layer_sum": weighted, "classifier_proj_size": 16}
    whole = tiny.make_model(kind, "ForSequenceClassification", num_labels=5, **settings)
    with torch.no_grad():
        for p in whole.classifier.parameters():
            p.mul_(5)
    extractor = tiny.make_extractor(kind)
    whole.save_pretrained(tmp_path)
    extractor.save_pretrained(tmp_path)
    model, card = folder.load(tmp_path)
    assert model.encoder.family == whole.config.model_type
    assert len(card.labels) == 5
    clips = [0.1 * c for c in clips_of(model.encoder)]
    prepare = preparation(model)
    with torch.no_grad():
        ours = torch.cat([model(*tiny.batch([prepare(c.numpy())])) for c in clips])
        theirs = torch.cat(
            [whole(**extractor(c.numpy(), sampling_rate=16000, return_tensors="pt")).logits for c in clips]
        )
    assert theirs.std(0).max() > 1e-3
    assert (ours - theirs).abs().max() < 1e-4


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
        long = [c for c in clips_of(encoder) if len(c) > 400]
        ours = torch.cat([model.head.embed(model.embed(*tiny.batch([c]))) for c in long])
        theirs = torch.cat([whole(c[None]).embeddings for c in long])
    assert (theirs.std(0) / theirs.abs().max()).max() > 1e-3
    assert (ours - theirs).abs().max() < 1e-5 * theirs.abs().max()


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_going_on_gives_the_same_bits_as_in_one_go(kind):
    encoder = tiny.make_encoder(kind)
    x = tiny.batch(clips_of(encoder)[1:])
    with torch.no_grad():
        whole = encoder.frames(*x, every_layer=True)
        for stop in range(encoder.num_layers + 1):
            part = encoder.frames(*x, stop=stop, every_layer=True)
            assert part.layer == stop
            assert len(part.layers) == stop + 1
            resumed = encoder.resume(part)
            assert torch.equal(resumed.states, whole.states)
            assert torch.equal(resumed.lengths, encoder.frame_lengths(x[1]))
            assert resumed.seconds_per_frame == encoder.seconds_per_frame
            assert all(torch.equal(a, b) for a, b in zip(resumed.layers, whole.layers, strict=True))
        twice = encoder.resume(encoder.resume(encoder.frames(*x, stop=0), 1), 2)
        assert torch.equal(twice.states, encoder.frames(*x, stop=2).states)
    assert not torch.equal(part.states, encoder.frames(*x, stop=1).states)


@pytest.mark.parametrize("kind", tiny.EVERY)
def test_the_shortest_and_the_longest_clip(kind):
    encoder = tiny.make_encoder(kind)
    with torch.no_grad():
        frames = encoder.frames(*tiny.batch(tiny.noises([encoder.min_samples])))
        assert frames.states.isfinite().all()
        assert frames.lengths.tolist() == encoder.frame_lengths(torch.tensor([encoder.min_samples])).tolist()
        with pytest.raises(ValueError, match=f"the least is {encoder.min_samples}"):
            encoder.frames(*tiny.batch(tiny.noises([encoder.min_samples - 1])))
        assert (encoder.max_samples is None) == (kind not in ("ast", "whisper"))
        if encoder.max_samples is not None:
            encoder.frames(*tiny.batch(tiny.noises([encoder.max_samples])))
            with pytest.raises(ValueError, match=f"the most is {encoder.max_samples}"):
                encoder.frames(*tiny.batch(tiny.noises([encoder.max_samples + 1])))


def test_frames_know_their_lengths_and_hop():
    encoder = tiny.make_encoder("wav2vec2")
    with torch.no_grad():
        frames = encoder.frames(*tiny.batch(clips_of(encoder)))
    assert frames.lengths.tolist() == [49, 50, 62, 1, 30]
    assert frames.states.shape == (5, 62, 32)
    assert frames.valid.sum(1).tolist() == frames.lengths.tolist()
    assert frames.seconds_per_frame == 0.02
    assert encoder.min_samples == 400
    with pytest.raises(ValueError, match="399 samples"):
        encoder.frames(*tiny.batch([torch.randn(399)]))
    with pytest.raises(ValueError, match="layer 4"):
        encoder.frames(*tiny.batch(clips_of(encoder)), stop=4)


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
