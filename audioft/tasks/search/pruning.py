"""Which trials are ended early: by Optuna's pruners, beside the trials that had ended before they could be drawn.

Over folds it is Wilcoxon's signed-rank test of what each clip, or group, costs beside the best trial; over epochs of
one validation side the median of the others, or Hyperband.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import optuna
from optuna.trial import TrialState, create_trial

from audioft.errors import UsageError
from audioft.tasks.search.ledger import COSTS, Entry
from audioft.tasks.search.storage import experimental

PRUNERS = ("auto", "median", "hyperband", "wilcoxon", "none")
WORSE = 0.05  # the chance of Wilcoxon's test, at most, for a trial to be told worse; it is asked after each fold
FEWEST = 4  # trials that must be complete before one is ended early
REDUCTION = 3  # of Hyperband: of so many trials one goes on

#: A step and its figure, and what each clip of the folds so far costs: whether the trial is worth no more.
Judge = Callable[[int, float, Mapping[int, float] | None], bool]


@dataclass(frozen=True)
class Pruning:
    """How trials are ended early.

    Attributes:
        name: of `PRUNERS` but `auto`.
        higher: whether a higher figure is better.
        ahead: trials that may be under way beside each other, and know nothing of each other.
        first: the number of the first trial that may be ended early.
        steps: epochs that a trial reports at most.
    """

    name: str
    higher: bool
    ahead: int
    first: int
    steps: int

    def judge(self, entry: Entry, entries: Sequence[Entry]) -> Judge:
        """Who judges a trial, by all that are there beside it."""
        known = [e for e in entries if e.number <= entry.number - 1 - self.ahead]
        enough = sum(e.state == "complete" for e in known) >= FEWEST
        if self.name == "none" or entry.number < self.first or not enough:
            return lambda step, figure, costs: False
        return _over_clips(known) if self.name == "wilcoxon" else self._over_epochs(entry, known)

    def _over_epochs(self, entry: Entry, known: Sequence[Entry]) -> Judge:
        study = optuna.create_study(
            study_name="search",  # Hyperband's brackets hang on it, and on the numbers
            pruner=self._pruner(),
            direction="maximize" if self.higher else "minimize",
        )
        for e in known:
            own = study.ask()
            if self.name == "hyperband":  # which keeps what a trial had reached when it was asked
                for step in sorted(e.steps):
                    own.report(e.steps[step], step)
                    own.should_prune()
            else:
                for step, figure in e.steps.items():
                    own.report(figure, step)
            ended = TrialState.COMPLETE if e.state == "complete" else TrialState.FAIL
            ended = TrialState.PRUNED if e.state == "pruned" and e.steps else ended
            study.tell(own, e.values[0] if ended == TrialState.COMPLETE else None, ended)
        while len(study.trials) < entry.number:
            study.ask()
        trial = study.ask()

        def judge(step: int, figure: float, costs: Mapping[int, float] | None) -> bool:
            trial.report(figure, step)
            return trial.should_prune()

        return judge

    def _pruner(self) -> optuna.pruners.BasePruner:
        if self.name == "median":
            return optuna.pruners.MedianPruner(n_startup_trials=FEWEST, n_warmup_steps=max(1, self.steps // 4))
        least, most = max(1, self.steps // REDUCTION**2), max(2, self.steps)
        return optuna.pruners.HyperbandPruner(min_resource=least, max_resource=most, reduction_factor=REDUCTION)


def _over_clips(known: Sequence[Entry]) -> Judge:
    def judge(step: int, figure: float, costs: Mapping[int, float] | None) -> bool:
        if not costs:
            return False
        with experimental():
            pruner = optuna.pruners.WilcoxonPruner(p_threshold=WORSE)
        study = optuna.create_study(pruner=pruner, direction="minimize")
        for e in known:
            own = {int(n): cost for n, cost in e.about.get(COSTS, {}).items()}
            if e.state == "complete" and own:
                study.add_trial(create_trial(value=sum(own.values()) / len(own), intermediate_values=own))
        if not study.trials:
            return False
        study.add_trial(create_trial(state=TrialState.RUNNING, intermediate_values=dict(costs)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scipy's, of equal differences
            return study.pruner.prune(study, study.get_trials()[-1])

    return judge


def fitting(asked: str, folds: int, objectives: int) -> str:
    """The pruner that `auto` is: Wilcoxon's test over folds, the median over epochs, none of several objectives.

    Raises:
        UsageError: what was asked for does not go with the folds or the objectives.
    """
    if asked not in PRUNERS:
        raise UsageError(f"--pruner {asked}: unknown; known are {', '.join(PRUNERS)}")
    if objectives > 1 and asked not in ("auto", "none"):
        raise UsageError(f"--pruner {asked}: Optuna prunes by one objective; leave it out, or search for one")
    if asked == "wilcoxon" and folds < 2:
        raise UsageError("--pruner wilcoxon compares folds, and there is one validation side; give --folds 5")
    if asked in ("median", "hyperband") and folds > 1:
        raise UsageError(f"--pruner {asked} compares epochs, and there are {folds} folds; use wilcoxon or none")
    if asked != "auto":
        return asked
    return "none" if objectives > 1 else "wilcoxon" if folds > 1 else "median"
