"""What the rows come to, as text; and whether both sides reach the same."""

from __future__ import annotations

from typing import Any

from scipy.stats import binomtest

HEAD = ("", "ours", "best", "defaults", "x best", "floor", "x def.", "floor", "training", "memory MB", "accuracy")


def interval(accuracy: float, clips: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927).

    >>> low, high = interval(0.75, 16)
    >>> round(low, 2), round(high, 2)
    (0.51, 0.9)
    """
    found = binomtest(round(accuracy * clips), clips).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def same_score(mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Whether the intervals of both accuracies overlap; with the accuracies and losses themselves."""
    a, b = (interval(x["accuracy"], x["clips"]) for x in (mine, theirs))
    figures = {k: (mine[k], theirs[k]) for k in ("accuracy", "valid_loss", "train_loss")}
    return {"same": a[0] <= b[1] and b[0] <= a[1], **figures, "intervals": (a, b), "clips": mine["clips"]}


def agreement(found: dict[str, dict[str, float]], single: dict[str, dict[str, float]]) -> dict[str, float]:
    """Of scores by recording and label: the share of recordings with the same label, the largest difference.

    >>> agreement({"a": {"x": 0.9, "y": 0.1}}, {"a": {"x": 0.8, "y": 0.2}})["labels"]
    1.0

    Raises:
        ValueError: they are not of the same recordings.
    """
    if found.keys() != single.keys():
        raise ValueError(f"{len(found)} recordings labelled, {len(single)} by the other side")
    same = [max(found[k], key=found[k].__getitem__) == max(single[k], key=single[k].__getitem__) for k in single]
    apart = [abs(found[k][label] - score) for k in single for label, score in single[k].items()]
    return {"labels": sum(same) / len(same), "largest difference": max(apart)}


def show(rows: list[dict[str, Any]], machine: dict[str, Any]) -> str:
    """The table, and below it what else was found."""
    compared = [HEAD, *(_cells(row) for row in rows if "ratio" in row)]
    widths = [max(len(cells[i]) for cells in compared) for i in range(len(HEAD))]
    lines = ["on " + ", ".join(f"{k} {v}" for k, v in machine.items() if v is not None)]
    if len(compared) > 1:
        for cells in compared:
            texts = (c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True)))
            lines.append("  ".join(texts).rstrip())
    for row in rows:
        lines += _further(row)
    return "\n".join(lines)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    runs, ratio, floors = row["runs"], row["ratio"], row["floors"] or (None, None)
    middle = {side: sorted(r["seconds"] for r in found)[len(found) // 2] for side, found in runs.items() if found}
    memory = "/".join(f"{max(r['peak_mb'] for r in found):.0f}" for found in runs.values() if found)
    score = row.get("same score")
    return (
        row["title"],
        *(f"{middle[side]:.1f} s" if side in middle else "" for side in runs),
        _times(ratio.get("best")),
        _times(floors[0]),
        _times(ratio.get("defaults")),
        _times(floors[1]),
        _times(row["ratio of training alone"]),
        memory,
        "" if score is None else "{:.3f}/{:.3f}".format(*score["accuracy"]),
    )


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3g} x"


def _further(row: dict[str, Any]) -> list[str]:
    found = []
    if "same score" in row:
        score = row["same score"]
        spans = " and ".join(f"{low:.2f} to {high:.2f}" for low, high in score["intervals"])
        told = "the same" if score["same"] else "NOT the same"
        losses = "/".join(_loss(x) for x in score["train_loss"])
        rates = "/".join(f"{_rate(row, side):.3g}" for side, runs in row["runs"].items() if runs)
        found.append(f"training clips a second, validation included: {rates}")
        found.append(f"accuracy {told} on {score['clips']} clips ({spans}), last training loss {losses}")
    if "agreement" in row:
        a, best = row["agreement"], row["pipeline seconds by batch"]
        found.append(
            f"labels agree with one-at-a-time float32 in {100 * a['labels']:.1f} %, scores within "
            f"{a['largest difference']:.1e}"
        )
        for name, seconds in (("", best), (" of files sorted by length", row["and of files sorted by length"])):
            told = ", ".join(f"{batch}: {took:.1f}" for batch, took in seconds.items())
            found.append(f"seconds of the pipeline alone by batch{name}: {told}")
    if "grown" in row:
        for k, (a, b) in row["figures"].items():
            found.append(f"{k} {a:.1f}, then {b:.1f}: {row['grown'][k]:.2f} times")
    if "share" in row:
        found.append(
            f"{row['gflop']:.0f} GFLOP in {row['seconds']:.2f} s are {row['gflops']:.0f} a second, "
            f"{100 * row['share']:.0f} % of the {row['product_gflops']:.0f} of a matrix product, in {row['precision']}"
        )
        found.append("its time: " + ", ".join(f"{k} {100 * v:.0f} %" for k, v in row["profile"].items()))
    busy = [r["gpu_busy"] for side in row.get("runs", {}).values() for r in side if r["gpu_busy"] is not None]
    if busy:
        mine = row["runs"]["ours"][0]["gpu_busy"]
        found.append("GPU busy: " + ("unknown" if mine is None else f"{100 * mine:.0f} %"))
    return [f"{row['title']}: {line}" for line in found]


def _rate(row: dict[str, Any], side: str) -> float:
    """Training clips a second of a side's fastest run, its start left out."""
    return row["epochs"] * row["clips"][0] / min(r["found"]["training_seconds"] for r in row["runs"][side])


def _loss(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
