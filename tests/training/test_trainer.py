"""The loop: sums over pieces, determinism, numbers that are not finite, and when it ends."""

import checks
import pytest
import tiny
import torch
from small_training import QUIET, Rows, make_trainer

from audioft.errors import AudioftError
from audioft.models import freezing
from audioft.training.latent import LatentMasking
from audioft.training.losses import CrossEntropy
from audioft.training.objectives import Classification
from audioft.training.schedules import Constant
from audioft.training.state import State, head_start
from audioft.training.trainer import MAX_SKIPPED

DROPOUT = QUIET | {"hidden_dropout": 0.2, "attention_dropout": 0.2, "layerdrop": 0.3}


def weights(trainer):
    return torch.cat([p.detach().reshape(-1) for p in trainer.model.parameters()])


@pytest.mark.parametrize("kind", ["wav2vec2", "wavlm"])
def test_accumulation_changes_nothing_but_memory(kind, tmp_path):
    found = {}
    for accumulate in (1, 2, 4):
        # 10 clips in steps of 4: the last one has 2, fewer than there are pieces; SGD, as Adam blows up rounding
        trainer = make_trainer(tmp_path / str(accumulate), kind=kind, accumulate=accumulate, epochs=1)
        trainer.optimizer = torch.optim.SGD([{**g, "peak": 0.1} for g in trainer.optimizer.param_groups], lr=0.1)
        start = weights(trainer)
        trainer.fit()
        found[accumulate] = weights(trainer)
    assert (found[1] - start).abs().max() > 1e-3
    for accumulate in (2, 4):
        assert (found[1] - found[accumulate]).abs().max() < 1e-6


def test_a_step_goes_down_the_mean_loss(tmp_path):
    options = {"clip_norm": 0, "accumulate": 2, "schedule": lambda step: 0.5, "weight_decay": 0.0}
    trainer = make_trainer(tmp_path, size=4, epochs=1, **options)
    trainer.optimizer = torch.optim.SGD([{**g, "peak": 0.2} for g in trainer.optimizer.param_groups], lr=9.0)
    model = tiny.make_classifier(encoder=QUIET).train()
    logits = model(*tiny.batch(trainer.dataset.waves))
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).backward()
    with torch.no_grad():
        for p in model.parameters():
            if p.grad is not None:
                p.sub_(0.5 * 0.2 * p.grad)
    before = weights(trainer)
    trainer.fit()
    expected = torch.cat([p.detach().reshape(-1) for p in model.parameters()])
    assert (expected - before).abs().max() > 1e-2
    assert (weights(trainer) - expected).abs().max() < 1e-5


def test_training_twice_gives_the_same_bits(tmp_path):
    found = []
    for n in range(2):
        objective = Classification(CrossEntropy(), LatentMasking(time=0.3, time_length=2, channels=0.1))
        trainer = make_trainer(tmp_path / str(n), encoder=DROPOUT, objective=objective, callbacks=[Rows()])
        torch.manual_seed(n)  # what was drawn before does not matter
        trainer.fit()
        rows = [{k: v for k, v in r.items() if k not in ("seconds", "waiting")} for r in trainer.callbacks[0].rows]
        found.append((checks.hashes(trainer.model), rows))
    assert found[0] == found[1]
    assert found[0][0] != checks.hashes(make_trainer(tmp_path / "new").model)


def test_dropout_differs_from_step_to_step(tmp_path):
    trainer = make_trainer(
        tmp_path, size=4, encoder=DROPOUT, schedule=lambda step: 0.0, log_every=1, callbacks=[Rows()]
    )
    trainer.fit()
    losses = [r["loss"] for r in trainer.callbacks[0].rows]
    assert len(losses) == 2
    assert losses[0] != losses[1]  # same clips, same weights


def test_it_learns(tmp_path):
    trainer = make_trainer(tmp_path, size=12, batch_size=12, epochs=25, lr=3e-3, log_every=1, callbacks=[Rows()])
    trainer.fit()
    losses = [r["loss"] for r in trainer.callbacks[0].rows]
    assert losses[-1] < 0.2 < losses[0]


class NotFinite(Classification):
    """Gives NaN in the given calls."""

    def __init__(self, calls):
        super().__init__(CrossEntropy())
        self.calls, self.count = set(calls), 0

    def __call__(self, model, batch):
        total, weight = super().__call__(model, batch)
        self.count += 1
        return (total * float("nan") if self.count - 1 in self.calls else total), weight


def test_a_step_that_is_not_finite_is_skipped(tmp_path):
    trainer = make_trainer(tmp_path, size=4, epochs=3, objective=NotFinite({1}), log_every=1, callbacks=[Rows()])
    seen = []
    step = trainer._update

    def watched(sums):
        before = checks.hashes(trainer.model)
        step(sums)
        seen.append(before != checks.hashes(trainer.model))

    trainer._update = watched
    state = trainer.fit()
    assert seen == [True, False, True]
    assert state.skipped == 0
    assert torch.isfinite(weights(trainer)).all()
    losses = [r["loss"] for r in trainer.callbacks[0].rows]
    assert losses[1] is None
    assert losses[0] != losses[2]


def test_ten_in_a_row_end_the_run(tmp_path):
    calls = set(range(2, 2 + MAX_SKIPPED))
    rows = Rows()
    trainer = make_trainer(tmp_path, size=4, epochs=50, objective=NotFinite(calls), callbacks=[rows])
    with pytest.raises(AudioftError, match=r"10 steps in a row.*train\.lr"):
        trainer.fit()
    assert trainer.state.step == 2 + MAX_SKIPPED - 1
    assert rows.ended == 1
    broken = {i for i in range(2, 60) if (i - 2) % MAX_SKIPPED}  # never ten in a row
    make_trainer(tmp_path / "b", size=4, epochs=25, objective=NotFinite(broken)).fit()


