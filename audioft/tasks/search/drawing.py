"""What a trial tries: a function of its number and of the trials that had ended before it could be drawn.

Optuna's sampler works on a study in memory that holds just those trials, so that the same trials are drawn whatever
number of processes works on the study, and however often it is killed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audioft.configuration import config as configs
from audioft.core.runtime import address
from audioft.tasks.search.ledger import Entry
from audioft.tasks.search.space import Space
from audioft.tasks.search.storage import experimental

if TYPE_CHECKING:
    from optuna import Study

SAMPLERS = ("tpe", "gp", "random")
STARTUP = 10  # trials that are drawn at random before the sampler learns
AGAIN = 20  # draws of settings that were there before, after which there are no new ones


@dataclass(frozen=True)
class Drawing:
    """How trials are drawn.

    Attributes:
        space: what is searched.
        sampler: of `SAMPLERS`.
        directions: of each objective, `minimize` or `maximize`.
        seed: of the search.
        ahead: trials that may be under way beside each other.
        starts: settings of the first trials; the very first are those that the search began with.
    """

    space: Space
    sampler: str
    directions: tuple[str, ...]
    seed: int
    ahead: int
    starts: tuple[dict[str, Any], ...]

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

    def _view(self, known: Sequence[Entry], under_way: Sequence[Entry], number: int, attempt: int) -> Study:
        """A study in memory: what is known of the trials that had ended, and that others are under way."""
        import optuna

        study = optuna.create_study(
            study_name="search",  # Hyperband's brackets hang on it
            sampler=_sampler(self.sampler, address(self.seed, "search", number, attempt) % 2**32),
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


def starts(space: Space, freeze: Any, probed: dict[str, Any] | None = None) -> tuple[dict[str, Any], ...]:
    """Where a search begins: the settings it was given, and each other way to freeze with what the recipe has for it.

    Args:
        space: what is searched.
        freeze: how the settings it was given freeze.
        probed: what a probe suggests; None for nothing.
    """
    found: list[dict[str, Any]] = [{}, *([] if probed is None else [probed])]
    for d in space.dimensions:
        if d.key == "freeze" and d.form == "choice" and not d.when:
            found += [{d.key: value} for value in d.values if value != freeze]
    return tuple(found)


def _sampler(name: str, seed: int) -> Any:
    import optuna

    if name == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if name == "gp":
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=STARTUP)
    with experimental():
        return optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=STARTUP, multivariate=True, group=True, constant_liar=True
        )


def _spelled(settings: dict[str, Any]) -> str:
    return configs.spell(dict(sorted(settings.items())))
