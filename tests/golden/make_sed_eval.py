"""Makes `sed_eval.json`: made-up recordings, and what sed_eval counts in them.

    python3 -m venv /tmp/sedenv && /tmp/sedenv/bin/pip install sed_eval==0.2.1
    /tmp/sedenv/bin/python tests/golden/make_sed_eval.py

The file at hand was made with sed_eval 0.2.1, dcase_util 0.2.20 and numpy 2.4.6. Nothing here imports audioft.
"""

from __future__ import annotations

import json
import math
import random
import warnings
from pathlib import Path

from sed_eval.sound_event import EventBasedMetrics, SegmentBasedMetrics

LABELS = ["car", "dog", "robin", "speech"]
RESOLUTIONS = (1.0, 0.25, 0.1)
#: collar, offset_share, with_offset
MATCHINGS = ((0.2, 0.5, True), (0.2, 0.5, False), (0.25, 0.2, True), (0.5, 0.0, True))


def main() -> None:
    warnings.simplefilter("ignore")  # means of nothing but nan
    golden = [
        {
            "scenario": name,
            "labels": LABELS,
            "recordings": recordings,
            "segments": [{"resolution": r, **segments(recordings, r)} for r in RESOLUTIONS],
            "events": [
                {"collar": c, "offset_share": s, "with_offset": w, **events(recordings, c, s, w)}
                for c, s, w in MATCHINGS
            ],
        }
        for name, recordings in scenarios().items()
    ]
    lines = ",\n".join(json.dumps(plain(g), allow_nan=False) for g in golden)
    Path(__file__).with_name("sed_eval.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def scenarios() -> dict[str, list[dict]]:
    """Recordings by scenario; an event is [label, start, end]."""
    return {
        "scattered": [recording(f"{i}", seed=i, seconds=30.0, events=12) for i in range(5)],
        "crowded": [recording("crowded", seed=10, seconds=20.0, events=80)],
        "long": [recording(f"{i}", seed=20 + i, seconds=60.5, events=10, longest=45.0) for i in range(3)],
        "edges": [on_the_edge("quarters", 0.25, 30), on_the_edge("tenths", 0.1, 40)],
        "one label": [recording("one", seed=40, seconds=25.0, events=15, labels=["robin"])],
        "unlike labels": [  # dog is never found, speech is never there, robin neither
            {
                "name": "unlike",
                "seconds": 10.0,
                "reference": [["car", 1.0, 3.0], ["dog", 2.0, 2.4], ["dog", 6.0, 9.0]],
                "found": [["car", 1.1, 2.9], ["speech", 2.0, 2.4]],
            },
            recording("car only", seed=50, seconds=10.0, events=4, labels=["car"]),
        ],
        "silence": [
            {"name": "nothing", "seconds": 12.3, "reference": [], "found": []},
            {"name": "nothing found", "seconds": 12.3, "reference": [["dog", 0.0, 12.3]], "found": []},
            {"name": "nothing there", "seconds": 12.3, "reference": [], "found": [["dog", 3.0, 3.7]]},
        ],
        "beyond the end": [
            {
                "name": "beyond",
                "seconds": 5.4,
                "reference": [["car", 4.9, 9.0], ["dog", 5.4, 6.0], ["dog", 7.0, 7.0]],
                "found": [["car", 4.8, 5.4], ["dog", 5.5, 6.1], ["dog", 7.1, 7.1]],
            }
        ],
        "no time": [  # events that end where they begin, on an edge of a segment and inside one
            {
                "name": "no time",
                "seconds": 4.0,
                "reference": [["dog", 1.0, 1.0], ["dog", 2.5, 2.5]],
                "found": [["dog", 1.1, 1.1], ["dog", 2.5, 2.5]],
            }
        ],
    }


def recording(name: str, seed: int, seconds: float, events: int, longest: float = 4.0, labels=LABELS) -> dict:
    """Events anywhere; most are found at about their times, some with another label, and some are made up."""
    rng = random.Random(seed)

    def event() -> list:
        start = round(rng.uniform(0, seconds - 0.5), 3)
        return [rng.choice(labels), start, round(min(seconds, start + rng.uniform(0.05, longest)), 3)]

    reference = [event() for _ in range(events)]
    found = [event() for _ in range(events // 4)]
    for label, start, end in reference:
        if rng.random() < 0.8:
            start = round(max(0.0, start + rng.gauss(0, 0.15)), 3)
            end = round(max(start, end + rng.gauss(0, 0.3)), 3)
            found.append([label if rng.random() < 0.85 else rng.choice(labels), start, end])
    rng.shuffle(found)
    return {"name": name, "seconds": seconds, "reference": reference, "found": found}


def on_the_edge(name: str, step: float, events: int) -> dict:
    """Events whose times are multiples of `step`, so that they often lie exactly a collar apart, or at an edge."""
    rng = random.Random(name)
    reference, found = [], []
    for _ in range(events):
        label, start, length = rng.choice(LABELS[:2]), rng.randrange(0, 200), rng.randrange(1, 12)
        reference.append([label, round(start * step, 3), round((start + length) * step, 3)])
        start, length = max(0, start + rng.randrange(-3, 4)), max(1, length + rng.randrange(-3, 4))
        found.append([label, round(start * step, 3), round((start + length) * step, 3)])
    return {"name": name, "seconds": round(210 * step, 3), "reference": reference, "found": found}


def segments(recordings: list[dict], resolution: float) -> dict:
    metrics = SegmentBasedMetrics(event_label_list=LABELS, time_resolution=resolution)
    for r in recordings:
        metrics.evaluate(listed(r["reference"]), listed(r["found"]), evaluated_length_seconds=r["seconds"])
    return {**results(metrics), "errors": metrics.results_overall_metrics()["error_rate"]}


def events(recordings: list[dict], collar: float, offset_share: float, with_offset: bool) -> dict:
    metrics = EventBasedMetrics(
        event_label_list=LABELS, t_collar=collar, percentage_of_length=offset_share, evaluate_offset=with_offset
    )
    for r in recordings:
        metrics.evaluate(listed(r["reference"]), listed(r["found"]))
    return results(metrics)


def listed(events: list[list]) -> list[dict]:
    return [{"event_label": label, "onset": start, "offset": end} for label, start, end in events]


def results(metrics: SegmentBasedMetrics | EventBasedMetrics) -> dict:
    """What sed_eval says: counts by label as [Ntp, Nref, Nsys], figures as f_measure, precision and recall."""
    found = metrics.results()
    return {
        "counts": [[int(metrics.class_wise[label][n]) for n in ("Ntp", "Nref", "Nsys")] for label in LABELS],
        "classes": [found["class_wise"][label]["f_measure"] for label in LABELS],
        "micro": found["overall"]["f_measure"],
        "macro": found["class_wise_average"]["f_measure"],
    }


def plain(value):
    """The same with None for nan, which JSON does not have."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    main()
