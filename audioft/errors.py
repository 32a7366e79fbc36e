"""What goes wrong, by name.

Every failure of a user's making is an `AudioftError`: its text says what was found, what was expected and what
to do, and its `exit_code` is what the command ends with. Anything else that escapes is a bug of audioft, but for
`Interrupted`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence

#: What may be another in each sentence of a kind: names that `Problem` was given, what is in quotes, numbers.
_VARYING = re.compile(
    r"\0.*?\0|(?<!\w)'[^']*'(?!\w)|(?<!\w)\"[^\"]*\"(?!\w)|(?<![\w./-])-?\d+(?:\.\d+)?(?![\w/-]|\.\w)", re.DOTALL
)
#: Sentences of which each has a remedy of its own: so many of a kind are told.
_ASKS, _MOST_ASKED = "did you mean", 20
#: A place that is one of many alike.
_LINE = re.compile(r"((?:.*? )?(?:line|row)) (\d+)")


class AudioftError(Exception):
    """A failure with a message meant for the person at the keyboard.

    Attributes:
        exit_code: what the command returns: 1, the work failed; 2, the call was wrong.

    >>> isinstance(DataError("no recordings"), AudioftError), DataError.exit_code, UsageError.exit_code
    (True, 1, 2)
    """

    exit_code = 1


class UsageError(AudioftError):
    """The call itself was wrong: a path that does not exist, an option that does not fit."""

    exit_code = 2


class ConfigError(UsageError):
    """One or more settings are wrong; all of them are listed at once.

    Args:
        problems: one sentence each, naming the key, what was found and what was expected.
    """

    def __init__(self, problems: str | Iterable[str]):
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__(listed("the configuration", self.problems))


class DataError(AudioftError):
    """The recordings or their table cannot be trained on or evaluated; all problems are listed at once."""

    def __init__(self, problems: str | Iterable[str]):
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__(listed("the data", self.problems))


class AudioError(AudioftError):
    """One recording could not be used.

    Args:
        path: the recording.
        stage: where it failed: `open`, `decode`, `check` or `model`.
        reason: what was found there.
    """

    def __init__(self, path: object, stage: str, reason: str):
        self.path, self.stage, self.reason = str(path), stage, reason
        super().__init__(f"{path}: {reason} (at stage {stage!r})")

    def __reduce__(self):  # an exception crosses from a worker process by its arguments
        return type(self), (self.path, self.stage, self.reason)


class ModelError(AudioftError):
    """An encoder or a model folder is missing, incomplete or of a kind that is not supported."""


class CheckpointError(AudioftError):
    """A run cannot be continued: nothing to resume, or a checkpoint of another run."""


class AnotherRunError(CheckpointError):
    """A checkpoint is of a run with other data or settings."""


class Interrupted(KeyboardInterrupt):
    """The program was told to stop, by Ctrl-C or by another program.

    Args:
        signal: the number of the signal.

    Attributes:
        exit_code: 128 and the number, as a shell says it: 130 after Ctrl-C, 143 after SIGTERM.

    >>> Interrupted(15).exit_code
    143
    """

    def __init__(self, signal: int):
        self.exit_code = 128 + signal
        super().__init__(signal)


class Problem(str):
    """What is wrong in one place, a sentence; `grouped` tells those of one kind together.

    Args:
        place: where it is: `metadata.csv line 3`, a recording, a setting; empty where the sentence says it.
        said: what is wrong there, or a ValueError of a `Problem`; with `names`, a `{}` for each of them.
        names: what is another in each place, and neither a number nor in quotes, which is seen without.

    >>> Problem("a.csv line 3", "no such file: {}", "x.wav")
    'a.csv line 3: no such file: x.wav'
    """

    place: str
    said: str  # without the place, NUL around each of the names

    def __new__(cls, place: object, said: object, *names: object) -> Problem:
        if isinstance(said, ValueError) and said.args and isinstance(said.args[0], Problem):
            said = said.args[0]
        marked = str(said).format(*(f"\0{name}\0" for name in names)) if names else getattr(said, "said", str(said))
        plain = marked.replace("\0", "")
        problem = super().__new__(cls, f"{place}: {plain}" if place else plain)
        problem.place, problem.said = str(place), marked
        return problem

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # what is pickled is made by these again
        return self.place, self.said

    @classmethod
    def of(cls, sentence: str) -> Problem:
        """A sentence that may begin with the line or the row it is about."""
        if isinstance(sentence, Problem):
            return sentence
        line = re.match(f"{_LINE.pattern}: ", sentence)
        return cls(line[0][:-2], sentence[line.end() :]) if line else cls("", sentence)


def grouped(problems: Iterable[str], most: int = 3) -> list[str]:
    """Problems, all of a kind in one sentence: how many there are, where the first `most` are, what is wrong.

    Of one kind are those that say the same but for names, numbers and what is in quotes; what they have in common is
    told, what they have not is told beside the places. What was probably meant is told of more than `most`.

    >>> grouped([Problem(f"a.csv line {i}", "no such file: {}", f"{i}.wav") for i in range(2, 102)])
    ['100 times, a.csv lines 2 (2.wav), 3 (3.wav), 4 (4.wav) and 97 more: no such file: ...']
    >>> grouped(["a.csv line 2: end 'x' is no number", "a.csv line 9: the label is empty"])
    ["a.csv line 2: end 'x' is no number", 'a.csv line 9: the label is empty']
    >>> grouped([f"unknown key {k!r}: did you mean {m!r}?" for k, m in ("ad", "be", "cf", "dg")], most=1)
    ["4 times, 'a' ('d'), 'b' ('e'), 'c' ('f'), 'd' ('g'): unknown key ...: did you mean ...?"]
    """
    kinds: dict[str, list[Problem]] = {}
    for problem in map(Problem.of, problems):
        kinds.setdefault(_VARYING.sub("\0", problem.said), []).append(problem)
    return [_together(same, most) for same in kinds.values()]


def _together(same: Sequence[Problem], most: int) -> str:
    if len(same) == 1:
        return str(same[0])
    names = [[name.strip("\0") for name in _VARYING.findall(problem.said)] for problem in same]
    alike = [len(set(column)) == 1 for column in zip(*names, strict=True)]
    if _ASKS in same[0] and not all(alike[-1:]):
        most = max(most, _MOST_ASKED)
    places = []
    for problem, own in zip(same[:most], names, strict=False):
        differing = [name for name, common in zip(own, alike, strict=True) if not common]
        line = _LINE.fullmatch(problem.place)
        stem, place = line.groups() if line else ("", problem.place)
        place = place or (differing.pop(0) if differing else "")
        places.append((stem, f"{place} ({', '.join(differing)})" if differing else place))
    where = ""
    for stem, those in itertools.groupby(places, key=lambda found: found[0]):
        told = [place for _, place in those if place]
        where += f", {stem}{'s' * (len(told) > 1)} {', '.join(told)}" if stem else "".join(f", {t}" for t in told)
    if where and len(same) > most:
        where += f" and {len(same) - most} more"
    said = iter([name if common else "..." for name, common in zip(names[0], alike, strict=True)])
    return f"{len(same)} times{where}: {_VARYING.sub(lambda _: next(said), same[0].said)}"


def listed(subject: str, problems: Sequence[str], most: int = 30) -> str:
    """`problems` as one message: the only one by itself, several as a list headed by their number, a line a kind."""
    if len(problems) == 1:
        return str(problems[0])
    return f"{len(problems)} problems in {subject}:" + bullets(problems, most)


def bullets(problems: Iterable[str], most: int = 30) -> str:
    """`problems` as lines to follow a sentence, one a kind."""
    kinds = grouped(problems)
    more = [f"and {len(kinds) - most} more kinds of them"] if len(kinds) > most else []
    return "".join(f"\n  - {told}" for told in [*kinds[:most], *more])
