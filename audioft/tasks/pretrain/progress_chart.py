"""How a pretraining goes, as one picture: masked accuracy against the guess, and the probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audioft.evaluation.charts import STYLE, TRAIN, VALID

Row = Mapping[str, Any]
_COLOURS = ("#d97706", "#059669", "#7c3aed", "#0891b2", "#be185d", "#4b5563")


def draw(path: Path, rounds: Sequence[tuple[str, Sequence[Row]]], before: Mapping[str, float]) -> bool:
    """Write the picture as PNG; False, and no picture, where nothing has been measured yet.

    Args:
        path: the file.
        rounds: name and rows of `metrics.jsonl` of each round, in order.
        before: the probes' figures before the first step.
    """
    import matplotlib
    from matplotlib.figure import Figure

    measured = [(name, [r for r in rows if r.get("kind") == "valid"]) for name, rows in rounds]
    if not any(rows for _, rows in measured):
        return False
    probes = sorted({k for _, rows in measured for r in rows for k in r if k.startswith("probe_")} | set(before))
    lines = {"masked_accuracy": (0, VALID, "masked accuracy"), "guess": (0, TRAIN, "best guess without context")}
    lines |= {p: (1, _COLOURS[i % len(_COLOURS)], p.removeprefix("probe_")) for i, p in enumerate(probes)}
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0 if probes else 5.0, 3.2))
        axes = figure.subplots(1, 2 if probes else 1, squeeze=False)[0]
        points: dict[str, list[tuple[int, float]]] = {k: [(0, before[k])] if k in before else [] for k in lines}
        start = 0
        for name, rows in measured:
            for each in axes[: 1 if start == 0 else None]:
                each.axvline(start, color="#9ca3af", linewidth=0.8, linestyle=":")
            axes[0].annotate(name, (start, 1.01), xycoords=("data", "axes fraction"), fontsize=7, color="#6b7280")
            for key in lines:
                points[key] += [(start + r["step"], r[key]) for r in rows if r.get(key) is not None]
            start += rows[-1]["step"] if rows else 0
        for key, (side, colour, label) in lines.items():
            x, y = [p[0] for p in points[key]], [p[1] for p in points[key]]
            axes[side].plot(x, y, color=colour, marker="o", markersize=3, linewidth=1.2, label=label)
        axes[0].set_title("clusters of hidden frames, held-out recordings", pad=14)
        if probes:
            axes[1].set_title("linear probes", pad=14)
        for each in axes:
            each.set_xlim(left=0)  # where the first round's name stands
            each.set_xlabel("step")
            each.set_ylabel("accuracy")
            each.legend(fontsize=8)
        figure.savefig(path, dpi=110, bbox_inches="tight")
    return True