def validating(tmp_path, values, **options):
    figures = iter(values)
    trainer = make_trainer(
        tmp_path,
        size=4,
        epochs=len(values),
        validate=lambda: {"loss": 1.0, "accuracy": next(figures)},
        schedule=Constant(1, 0.0),
        callbacks=[Rows()],
        **options,
    )
    kept = []
    begin = trainer.begin_epoch
    trainer.begin_epoch = lambda epoch: (kept.append(checks.hashes(trainer.model)), begin(epoch))
    return trainer, kept, trainer.fit()


@pytest.mark.parametrize(
    ("metric", "higher", "values", "best"),
    [
        ("accuracy", True, [0.2, 0.6, 0.6, 0.1], 2),
        ("accuracy", False, [0.2, 0.6, 0.1, 0.1], 3),
        ("accuracy", True, [float("nan"), 0.1, float("nan")], 2),
        ("accuracy", True, [float("nan"), float("nan")], 1),
        ("loss", False, [0.3, 0.2], 1),
        ("last", False, [0.1, 0.9, 0.5], 3),
    ],
)
def test_the_best_epoch_is_kept(metric, higher, values, best, tmp_path):
    trainer, kept, state = validating(tmp_path, values, metric=metric, higher_is_better=higher)
    assert state.best_epoch == best
    kept.append(checks.hashes(trainer.model))
    model = tiny.make_classifier(encoder=QUIET)
    about = trainer.checkpoints.load_best(model, trainer.state.best_epoch)
    assert about["epoch"] == best
    assert checks.hashes(model) == kept[best]
    assert kept[best] != kept[best - 1]
    rows = [r for r in trainer.callbacks[0].rows if r["kind"] == "valid"]
    assert [r["epoch"] for r in rows] == list(range(1, len(values) + 1))
    assert [r["accuracy"] for r in rows] == [v if v == v else None for v in values]


@pytest.mark.parametrize(
    ("first", "error", "then", "beaten"),
    [
        (0.5, 0.1, 0.46, False),
        (0.5, 0.1, 0.44, True),
        (-1e-9, 0.0, -2e-9, False),
        (0.5, 0.0, 0.495, False),
        (0.5, None, 0.495, True),
        (0.5, None, 0.5, False),
    ],
)
def test_an_epoch_has_to_be_better_than_the_beginning_beyond_chance(first, error, then, beaten):
    figures = {"refined_loss": first} | ({} if error is None else {"refined_loss_error": error})
    state = State(best=first, best_epoch=0, head_start=head_start(figures, "refined_loss"))
    assert state.is_beaten({"refined_loss": then, "loss": -9.0}, "refined_loss", higher_is_better=False) is beaten


def test_it_stops_early(tmp_path):
    trainer, _, state = validating(
        tmp_path, [0.1, 0.5, 0.2, 0.3, 0.9], higher_is_better=True, metric="accuracy", patience=2
    )
    assert state.finished
    assert state.epoch == 4
    assert state.best_epoch == 2
    assert len(trainer.callbacks[0].rows) == 4


def test_without_validation_the_last_epoch_is_the_best(tmp_path):
    trainer = make_trainer(tmp_path)
    assert trainer.fit().best_epoch == 2
    model = tiny.make_classifier(encoder=QUIET)
    trainer.checkpoints.load_best(model, trainer.state.best_epoch)
    assert checks.hashes(model) == checks.hashes(trainer.model)


def test_recordings_that_fail_are_noted_and_passed_over(tmp_path):
    trainer = make_trainer(tmp_path, size=5, batch_size=1, epochs=1, bad={3})
    state = trainer.fit()
    assert state.failures == {"3": ["decode", "it is damaged"]}
    assert state.step == 5
    nothing = make_trainer(tmp_path / "n", size=4, epochs=1, bad={0, 1, 2, 3})
    before = checks.hashes(nothing.model)
    nothing.fit()
    assert checks.hashes(nothing.model) == before


def test_a_plan_of_freezing_over_epochs(tmp_path):
    plan = freezing.plan({0: "all", 1: {"top": 1}, 2: "none"})
    trainer = make_trainer(tmp_path, epochs=3, weight_decay=0.1)
    before, moved = {}, []

    def begin(epoch):
        if before:
            after = checks.hashes(trainer.model)
            moved.append({k for k in after if after[k] != before[k]})
        before.update(checks.hashes(trainer.model))
        freezing.apply(freezing.at_epoch(plan, epoch), trainer.model.encoder)

    trainer.begin_epoch = begin
    trainer.fit()
    begin(3)
    inside = [{k.removeprefix("encoder.model.") for k in m if k.startswith("encoder.")} for m in moved]
    assert not inside[0]
    assert inside[1]
    assert all(k.startswith("encoder.layers.2.") for k in inside[1])
    assert {"feature_extractor.conv_layers.0.conv.weight", "feature_projection.projection.weight"} <= inside[2]
    assert all(any(k.startswith("head.") for k in m) for m in moved)


def test_gradients_are_scaled_down_to_the_norm(tmp_path):
    trainer = make_trainer(tmp_path, epochs=1, size=4, clip_norm=0.001)
    norms = []
    step = trainer.optimizer.step

    def watched():
        grads = [p.grad for p in trainer.model.parameters() if p.grad is not None]
        norms.append(torch.cat([g.reshape(-1) for g in grads]).norm().item())
        step()

    trainer.optimizer.step = watched
    trainer.fit()
    assert norms == [pytest.approx(0.001, rel=1e-2)]
