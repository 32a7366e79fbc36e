"""What a trial tries: a function of its number and of the trials that had ended before it could be drawn.

Optuna's sampler and pruner work on a study in memory that holds just those trials, so that the same trials are drawn
whatever number of processes works on the study, and however often it is killed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audioft.configuration import config as configs
from audioft.core.runtime import address
from audioft.errors import UsageError
from audioft.tasks.search.ledger import COSTS, Entry
from audioft.tasks.search.space import Space

if TYPE_CHECKING:
    from optuna import Study

SAMPLERS = ("tpe", "gp", "random")
PRUNERS = ("auto", "median", "hyperband", "wilcoxon", "none")
STARTUP = 10  # trials that are drawn at random before the sampler learns
WORSE = 0.05  # the chance of Wilcoxon's test, at most, for a trial to be told worse; it is asked after each fold
AGAIN = 20  # draws of settings that were there before, after which there are no new ones
FEWEST = 4  # trials that must have ended before one is pruned


@dataclass(frozen=True)
class Drawing:
    """How trials are drawn and ended early.

    Attributes:
        space: what is searched.
        sampler: of `SAMPLERS`.
        pruner: of `PRUNERS` but `auto`.
        directions: of each objective, `minimize` or `maximize`.
        seed: of the search.
        ahead: trials that may be under way beside each other.
        starts: settings of the first trials; the very first are those that the search began with.
        steps: folds, or epochs, that a trial reports at most.
    """

    space: Space
    sampler: str
    pruner: str
    directions: tuple[str, ...]
    seed: int
    ahead: int
    starts: tuple[dict[str, Any], ...]
    steps: int

    def settings(
        self, number: int, entries: Sequence[Entry], fits: Callable[[dict[str, Any]], bool] = lambda settings: True
    ) -> dict[str, Any] | None:
        """The settings of a trial; None where no draw brings new ones.

        Args:
            number: of the trial.
            entries: those before it, of which all but the last `ahead` have ended.
            fits: whether there is time for settings.
        """
        if number < len(self.starts):
            return dict(self.starts[number])
        before = {_spelled(e.settings) for e in entries}
        if len({_spelled(e.settings) for e in entries[len(self.starts) :]}) >= self.space.size:
            return None
        known = [e for e in entries if e.number <= number - 1 - self.ahead]
        for attempt in range(AGAIN):
            study = self._view(known, [e for e in entries if e not in known], number, attempt)
            found = self.space.suggest(study.ask())
            if _spelled(found) not in before and fits(found):
                return found
        return None

    def prunes(
        self, entry: Entry, steps: dict[int, float], costs: Mapping[int, float] | None, entries: Sequence[Entry]
    ) -> bool:
        """Whether a trial that has reported so far is worth no more.

        Args:
            entry: of the trial.
            steps: its figures so far, by fold or epoch.
            costs: of each clip of its folds so far.
            entries: all others.
        """
        import optuna

        if self.pruner == "none" or entry.number < len(self.starts) or len(self.directions) > 1:
            return False
        known = [e for e in entries if e.number <= entry.number - 1 - self.ahead]
        if sum(e.state == "complete" for e in known) < FEWEST:
            return False
        if self.pruner == "wilcoxon":
            return _worse_by_clips(costs, known)
        study = self._view(known, [], entry.number, 0)
        trial = optuna.trial.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            params=self.space.known(entry.settings),
            distributions=self._forms(entry.settings),
            intermediate_values=dict(steps),
        )
        study.add_trial(trial)
        return study.pruner.prune(study, study.get_trials()[-1])

    def _view(self, known: Sequence[Entry], under_way: Sequence[Entry], number: int, attempt: int) -> Study:
        """A study in memory: what is known of the trials that had ended, and that others are under way."""
        import optuna

        study = optuna.create_study(
            study_name="search",  # Hyperband's brackets hang on it
            sampler=_sampler(self.sampler, address(self.seed, "search", number, attempt) % 2**32),
            pruner=_pruner(self.pruner, self.steps),
            directions=list(self.directions),  # type: ignore[arg-type]
        )
        states = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
        for e in [*known, *under_way]:
            state = optuna.trial.TrialState[states[e.state] if e in known else "RUNNING"]
            trial = optuna.trial.create_trial(
                state=state,
                values=list(e.values) if state == optuna.trial.TrialState.COMPLETE else None,
                params=self.space.known(e.settings),
                distributions=self._forms(e.settings),
                intermediate_values=e.steps if e in known else {},
            )
            study.add_trial(trial)
        return study

    def _forms(self, settings: dict[str, Any]) -> dict[str, Any]:
        return {d.key: d.distribution() for d in self.space.dimensions if d.key in settings}


def starts(space: Space, freeze: Any) -> tuple[dict[str, Any], ...]:
    """Where a search begins: the settings it was given, and each other way to freeze with what the recipe has for it.

    Args:
        space: what is searched.
        freeze: how the settings it was given freeze.
    """
    found: list[dict[str, Any]] = [{}]
    for d in space.dimensions:
        if d.key == "freeze" and d.form == "choice" and not d.when:
            found += [{d.key: value} for value in d.values if value != freeze]
    return tuple(found)


def fitting_pruner(asked: str, folds: int, objectives: int) -> str:
    """The pruner that `auto` is: Wilcoxon's test over folds, the median over epochs, none of several objectives.

    Raises:
        UsageError: what was asked for does not go with the folds or the objectives.
    """
    if objectives > 1 and asked not in ("auto", "none"):
        raise UsageError(f"--pruner {asked}: Optuna prunes by one objective; leave it out, or search for one")
    if asked == "wilcoxon" and folds < 2:
        raise UsageError("--pruner wilcoxon compares folds, and there is one validation side; give --folds 5")
    if asked in ("median", "hyperband") and folds > 1:
        raise UsageError(f"--pruner {asked} compares epochs, and there are {folds} folds; use wilcoxon or none")
    if asked != "auto":
        return asked
    return "none" if objectives > 1 else "wilcoxon" if folds > 1 else "median"


def _worse_by_clips(costs: Mapping[int, float] | None, known: Sequence[Entry]) -> bool:
    """Whether Wilcoxon's signed-rank test over clips tells a trial to be worse than the best one before it."""
    import optuna

    study = optuna.create_study(pruner=_pruner("wilcoxon", 0), direction="minimize")
    state = optuna.trial.TrialState
    for e in known:
        own = {int(n): cost for n, cost in e.about.get(COSTS, {}).items()}
        if e.state == "complete" and own:
            mean = sum(own.values()) / len(own)
            study.add_trial(optuna.trial.create_trial(value=mean, intermediate_values=own))
    if not costs or not study.trials:
        return False
    study.add_trial(optuna.trial.create_trial(state=state.RUNNING, intermediate_values=dict(costs)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy's, of equal differences
        return study.pruner.prune(study, study.get_trials()[-1])


def _sampler(name: str, seed: int) -> Any:
    import optuna

    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if name == "gp":
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=STARTUP)
    return optuna.samplers.TPESampler(
        seed=seed, n_startup_trials=STARTUP, multivariate=True, group=True, constant_liar=True
    )


def _pruner(name: str, steps: int) -> Any:
    import optuna

    if name == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=FEWEST, n_warmup_steps=max(1, steps // 4))
    if name == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=max(1, steps // 9), max_resource=max(2, steps))
    if name == "wilcoxon":
        return optuna.pruners.WilcoxonPruner(p_threshold=WORSE)
    return optuna.pruners.NopPruner()


def _spelled(settings: dict[str, Any]) -> str:
    return configs.spell(dict(sorted(settings.items())))
