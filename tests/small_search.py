"""Settings under which a search on tiny tones takes seconds."""

from __future__ import annotations

import makers

import audioft

QUICK = {**makers.QUICK, "train.batch_size": 8, "train.save_minutes": 0.0}
SPACE = {"train.lr": {"log": [1e-4, 1e-2]}, "train.batch_size": {"choice": [4, 8]}}
QUIET = audioft.Console(quiet=True)
