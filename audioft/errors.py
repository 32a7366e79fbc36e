"""What goes wrong, by name.

Every failure of a user's making is an `AudioftError`: its text says what was found, what was expected and what
to do, and its `exit_code` is what the command ends with. Anything else that escapes is a bug of audioft, but for
`Interrupted`.
"""

from __future__ import annotations

from collections.abc import Iterable


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


def listed(subject: str, problems: list[str], most: int = 30) -> str:
    """`problems` as one message: the only one by itself, several as a list headed by their number."""
    if len(problems) == 1:
        return problems[0]
    shown = [f"  - {p}" for p in problems[:most]]
    if len(problems) > most:
        shown.append(f"  - and {len(problems) - most} more")
    return f"{len(problems)} problems in {subject}:\n" + "\n".join(shown)
