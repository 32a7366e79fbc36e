"""What the report's page takes to write, with and without players: `python tests/benchmarks/report_page.py DATA`.

DATA is a folder of recordings; its clips are all mistaken, so that as many as are asked for have players.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from audioft.data.clip import Clip
from audioft.data.folders import recordings
from audioft.evaluation.clip_report import make_report
from audioft.evaluation.html import Beside, write_html
from audioft.evaluation.mistakes import in_clips
from audioft.evaluation.predictions import Predictions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--mistakes", type=int, default=200)
    options = parser.parse_args()
    files = sorted(recordings(options.data.resolve()))[: options.mistakes]
    clips = [Clip(path, path.name) for path in files]
    scores = np.random.default_rng(0).dirichlet(np.ones(10), len(clips))
    targets = np.eye(10)[(scores.argmax(1) + 1) % 10]
    about = [{"path": c.name, "start": None, "end": None, "group": c.name} for c in clips]
    labels = tuple(f"label {i}" for i in range(10))
    p = Predictions(labels, False, scores, targets, np.ones(scores.shape, bool), about)
    report, found = make_report(p, "test", resamples=0), in_clips(p, clips, None, 16000)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        for players in (0, 100, options.mistakes):
            began = time.perf_counter()
            write_html(page, report, [], {}, Beside(found, players))
            took, size = time.perf_counter() - began, page.stat().st_size / 1e6
            print(f"{len(clips)} mistakes, at most {players} players: {took:.2f} s, {size:.1f} MB")


if __name__ == "__main__":
    main()
