"""Names of labels that nobody chose."""

from __future__ import annotations

import re
from collections.abc import Sequence

UNNAMED = re.compile(r"LABEL_\d+")  # as transformers calls them


def notes(labels: Sequence[str]) -> list[str]:
    """What is to be said of a model's labels: names that nobody chose.

    >>> notes(["LABEL_0", "LABEL_1"])[0].partition(",")[0], notes(["go", "stop"])
    ('the labels are LABEL_0 to LABEL_1', [])
    """
    if not labels or not all(map(UNNAMED.fullmatch, labels)):
        return []
    return [
        f"the labels are {labels[0]} to {labels[-1]}, as transformers calls what nobody named: write names into "
        "id2label of the model's config.json"
    ]
