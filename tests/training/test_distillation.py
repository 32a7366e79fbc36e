"""What a student learns of a teacher: the losses by hand, and states that are computed once."""

from __future__ import annotations

import math

import pytest
import tiny
import torch
from torch.nn.functional import cosine_similarity

from audioft.audio.spectra import FrameGrid
from audioft.core.runtime import evaluating
from audioft.training.clusters import Scale
from audioft.training.distillation import TeacherHeads, Teaching, aligned, distance, wholes
from audioft.training.likeness import table
from audioft.training.masked import grid_of
from audioft.training.teacher_states import TeacherStates

TWENTY, FORTY = FrameGrid(16000, 320, 320), FrameGrid(16000, 640, 640)


def test_frames_are_aligned():
    states = torch.arange(10.0)[:, None]
    assert torch.equal(aligned(states, TWENTY, TWENTY, 10), states)
    slower = aligned(states, TWENTY, FORTY, 5)[:, 0]
    torch.testing.assert_close(slower[1:4], torch.tensor([2.5, 4.5, 6.5]))  # the mean around each middle
    faster = aligned(slower[:, None], FORTY, TWENTY, 10)[:, 0]
    torch.testing.assert_close(faster[3:6], torch.tensor([3.0, 4.0, 5.0]))  # a line between the middles
    beyond = aligned(states, TWENTY, TWENTY, 14)
    assert beyond[10:, 0].tolist() == [9.0] * 4
    assert aligned(states[:1], TWENTY, FORTY, 1).tolist() == [[0.0]]


def test_the_distance_by_hand():
    found, wanted = torch.randn(2, 3, 8), torch.randn(2, 3, 8)
    expected = 0.0
    for k in (slice(0, 4), slice(4, 8)):
        cosine = float(cosine_similarity(found[1, 2, k], wanted[1, 2, k], dim=0))
        expected += float((found[1, 2, k] - wanted[1, 2, k]).abs().mean()) + math.log1p(math.exp(-cosine))
    assert float(distance(found, wanted, 2)[1, 2]) == pytest.approx(expected / 2, rel=1e-5)


def states_of(kind: str, folder, layers=(1, 2)) -> TeacherStates:
    return TeacherStates(tiny.make_encoder(kind, seed=3), layers, folder)


@pytest.mark.parametrize("kind", ["wav2vec2-stable", "whisper"])
def test_states_are_computed_once(kind, tmp_path, monkeypatch):
    clips = tiny.noises([16000, 9000])
    teacher = states_of(kind, tmp_path)
    found = teacher(clips)
    alone = teacher.encoder.frames(clips[1][None], torch.tensor([9000]), every_layer=True)
    own = torch.cat([alone.layers[k][0, : int(alone.lengths)] for k in (1, 2)], -1)
    torch.testing.assert_close(found[1], own, atol=1e-2, rtol=2e-3)  # kept in half the precision
    assert found[1].shape[1] == teacher.size == 2 * teacher.encoder.hidden_size
    again = states_of(kind, tmp_path)
    monkeypatch.setattr(again.encoder, "frames", None)  # nothing is computed
    assert all(torch.equal(a, b) for a, b in zip(again(clips), found, strict=True))
    with pytest.raises(TypeError):
        again([clips[0][:8000]])
    other = TeacherStates(tiny.make_encoder(kind, seed=4), (1, 2), tmp_path)
    assert len({teacher.owner, again.owner, other.owner, states_of(kind, tmp_path, (1,)).owner}) == 3


def test_layers_that_are_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"layers \[4\] of an encoder of 3 layers"):
        states_of("wav2vec2", tmp_path, (4,))


def unscaled(size: int) -> Scale:
    return Scale(torch.zeros(size), torch.ones(size))


def test_the_whole_by_hand(tmp_path):
    """Two clips of different length and one that is half hidden; the teacher's frames are twice as many."""
    teacher = states_of("wav2vec2-stable", tmp_path)
    student = tiny.make_encoder("wav2vec2-stable", seed=1)
    clips = tiny.noises([12000, 9000, 8000])
    heads = TeacherHeads(student, teacher.size)
    scale, whole_scale = unscaled(teacher.size), unscaled(2 * teacher.size)
    grids = grid_of(student), grid_of(teacher.encoder)
    frames = student.frames(*tiny.batch(clips), every_layer=True)
    shown = frames.valid.clone()
    shown[0, :10] = False
    counts = torch.tensor([3, 2, 1])

    def asked(**weights: float) -> float:
        made = Teaching(teacher, scale, whole_scale, *grids, **({"frames": 0, "pooled": 0} | weights))
        with evaluating(student), torch.no_grad():
            return float(made(heads, frames, shown, counts, clips))

    own = teacher(clips)
    with torch.no_grad():
        predicted = heads.frames(frames.states)
        each = [distance(predicted[i, : len(s)], s, 2).mean() for i, s in enumerate(own)]
        assert asked(frames=0.5) == pytest.approx(0.5 * float(sum(c * e for c, e in zip(counts, each, strict=True))))
        parts = []
        for layer in frames.layers:
            rows = [layer[i][shown[i]] for i in range(3)]
            parts.append(torch.stack([torch.cat([r.mean(0), r.std(0, correction=0)]) for r in rows]))
        whole = torch.stack([torch.cat([s.mean(0), s.std(0, correction=0)]) for s in own])
        torch.testing.assert_close(wholes(own), whole, atol=1e-5, rtol=1e-4)
        off = (distance(heads.pooled(torch.cat(parts, 1)), whole, 4) * counts).sum()
        assert asked(pooled=2) == pytest.approx(2 * float(off), rel=1e-4)
        apart = ~torch.eye(3, dtype=torch.bool)
        off = sum((table(p) - table(whole))[apart].square().mean() for p in parts[1:]) / len(parts[1:])
        assert asked(likeness=3, likeness_from=1) == pytest.approx(18 * float(off), rel=1e-3)
