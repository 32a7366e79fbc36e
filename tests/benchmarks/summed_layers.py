"""What a frozen encoder's summed layers take by how they are pooled: `python tests/benchmarks/summed_layers.py DATA`.

Trains `mini` with `freeze=all model.layers=weighted` on labelled recordings, each time with an empty cache of its own,
and prints for each pooling the seconds by the clock and of the processor, of the whole command, and the size of what
was kept. Settings after DATA are passed on, as `data.test=fold=5`. OMP_NUM_THREADS says how many threads compute.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WAYS = {
    "mean": ["model.pooling=mean"],
    "stats": ["model.pooling=stats"],
    "stats, frames kept": ["model.pooling=stats", "cache.moments=false"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data")
    parser.add_argument("settings", nargs="*")
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()
    common = ["encoder.name=mini", "freeze=all", "model.layers=weighted", f"train.epochs={options.epochs}"]
    for name, way in WAYS.items():
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "audioft", "train", options.data, *common, *way, *options.settings]
            began, before = time.perf_counter(), _processor_seconds()
            subprocess.run(
                [*command, "--out", f"{folder}/run", "--quiet"],
                env=os.environ | {"XDG_CACHE_HOME": folder},
                check=True,
                stdout=subprocess.DEVNULL,
            )
            took, computed = time.perf_counter() - began, _processor_seconds() - before
            kept = sum(p.stat().st_size for p in Path(folder, "audioft", "states").rglob("*.safetensors"))
        print(f"{name}: {took:.0f} s, {computed:.0f} s of the processor, {kept / 1e6:.1f} MB", flush=True)


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
