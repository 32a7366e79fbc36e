"""How much of the difference between trials each setting explains."""

from __future__ import annotations

from collections.abc import Sequence

import optuna

from audioft.tasks.search.ledger import Entry
from audioft.tasks.search.space import Dimension, Space

FEWEST = 8  # complete trials, below which nothing is said


def importance(trials: Sequence[Entry], space: Space, seed: int) -> dict[str, float]:
    """The share of the variance of the score that each setting explains, by functional ANOVA.

    Hutter, Hoos and Leyton-Brown 2014, "An efficient approach for assessing hyperparameter importance". A setting that
    hangs on others is judged among the trials that have it.

    Returns:
        By key, the most important first; without those of too few trials, or that took one value, and empty where all
        trials are as good as equal.
    """
    found: dict[str, float] = {}
    plain = [d for d in space.dimensions if not d.when]
    found |= _of(plain, trials, seed)
    for d in space.dimensions:
        if d.when:
            own = _of([*plain, d], trials, seed)
            found |= {d.key: own[d.key]} if d.key in own else {}
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def _of(dimensions: Sequence[Dimension], trials: Sequence[Entry], seed: int) -> dict[str, float]:
    own = [e for e in trials if e.state == "complete" and all(d.key in e.settings for d in dimensions)]
    varied = [d for d in dimensions if len({str(e.settings[d.key]) for e in own}) > 1]
    if len(own) < FEWEST or not varied or len({e.values[0] for e in own}) < 2:
        return {}
    study = optuna.create_study(direction="minimize")
    keys = {d.key for d in varied}
    known = Space(tuple(varied), {})
    for e in own:
        settings = {k: v for k, v in e.settings.items() if k in keys}
        forms = {d.key: d.distribution() for d in varied}
        trial = optuna.trial.create_trial(params=known.known(settings), distributions=forms, value=e.values[0])
        study.add_trial(trial)
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed % 2**31)
    try:
        return dict(optuna.importance.get_param_importances(study, evaluator=evaluator, params=sorted(keys)))
    except RuntimeError:  # Optuna's trees find no difference between trials that differ by next to nothing
        return {}
