"""Who does which trial: each exactly once, whoever is killed.

A trial has a number of its own (`number` in Optuna's user attributes); what is drawn for it depends on that alone and
on trials long done, not on who draws. One whose process is gone is marked as failed in Optuna, as its own retries do,
and stands there again under the same number: whoever takes it goes on in its folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audioft.errors import AudioftError, UsageError
from audioft.tasks.search import lease, served
from audioft.tasks.search import storage as storages
from audioft.tasks.search.space import Space

MOST_TRIED = 5  # times that a trial's process may end before it has come any further
NUMBER, SETTINGS, ERROR, GONE, TRIED, DONE = "number", "settings", "error", "gone", "tried", "done"
COSTS = "costs"  # of each clip or group of the folds so far, by its number


class StorageGone(AudioftError):
    """The storage of a study cannot be reached; no trial is to blame."""


@dataclass(frozen=True)
class Entry:
    """A trial as the study knows it.

    Attributes:
        number: from 0.
        id: of Optuna.
        state: `waiting`, `running`, `complete`, `pruned` or `failed`.
        settings: dotted keys to values; none are those that the study began with.
        values: of the objectives; empty where there are none.
        steps: of a trial that reported: fold or epoch to its figure.
        about: whatever else was measured, by name.
    """

    number: int
    id: int
    state: str
    settings: dict[str, Any]
    values: tuple[float, ...]
    steps: dict[int, float]
    about: dict[str, Any]

    @property
    def ended(self) -> bool:
        return self.state in ("complete", "pruned", "failed")


@dataclass(frozen=True)
class Taken:
    """A trial that this process does; `folder` is where its runs are."""

    entry: Entry
    folder: Path


class Ledger:
    """The trials of a study.

    Args:
        folder: of the study.
        url: of its database; None for the journal.
        space: what is searched.
        directions: of each objective, `minimize` or `maximize`.
        name: of the study in its storage.

    Attributes:
        exhausted: no draw brings new settings.
    """

    def __init__(self, folder: Path, url: str | None, space: Space, directions: Sequence[str], name: str):
        import optuna

        self.folder, self.url, self.space, self.exhausted = folder, url, space, False
        self.storage = storages.opened(folder, url)
        how: dict[str, Any] = {
            "study_name": name,
            "directions": list(directions),
            "load_if_exists": True,
        }
        with storages.alone(folder), _told(url):
            self.study = optuna.create_study(storage=self.storage, **how)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Inside, no other process, of this machine or another, takes or gives a trial of the study."""
        server: Any = self.storage
        held = served.alone(server, self.id) if storages.shared(self.url) else contextlib.nullcontext()
        with storages.alone(self.folder), _told(self.url), held:
            yield

    def agree(self, about: Mapping[str, Any]) -> None:
        """Refuse a study in a database that was begun in another way; see `served.agree`."""
        if self.url is not None:
            with _told(self.url):
                served.agree(self.storage, self.id, about, f"--storage {storages.shown(self.url)}")

    def fetch(self, entries: Sequence[Entry]) -> None:
        """Have here what complete trials of other machines said of each clip."""
        if self.url is not None:
            with _told(self.url):
                done = [(e.number, self._place(e)) for e in entries if e.state == "complete"]
                served.fetch(self.storage, self.id, done)

    @property
    def id(self) -> int:
        return self.study._study_id  # the storages take no name

    def entries(self) -> list[Entry]:
        """All trials by number, each once."""
        with _told(self.url):
            found = self.storage.get_all_trials(self.id, deepcopy=False)
        live: dict[int, Entry] = {}
        for trial in found:
            number = trial.user_attrs.get(NUMBER)
            if number is not None and GONE not in trial.user_attrs and number not in live:
                live[number] = _entry(number, trial)
        return [live[n] for n in sorted(live)]

    def take(self, draw: Callable[[int, list[Entry]], dict[str, Any] | None], most: int, ahead: int) -> Taken | None:
        """A trial to do; None where nothing is left, or others must be ended first.

        Args:
            draw: the settings of a trial, from its number and all entries before it; None: there are no new ones.
            most: how many trials there are to be.
            ahead: a trial is drawn as soon as all are ended but the `ahead` ones before it.
        """
        with self._alone():
            self._release_the_gone()
            entries = self.entries()
            for entry in (e for e in entries if e.state == "waiting"):
                if (taken := self._claim(entry)) is not None:
                    return taken
            number = len(entries)
            if number >= most or any(not e.ended for e in entries[: max(0, number - ahead)]):
                return None
            settings = draw(number, entries)
            if settings is None:
                self.exhausted = True
                return None
            self._put(number, settings)
            return self._claim(next(e for e in self.entries() if e.number == number))

    def _put(self, number: int, settings: Mapping[str, Any], about: Mapping[str, Any] | None = None) -> None:
        import optuna

        forms = {d.key: d.distribution() for d in self.space.dimensions if d.key in settings}
        template = optuna.trial.create_trial(
            state=optuna.trial.TrialState.WAITING,
            params=self.space.known(settings),
            distributions=forms,
            user_attrs={NUMBER: number, SETTINGS: dict(settings), **(about or {})},
        )
        self.storage.create_new_trial(self.id, template)

    def _claim(self, entry: Entry) -> Taken | None:
        """Take a waiting trial, if nobody else has."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        folder = self._place(entry)
        lock = lease.take(folder)
        if lock is None:
            return None
        try:
            claimed = self.storage.set_trial_state_values(entry.id, TrialState.RUNNING)
        except UpdateFinishedTrialError:
            claimed = False
        if not claimed:
            lock.close()
            return None
        for name, value in lease.hold(entry.id, lock, folder).items():
            self.storage.set_trial_user_attr(entry.id, name, value)
        return Taken(entry, folder)

    def _release_the_gone(self) -> None:
        """Let trials stand there again whose process is gone; each by one process, once."""
        elsewhere = self.url is not None
        running = [e for e in self.entries() if e.state == "running"]
        for entry in (e for e in running if lease.is_gone(e.id, self._place(e), e.about, elsewhere)):
            with _unless_taken_over():
                done = self._done(entry)
                before = entry.about.get(TRIED, 0) if entry.about.get(DONE) == done else 0
                if before + 1 < MOST_TRIED:
                    self._again(entry, {TRIED: before + 1, DONE: done})
                else:
                    self._give_up(entry)

    def _again(self, entry: Entry, about: Mapping[str, Any]) -> None:
        from optuna.trial import TrialState

        # the new one first: of several that stand there the first is taken, and none is ever lost
        self._put(entry.number, entry.settings, about)
        self.storage.set_trial_user_attr(entry.id, GONE, True)
        self.storage.set_trial_state_values(entry.id, TrialState.FAIL)

    def _give_up(self, entry: Entry) -> None:
        from optuna.trial import TrialState

        said = (
            f"its process ended {MOST_TRIED} times before it came any further, as one does that takes too much memory"
        )
        self.storage.set_trial_user_attr(entry.id, ERROR, said)
        self.storage.set_trial_state_values(entry.id, TrialState.FAIL)

    def _done(self, entry: Entry) -> str:
        """What there is of a trial: its files."""
        folder = self._place(entry)
        found = [p.relative_to(folder) for p in (*folder.glob("*.json"), *folder.glob("*/checkpoints/*"))]
        return " ".join(sorted(map(str, found)))

    def _place(self, entry: Entry) -> Path:
        return self.folder / "trials" / f"{entry.number:04d}"

    def report(self, taken: Taken, step: int, value: float, costs: Mapping[int, float] | None = None) -> None:
        """A figure of a fold or an epoch, and what each clip of the folds so far costs."""
        with _told(self.url), _unless_taken_over():
            if costs:
                told = {str(n): round(cost, 6) for n, cost in costs.items()}
                self.storage.set_trial_user_attr(taken.entry.id, COSTS, told)
            self.storage.set_trial_intermediate_value(taken.entry.id, step, value)

    def end(
        self, taken: Taken, state: str, values: Sequence[float] | None = None, about: Mapping[str, Any] | None = None
    ) -> None:
        """A trial is over: `complete` with its values, `pruned`, or `failed` with why in `about`."""
        from optuna.trial import TrialState

        states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
        with _told(self.url), _unless_taken_over():
            if state == "complete" and self.url is not None:
                served.give(self.storage, self.id, taken.entry.number, taken.folder)
            for key, value in (about or {}).items():
                self.storage.set_trial_user_attr(taken.entry.id, key, value)
            self.storage.set_trial_state_values(taken.entry.id, states[state], values)
        lease.let_go(taken.entry.id)

    def put_back(self, taken: Taken) -> None:
        """A trial that was stopped before its end stands there again."""
        with self._alone(), _unless_taken_over():
            self._again(taken.entry, {k: v for k, v in taken.entry.about.items() if k in (TRIED, DONE)})
        lease.let_go(taken.entry.id)

    def alive(self, taken: Taken) -> contextlib.AbstractContextManager[None]:
        """Inside, other machines see that the trial is worked on."""
        if self.url is None:
            return contextlib.nullcontext()
        return lease.beating(lambda name, now: self.storage.set_trial_user_attr(taken.entry.id, name, now))


_STATES = {"WAITING": "waiting", "RUNNING": "running", "COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


def _entry(number: int, trial: Any) -> Entry:
    about = dict(trial.user_attrs)
    settings = about.pop(SETTINGS, {})
    values = tuple(trial.values or ())
    return Entry(number, trial._trial_id, _STATES[trial.state.name], settings, values, trial.intermediate_values, about)


@contextlib.contextmanager
def _unless_taken_over() -> Iterator[None]:
    """A process that was thought to be gone, and whose trial another one has, says nothing of it any more."""
    from optuna.exceptions import UpdateFinishedTrialError

    with contextlib.suppress(UpdateFinishedTrialError):
        yield


@contextlib.contextmanager
def _told(url: str | None) -> Iterator[None]:
    """What goes wrong with a storage, in one line."""
    from optuna.exceptions import DuplicatedStudyError, StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    name = "the study's journal" if url is None else f"--storage {storages.shown(url)}"
    try:
        yield
    except (StorageInternalError, SQLAlchemyError, OSError) as e:
        why = str(getattr(e, "__cause__", None) or e).splitlines()[0][:200]
        raise StorageGone(f"{name} is gone or locked: {why}; `--resume` goes on once it is there again") from e
    except DuplicatedStudyError as e:
        raise UsageError(f"{name} holds another study; give --out another folder") from e
    except ValueError as e:
        if url is None and "Invalid log format" in str(e):
            raise AudioftError(f"{name} is damaged: {e}; put it back from a copy") from e
        raise
