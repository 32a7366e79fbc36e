"""Makes `verification.json`: made-up scores of trials, and what speechbrain says of them.

    python3 -m venv /tmp/verenv && /tmp/verenv/bin/pip install speechbrain==1.1.2 torch==2.11.0
    /tmp/verenv/bin/python tests/golden/make_verification.py

The file at hand was made with speechbrain 1.1.2 and torch 2.11.0. Nothing here imports audioft.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import torch
from speechbrain.utils.metric_stats import EER, minDCF

PRIORS = (0.01, 0.05, 0.5)


def main() -> None:
    golden = []
    for name, (targets, others) in scenarios().items():
        p, n = torch.tensor(targets, dtype=torch.float64), torch.tensor(others, dtype=torch.float64)
        golden.append(
            {
                "scenario": name,
                "targets": targets,
                "others": others,
                "eer": EER(p, n)[0],
                "min_dcf": {str(prior): minDCF(p, n, p_target=prior)[0] for prior in PRIORS},
            }
        )
    lines = ",\n".join(json.dumps(g, allow_nan=False) for g in golden)
    Path(__file__).with_name("verification.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def scenarios() -> dict[str, tuple[list[float], list[float]]]:
    """Scores of targets and of the others."""
    return {
        "overlapping": (scores(1, 200, 0.6), scores(2, 200, 0.4)),
        "few targets": (scores(3, 20, 0.6), scores(4, 380, 0.3)),
        "many targets": (scores(5, 180, 0.55), scores(6, 40, 0.4)),
        "apart": (scores(7, 30, 0.95, 0.01), scores(8, 30, 0.05, 0.01)),
        "no better than chance": (scores(9, 100, 0.5), scores(10, 100, 0.5)),
        "worse than chance": (scores(11, 50, 0.3), scores(12, 50, 0.6)),
        "ties": (rounded(13, 150, 0.6), rounded(14, 150, 0.4)),
        "one each": ([0.7], [0.6]),
    }


def scores(seed: int, count: int, mean: float, deviation: float = 0.15) -> list[float]:
    rng = random.Random(seed)
    return [round(rng.gauss(mean, deviation), 6) for _ in range(count)]


def rounded(seed: int, count: int, mean: float) -> list[float]:
    return [round(s, 1) for s in scores(seed, count, mean)]


if __name__ == "__main__":
    main()
