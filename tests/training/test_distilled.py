"""A classifier that learns from a teacher: its loss by hand, and what both hear."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tiny
import torch
from torch.nn import functional as F

from audioft.augmentation import Chain, augmentations
from audioft.data.batching import loader
from audioft.data.clip import Clip
from audioft.data.dataset import Draw, Preparation, TrainingClips
from audioft.training.clusters import Scale
from audioft.training.distillation import distance
from audioft.training.distilled import Distillation, LayerHeads, Matched, Student, TaughtBatch, TaughtClips, soft_loss
from audioft.training.losses import losses
from audioft.training.masked import grid_of
from audioft.training.teacher_states import TeacherAnswers

RAW = Preparation(16000, normalise=False, min_samples=0)


def test_the_divergence_by_hand():
    logits, wanted = torch.randn(4, 3, dtype=torch.float32), 3 * torch.randn(4, 3)
    p, q = (wanted / 2).softmax(1), (logits / 2).softmax(1)
    torch.testing.assert_close(soft_loss(logits, wanted, 2.0, False), 4 * (p * (p / q).log()).sum(1))
    p, q = (wanted / 2).sigmoid(), (logits / 2).sigmoid()
    each = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
    torch.testing.assert_close(soft_loss(logits, wanted, 2.0, True), 4 * each.mean(1), atol=1e-5, rtol=1e-4)
    for several in (False, True):
        assert soft_loss(wanted, wanted, 2.0, several).abs().max() < 1e-6


def test_a_head_of_one_width_begins_as_nothing():
    student = tiny.make_encoder("wav2vec2-stable")
    states = torch.randn(2, 5, student.hidden_size)
    same = LayerHeads(student, student.hidden_size, 2)
    torch.testing.assert_close(same([states, 2 * states]), torch.cat([states, 2 * states], -1))
    assert LayerHeads(student, 7, 1)([states]).shape == (2, 5, 7)


def taught(*lengths: int, known: tuple[bool, ...]) -> TaughtBatch:
    waveforms, sizes = tiny.batch(tiny.noises(list(lengths)))
    targets = F.one_hot(torch.arange(len(lengths)) % 3, 3).float()
    rows = torch.tensor(known)[:, None].expand(-1, 3)
    return TaughtBatch(
        waveforms, sizes, targets, rows, tuple(range(len(lengths))), taught=tuple(tiny.noises(list(lengths)))
    )


def test_the_objective_by_hand(tmp_path):
    teacher, model = (tiny.make_classifier("wav2vec2-stable", seed=s) for s in (3, 1))
    answers = TeacherAnswers(teacher, [1, 3], tmp_path)
    width = teacher.encoder.hidden_size
    heads = LayerHeads(model.encoder, width, 2)
    scale = Scale(torch.zeros(2 * width), torch.full((2 * width,), 2.0))
    matched = Matched((2, 3), scale, grid_of(model.encoder), grid_of(teacher.encoder))
    batch = taught(9000, 7000, known=(True, False))
    made = Distillation(losses.build("cross_entropy"), answers, 3.0, False, 0.5, 2.0, 0.25, matched)
    total, weight = made(Student(model, heads), batch)
    logits, wanted = model(batch.waveforms, batch.lengths), teacher(batch.waveforms, batch.lengths)
    expected = 2 * soft_loss(logits, wanted, 3.0, False).sum() + 0.5 * F.cross_entropy(logits[:1], torch.tensor([0]))
    frames, theirs = (m.encoder.frames(batch.waveforms, batch.lengths, every_layer=True) for m in (model, teacher))
    found = heads([frames.layers[2], frames.layers[3]]) / 2
    off = distance(found, torch.cat([theirs.layers[1], theirs.layers[3]], -1) / 2, 2)
    expected = expected + 0.25 * sum(off[i, : int(frames.lengths[i])].mean() for i in range(2))
    assert float(total.detach()) == pytest.approx(float(expected.detach()), rel=2e-3)  # kept in half the precision
    assert float(weight) == 2


def test_an_answer_is_computed_once(tmp_path, monkeypatch):
    clips = tiny.noises([9000, 7000])
    answers = TeacherAnswers(tiny.make_classifier("wav2vec2-stable"), [2], tmp_path)
    logits, states = answers(clips)
    again = TeacherAnswers(tiny.make_classifier("wav2vec2-stable"), [2], tmp_path)
    monkeypatch.setattr(again.classifier.encoder, "frames", None)
    same, more = again(clips)
    assert torch.equal(logits, same)
    assert all(torch.equal(a, b) for a, b in zip(states, more, strict=True))
    plain = TeacherAnswers(tiny.make_classifier("wav2vec2-stable"), [], tmp_path)
    assert plain.owner != answers.owner
    torch.testing.assert_close(plain(clips)[0], logits, atol=1e-2, rtol=1e-2)
    assert plain(clips)[1] == []
    with pytest.raises(ValueError, match=r"layers \[9\]"):
        TeacherAnswers(tiny.make_classifier("wav2vec2-stable"), [9], tmp_path)


def test_both_hear_the_same_few_draws(tones):
    paths = sorted(tones.rglob("*.wav"))[:4]
    clips = [Clip(p, p.name) for p in paths]
    targets, known = np.eye(4, dtype=np.float32), np.ones((4, 4), bool)
    change = Chain([augmentations.build({"name": "gain", "p": 1.0})])
    inner = TrainingClips(clips, [0.8] * 4, targets, known, RAW, 5.0, 0, augment=change)
    student = dataclasses.replace(RAW, normalise=True)
    made = TaughtClips(inner, student, RAW, views=2)
    found = [made[Draw(1, epoch)] for epoch in range(5)]
    assert len({i.taught.numpy().tobytes() for i in found}) == 2
    assert torch.equal(found[0].taught, found[2].taught)
    torch.testing.assert_close(found[0].waveform, student(found[0].taught.numpy()))
    (batch,) = loader(made, [[Draw(0, 0), Draw(1, 0)]], 0)
    assert isinstance(batch, TaughtBatch)
    assert [len(w) for w in batch.taught] == batch.lengths.tolist()
    assert isinstance(batch.to("cpu"), TaughtBatch)
    still = TaughtClips(dataclasses.replace(made).inner, student, RAW, views=2)
    still.inner.augment = None
    assert torch.equal(still[Draw(1, 0)].taught, still[Draw(1, 1)].taught)
