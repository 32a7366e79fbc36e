"""The last step: the model that was chosen, on the clips that no choice has heard."""

from __future__ import annotations

from typing import Any

import audioft
from audioft.evaluation.text import number
from audioft.tasks.auto import tables
from audioft.tasks.auto.calls import Call
from audioft.tasks.auto.kept import Done
from audioft.tasks.auto.work import MODEL, Work

REPORT = "report"
ROWS = 130  # of a whole card: kinds by strengths
CLIPS = 40  # that are disturbed
OVERHEAD = 0.05  # seconds to disturb a clip once
SOME = ("white", "reverb", "telephone", "mp3", "quiet")  # where time is short
EXPLAINED = 4
PASSES = 80  # of a clip, to explain one


def measure(work: Work) -> Done:
    """The step."""
    title, about = "How good it is", work.kept.found("data")
    if not about["tested"]:
        return Done(title, [f"no clip is left to test on; of folds: {work.kept.best}"])
    kinds, limit, explained = _afforded(work)
    model, table, out = work.at(MODEL), work.at(tables.CLIPS), work.folder / REPORT
    settings = [s for s in work.settings if s.startswith(("data.audio_root=", "data.group=", "data.allow_outside="))]
    asked: dict[str, Any] = {"side": "test", "limit": limit, "explained": explained}
    named = None if kinds is None else ",".join(kinds) or "none"
    call = work.call("report", model, table, out=out, kinds=named, settings=settings, **asked)
    how: dict[str, Any] = {"kinds": kinds, "overwrite": (out / "index.html").is_file(), "overrides": settings, **asked}
    found = audioft.report(model, table, out=out, console=work.brief, **how)
    main = found.evaluation.metrics[found.evaluation.main]
    advised = []
    if found.robustness is not None:
        further = Call("robustness", [model, table], {"advise": True}, settings)
        said = f"training with worse sound: {found.robustness.sentence.rstrip('.')}; `{further}` says with which"
        advised.append({"said": said})
    known = {
        "figure": found.evaluation.main,
        "value": main.value,
        "low": main.low,
        "high": main.high,
        "clips": found.evaluation.clips,
        "of": str(work.kept.best),
        "advice": advised,
    }
    first = f"{found.evaluation.main} {number(main.value)} ({main.bounds}) of {found.evaluation.clips} clips"
    first += ", which no choice has heard"
    told = [first, *(x for own in found.said.values() for x in own), *found.notes]
    return Done(title, told, calls=[call], found=known)


def _afforded(work: Work) -> tuple[list[str] | None, int, int]:
    """Which disturbances, of how many clips, and how many explanations fit into the time that is left; all are None."""
    about = work.kept.found("data")
    pace = float(work.kept.found("encoder").get("seconds_per_minute") or 1.0)
    clip = float(about["seconds"]) / max(1, about["learnt"]) / 60 * pace + OVERHEAD
    left = 0.7 * work.left - clip * int(about["tested"])
    explained = max(0, min(EXPLAINED, int(0.3 * left / (PASSES * clip))))
    left -= explained * PASSES * clip
    for kinds, rows in ((None, ROWS), (list(SOME), 5 * len(SOME))):
        fits = int(left / (rows * clip))
        if fits >= CLIPS // 2:
            return kinds, min(2 * CLIPS, fits), explained
    return [], CLIPS, explained
