"""What makes a model smaller, a file a step; `--how` names them.

A new step is a class of the form of `base.Step` in a file of its own, and a line in `STEPS`.
"""

from __future__ import annotations

from collections.abc import Mapping

from audioft.tasks.compress.steps.base import Step
from audioft.tasks.compress.steps.distil import Distil
from audioft.tasks.compress.steps.prune import Prune
from audioft.tasks.compress.steps.quantise import Quantise

#: By the name that `--how` knows, in the order in which they are told of.
STEPS: Mapping[str, Step] = {step.name: step for step in (Distil(), Prune(), Quantise())}
