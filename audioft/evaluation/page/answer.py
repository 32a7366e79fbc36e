"""What a model says of a recording, as a piece of a notebook: to be heard, and the best labels as bars."""

from __future__ import annotations

import os
from collections.abc import Sequence

from audioft.errors import AudioError
from audioft.evaluation.page.elements import LABEL, bar, escaped, named, raw_table
from audioft.evaluation.page.sounds import of_file
from audioft.evaluation.page.style import fragment
from audioft.evaluation.text import number


def answer(
    path: str,
    label: str | None,
    labels: Sequence[str],
    top: Sequence[tuple[str, float]],
    count: int,
    seconds: float,
    error: AudioError | None,
    note: str = "",
) -> str:
    """See `Prediction` for what they are; `top` are the best labels with their scores, of `count` in all."""
    said = "no label" if label is None else ", ".join(named(x, LABEL) for x in labels) or "none of the labels"
    body = f'<p class="said">{said}</p><p>{named(path)}{f", {seconds:.1f} s" if seconds else ""}</p>'
    body += "" if error is None else f"<p>{'' if label is None else 'It breaks off: '}{escaped(error)}</p>"
    body += f"<p>note: {escaped(note)}</p>" if note else ""
    sound = of_file(path) if label is not None and os.path.isfile(path) else None
    body += "" if sound is None else f'<div class="beside">{sound.player}{sound.seen}</div>'
    rows = [("", [named(name, LABEL), bar(score) + number(score)]) for name, score in top]
    body += raw_table([("", False), ("", True)], rows) if rows else ""
    body += f"<p>and {count - len(top)} more labels</p>" if count > len(top) else ""
    return fragment(body)
