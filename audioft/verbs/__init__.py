"""What the command can do, a file a verb: `ABOUT`, `add_options(parser)` and `run(options, console)`, the exit code.

None of them imports anything heavy before it runs.
"""

from __future__ import annotations

#: In the order of the help; a dash in a verb is an underscore in its file.
NAMES = (
    *("train", "pretrain", "evaluate", "predict", "probe", "learning-curve", "merge"),
    *("enroll", "identify", "verify", "trials", "doctor"),
)
