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
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.0 if probes else 5.0, 3.2), layout="constrained")
        axes = figure.subplots(1, 2 if probes else 1, squeeze=False)[0]
        start = 0
        for name, rows in measured:
            steps = [start + r["step"] for r in rows]
            first = start == 0
            for key, colour, label in (("masked_accuracy", VALID, "masked accuracy"), ("guess", TRAIN, "best guess without context")):  # fmt: skip
                axes[0].plot(steps, [r.get(key) for r in rows], color=colour, marker="o", markersize=3, label=label if first else None)  # fmt: skip
            if start:
                for each in axes:
                    each.axvline(start, color="#9ca3af", linewidth=0.8, linestyle=":")
            axes[0].annotate(
                name, (start, 1.0), xycoords=("data", "axes fraction"), fontsize=7, color="#6b7280", va="top"
            )
            for i, probe in enumerate(probes):
                known = [(s, r[probe]) for s, r in zip(steps, rows, strict=True) if r.get(probe) is not None]
                if start == 0 and probe in before:
                    known.insert(0, (0, before[probe]))
                axes[1].plot(*zip(*known, strict=True), color=_COLOURS[i % len(_COLOURS)], marker="o", markersize=3, label=probe.removeprefix("probe_") if first else None)  # fmt: skip
            start = steps[-1] if steps else start
        axes[0].set_title("clusters of hidden frames, held-out recordings")
        if probes:
            axes[1].set_title("linear probes")
        for each in axes:
            each.set_xlabel("step")
            each.set_ylabel("accuracy")
            each.legend(fontsize=8)
        figure.savefig(path, dpi=110)
    return True
