"""What the end of a run says of the epoch it keeps."""

from __future__ import annotations

import pytest

from audioft.configuration.sections import TrainSection
from audioft.tasks.train.kept_epoch import told
from audioft.training.state import State


def said_of(state: State, epochs=20, metric="accuracy", patience=0, validated=True) -> str:
    return "\n".join(told(state, TrainSection(epochs=epochs, patience=patience), metric, validated=validated))


@pytest.mark.parametrize(
    ("state", "how", "said"),
    [
        ((20, 18, 2, 0.9), {}, "kept: epoch 18 of 20, the best by validation accuracy 0.9000"),
        ((20, 20, 0, 0.5), {"metric": "loss"}, "kept: epoch 20 of 20, the best by validation loss 0.5000"),
        ((9, 4, 5, 0.9), {"patience": 5}, "; stopped after 9 of 20 (train.patience=5)"),
        ((20, 20, 0, None), {"validated": False}, "epoch 20, the last one, as there is no validation side"),
        ((20, 20, 0, None), {"metric": "last"}, "epoch 20, the last one (train.metric=last)"),
    ],
)
def test_the_epoch_and_what_chose_it_are_named(state, how, said):
    epoch, best, stale, value = state
    assert said in said_of(State(epoch=epoch, best_epoch=best, stale=stale, best=value), **how)


@pytest.mark.parametrize(
    ("epoch", "best", "noted"),
    [(20, 10, True), (20, 11, False), (20, 2, True), (4, 2, True), (3, 1, False), (2, 1, False), (1, 1, False)],
)
def test_a_validation_that_got_no_better_for_half_of_the_run_is_told_with_its_remedy(epoch, best, noted):
    said = said_of(State(epoch=epoch, best_epoch=best, stale=epoch - best, best=0.7), epochs=epoch)
    assert ("train.patience=" in said) == noted
    if noted:
        enough = int(said.partition("train.patience=")[2].split()[0])
        assert 1 <= enough <= epoch - best, "it would have stopped the run sooner, or at its end"
        assert f"best after epoch {best} and no better in the {epoch - best} epochs since" in said


def test_a_run_that_was_stopped_by_its_patience_is_not_told_of_it():
    assert "note:" not in said_of(State(epoch=9, best_epoch=4, stale=5, best=0.7), patience=5)
