"""Masked prediction: the loss by hand, and that nothing of a hidden frame is seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tiny
import torch
from torch.nn.functional import cross_entropy

from audioft.audio.spectra import log_mel, mfcc, texture, texture_size
from audioft.data.crops import CropBatch
from audioft.models.encoder import Encoder, Preprocessing
from audioft.training.clusters import Clusters, Scale
from audioft.training.latent import LatentMasking
from audioft.training.masked import BANDS, Cepstra, LayerStates, MaskedPrediction, MaskedPredictor, grid_of, measure

ADDRESSES = ((0, 0, "a", 0), (0, 0, "b", 0), (0, 0, "c", 0))


def encoder(kind: str = "wav2vec2-stable", **settings: Any) -> Encoder:
    return Encoder(tiny.make_model(kind, **settings), Preprocessing(), name=kind)


def batch(*lengths: int, seed: int = 0) -> CropBatch:
    clean, sizes = tiny.batch(tiny.noises(list(lengths), seed))
    noise, _ = tiny.batch(tiny.noises(list(lengths), seed + 1))
    return CropBatch(clean + 0.3 * noise, clean, sizes, tuple(range(len(lengths))), ADDRESSES[: len(lengths)])


def objective(model: Encoder, clusters: int = 7, mask: float = 0.7, **options: Any) -> MaskedPrediction:
    source = options.pop("source", None) or Cepstra(grid_of(model))
    size = 39 if isinstance(source, Cepstra) else model.hidden_size
    centres = torch.randn(clusters, size, generator=torch.Generator().manual_seed(1))
    found = Clusters(Scale(torch.zeros(size), torch.ones(size)), centres)
    return MaskedPrediction(source, found, LatentMasking(mask, 3), grid_of(model), **options)


def predictor(model: Encoder, clusters: int = 7, regress: bool = False) -> MaskedPredictor:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return MaskedPredictor(model, clusters, regress).eval()


def textures() -> Scale:
    size = texture_size(BANDS)
    return Scale(torch.linspace(-1, 1, size), torch.linspace(0.5, 2, size))


def test_the_loss_is_the_cross_entropy_of_the_hidden_frames():
    model, crops = encoder(), batch(9000, 5000)
    made, head = objective(model), predictor(model)
    found = made.outcome(head, crops)
    mask = made.masking.draw(model, crops.lengths, crops.addresses)
    assert mask.time is not None
    with torch.no_grad():
        states = model.frames(crops.waveforms, crops.lengths, mask).states
        total, correct, labels = 0.0, 0, []
        for row, samples in enumerate(crops.lengths.tolist()):
            frames = int(grid_of(model).frames(torch.tensor(samples)))
            own = mfcc(log_mel(crops.clean[row : row + 1, :samples], made.grid, frames, BANDS), frames)[0]
            nearest = torch.cdist(own.double(), made.clusters.centres.double()).argmin(1)
            for frame in range(frames):
                if mask.time[row, frame]:
                    logits = head.clusters(states[row, frame])
                    total += float(cross_entropy(logits[None], nearest[frame][None]))
                    correct += int(logits.argmax()) == int(nearest[frame])
                    labels.append(int(nearest[frame]))
    assert found.count == len(labels) == int(mask.time.sum()) > 5
    assert found.labels.tolist() == labels
    assert found.correct == correct
    assert float(found.loss.detach()) == pytest.approx(total, rel=1e-4)
    assert found.cross_entropy == pytest.approx(total, rel=1e-4)
    loss, weight = made(head, crops)
    assert float(loss.detach()) == pytest.approx(total, rel=1e-4)
    assert float(weight) == len(labels)


def test_the_regressions_by_hand():
    model, crops = encoder(), batch(9000)
    plain = objective(model).outcome(predictor(model), crops)
    head = predictor(model, regress=True)
    head.clusters.load_state_dict(predictor(model).clusters.state_dict())
    scale = textures()
    made = objective(model, features=scale, masked_weight=0.5, visible_weight=0.25, visible_layer=1)
    found = made.outcome(head, crops)
    mask = made.masking.draw(model, crops.lengths, crops.addresses)
    assert mask.time is not None
    with torch.no_grad():
        frames = model.frames(crops.waveforms, crops.lengths, mask, every_layer=True)
        count = frames.states.shape[1]
        hidden = mask.time[0]
        clean, heard = (
            (texture(log_mel(w, made.grid, count, BANDS), count)[0] - scale.mean) / scale.deviation
            for w in (crops.clean, crops.waveforms)
        )
        assert head.masked_texture is not None
        assert head.visible_texture is not None
        masked = (head.masked_texture(frames.states[0][hidden]) - clean[hidden]).square().mean(1).sum()
        assert frames.layers is not None
        visible = (head.visible_texture(frames.layers[1][0][~hidden]) - heard[~hidden]).square().mean()
    assert found.texture == pytest.approx(float(masked), rel=1e-4)
    expected = plain.cross_entropy + 0.5 * float(masked) + 0.25 * float(visible) * found.count
    assert float(found.loss.detach()) == pytest.approx(expected, rel=1e-4)
    found.loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.head_parameters())


@pytest.mark.parametrize("kind", tiny.FAMILIES)
def test_nothing_of_a_hidden_frame_is_seen(kind):
    """Its own projected features can be anything; those of its visible neighbours are what counts."""
    model, crops = encoder(kind), batch(8000)
    made, head = objective(model), predictor(model)
    mask = made.masking.draw(model, crops.lengths, crops.addresses).time
    assert mask is not None
    expected = made.outcome(head, crops)

    def changing(where: torch.Tensor):
        def hook(module, inputs, outputs):
            states = outputs[0] if isinstance(outputs, tuple) else outputs
            changed = torch.where(where[..., None], states + 100 * torch.randn_like(states), states)
            return (changed, *outputs[1:]) if isinstance(outputs, tuple) else changed

        return model.model.feature_projection.register_forward_hook(hook)

    hook = changing(mask)
    assert float(made.outcome(head, crops).loss.detach()) == float(expected.loss.detach())
    hook.remove()
    hook = changing(~mask)
    assert float(made.outcome(head, crops).loss.detach()) != float(expected.loss.detach())
    hook.remove()


def test_no_gradient_comes_from_a_hidden_frames_own_features():
    model, crops = encoder(), batch(8000)
    made, head = objective(model), predictor(model)
    kept: list[torch.Tensor] = []

    def keep(module, inputs, outputs):
        kept.append(outputs[0])
        outputs[0].retain_grad()

    hook = model.model.feature_projection.register_forward_hook(keep)
    made(head, crops)[0].backward()
    hook.remove()
    mask = made.masking.draw(model, crops.lengths, crops.addresses).time
    assert mask is not None
    assert kept[0].grad is not None
    moved = kept[0].grad.abs().sum(2) > 0
    assert not moved[mask].any()
    assert moved[~mask].all()


def test_what_is_predicted_is_the_undisturbed_crop():
    model, crops = encoder(), batch(8000)
    other = CropBatch(
        crops.waveforms, batch(8000, seed=9).clean, *(getattr(crops, k) for k in ("lengths", "indices", "addresses"))
    )
    made, head = objective(model), predictor(model)
    first, second = made.outcome(head, crops), made.outcome(head, other)
    assert first.labels.tolist() != second.labels.tolist()
    assert first.count == second.count


def test_layer_states_are_those_of_the_teacher_without_dropout():
    teacher = encoder("wavlm", hidden_dropout=0.5, layerdrop=0.5).train()
    source = LayerStates(teacher, 2)
    crops = batch(6000, 9000)
    with torch.no_grad():
        found = source(crops.clean, crops.lengths, 99)
        layers = teacher.eval().frames(crops.clean, crops.lengths, every_layer=True).layers
    assert layers is not None
    assert torch.equal(found, layers[2])
    for layer in (0, 4):
        with pytest.raises(ValueError, match=f"layer {layer} of an encoder of 3 layers"):
            LayerStates(teacher, layer)


@pytest.mark.parametrize("lengths", [(400,), (720,), (400, 8000), (400, 720)])
def test_short_clips(lengths):
    """A clip of one frame has none to hide, and that is no error."""
    model, crops = encoder(), batch(*lengths)
    made = objective(model, features=textures(), masked_weight=1.0, visible_weight=1.0)
    head = predictor(model, regress=True)
    loss, weight = made(head, crops)
    assert loss.isfinite()
    loss.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in head.parameters())
    assert int(weight) == made.outcome(head, crops).count
    if lengths == (400,):
        assert int(weight) == 0
    assert all(np.isfinite(v) for v in measure(head, made, [crops]).figures().values())


@pytest.mark.parametrize("regress", [False, True])
def test_a_loss_is_a_sum_over_clips(regress):
    """So that pieces of a step and processes add up to the step, short clips beside long ones included."""
    model, crops = encoder(), batch(8000, 3000, 8000)
    options = {"features": textures(), "masked_weight": 1.0, "visible_weight": 1.0} if regress else {}
    made, head = objective(model, **options), predictor(model, regress=regress)

    def part(rows: list[int]) -> CropBatch:
        longest = int(crops.lengths[rows].max())
        own = {k: getattr(crops, k)[rows, :longest] for k in ("waveforms", "clean")}
        own["lengths"] = crops.lengths[rows]
        return CropBatch(**own, indices=tuple(rows), addresses=tuple(crops.addresses[i] for i in rows))

    whole = made.outcome(head, crops)
    parts = [made.outcome(head, part(rows)) for rows in ([1], [0, 2])]
    assert sum(p.count for p in parts) == whole.count
    assert sum(float(p.loss.detach()) for p in parts) == pytest.approx(float(whole.loss.detach()), rel=1e-4)


def test_measured_figures():
    model = encoder()
    made, head = objective(model, features=textures(), masked_weight=1.0), predictor(model, regress=True)
    head.train()
    batches = [batch(9000, 5000), batch(7000, seed=4)]
    empty = CropBatch(torch.zeros(0, 0), torch.zeros(0, 0), torch.zeros(0, dtype=torch.long), (), ())
    found = measure(head, made, [*batches, empty]).figures()
    assert head.training
    head.eval()
    each = [made.outcome(head, b) for b in batches]
    labels = torch.cat([e.labels for e in each])
    total = len(labels)
    assert found["guess"] == pytest.approx(labels.bincount().max().item() / total)
    assert found["masked_accuracy"] == pytest.approx(sum(e.correct for e in each) / total)
    assert found["loss"] == pytest.approx(sum(e.cross_entropy for e in each) / total, rel=1e-5)
    assert found["texture_error"] == pytest.approx(sum(e.texture for e in each) / total, rel=1e-5)
    assert measure(head, made, []).figures()["guess"] == 0


def test_heads_are_not_the_encoder():
    head = predictor(encoder(), regress=True)
    own = sum(p.numel() for p in head.head_parameters())
    assert own == sum(p.numel() for p in head.parameters()) - sum(p.numel() for p in head.encoder.parameters())
    assert own == 33 * 7 + 2 * 33 * texture_size(BANDS)


@pytest.mark.parametrize("kind", tiny.FAMILIES)
def test_every_family_learns_by_it(kind):
    """A few steps on one batch make its loss smaller, and every part of the encoder moves."""
    model, crops = (
        encoder(kind, **dict.fromkeys(("hidden_dropout", "attention_dropout", "layerdrop"), 0.0)),
        batch(8000, 6000),
    )
    made, head = objective(model), predictor(model).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    optimizer = torch.optim.AdamW(head.parameters(), 3e-3)
    losses = []
    for _ in range(6):
        loss, weight = made(head, crops)
        (loss / weight).backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]
    for name, parameters in model.parts():
        keys = {k for k, p in model.named_parameters() if any(p is q for q in parameters)}
        assert any(not torch.equal(before[k], model.state_dict()[k]) for k in keys), name
