"""What share of the machine's matrix-product speed a training step reaches, and where the rest of its time goes.

python step.py TASK.json RESULT.json

The steps are those of audioft's own trainer. Operations are counted as they run (`torch.utils.flop_counter`; a
multiplication and an addition are two), a square product of 2048 is timed between the steps.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop, sdpa_flop

RANGE = "convolutions"  # in a profile: what `models/convolutions.py` computes as matrix products
KINDS = {  # of the time of a step: the first whose word is in the name of an operation, or in that of a range around it
    "convolutions": ("conv",),
    "attention": ("attention", "softmax"),
    "matrix products": ("mm", "gemm", "linear"),
    "dropout": ("dropout", "bernoulli", "random"),
    "norms": ("norm",),
    "activations": ("gelu",),
    "optimizer": ("adam", "foreach"),
}
SIZE = 2048


class Clock:
    """Listens to a trainer: times its steps and, between them, a matrix product; counts one step, profiles another."""

    def __init__(self, dtype: torch.dtype, device: torch.device, steps_an_epoch: int):
        self.a = torch.randn(SIZE, SIZE, device=device).to(dtype)
        self.steps: list[float] = []
        self.products: list[float] = []
        self.flops, self.profile = 0, {}
        self._counter, self._profiler, self._each = self._new_counter(), None, steps_an_epoch
        self._began = 0.0

    @staticmethod
    def _new_counter() -> FlopCounterMode:
        own = {}
        aten = torch.ops.aten
        for name, formula in (("", sdpa_flop), ("_backward", sdpa_backward_flop)):
            own[getattr(aten, f"_scaled_dot_product_flash_attention_for_cpu{name}")] = formula
        return FlopCounterMode(display=False, custom_mapping=own)

    def step(self, done: int, total: int, note: str) -> None:
        took = time.monotonic() - self._began
        if done == 2:
            self._counter.__exit__(None, None, None)
            self.flops = self._counter.get_total_flops()
        elif done == 3:
            self._profiler.__exit__(None, None, None)
            self.profile = by_kind(self._profiler)
        elif done > 3 and done % self._each != 1 % self._each:  # an epoch's first step waits for its workers
            self.steps.append(took)
        self.products.append(self._product())
        if done == 1:
            self._counter.__enter__()
        elif done == 2:
            self._profiler = torch.profiler.profile(acc_events=True)
            self._profiler.__enter__()
        self._began = time.monotonic()

    def row(self, row: dict) -> None:
        pass

    def end(self) -> None:
        pass

    def _product(self) -> float:
        began = time.monotonic()
        self.a @ self.a
        if self.a.is_cuda:
            torch.cuda.synchronize()
        return time.monotonic() - began


def by_kind(profiler: Any) -> dict[str, float]:
    """Shares of the profiled time by kind of operation, the largest first."""
    found = dict.fromkeys([*KINDS, "the rest"], 0.0)
    for event in profiler.events():
        took = event.self_device_time_total or event.self_cpu_time_total
        name = RANGE if _is_within(event, RANGE) else event.name.lower()
        found[next((k for k, words in KINDS.items() if any(w in name for w in words)), "the rest")] += took
    total = sum(found.values()) or 1.0
    return {k: round(v / total, 3) for k, v in sorted(found.items(), key=lambda kv: -kv[1])}


def _is_within(event: Any, name: str) -> bool:
    while event is not None and event.name != name:
        event = event.cpu_parent
    return event is not None


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Run some steps of a training; see the module."""
    import audioft
    from audioft.assembly import build, recipe, recordings, run_beginning, starting_model
    from audioft.assembly.fitting import run_trainer, training_clips
    from audioft.core.progress import Console
    from audioft.core.runtime import Processes, choose_precision
    from audioft.models.cpu_kernels import convolutions

    convolutions.features = torch.profiler.record_function(RANGE)(convolutions.features)
    console = Console(quiet=True)
    config = audioft.settings(task["data"], task["encoder"], overrides=task["settings"])
    data = recordings.load(config, console, start=starting_model.load(config), headers_only=True)
    config = recipe.of_data(config, len(data.side("train")))
    model, loaded = build.classifier(config, data.manifest.labels, data.manifest.multilabel)
    processes = Processes(config.train.device)
    model.to(processes.device)
    config = recipe.of_model(config, model.encoder.hidden_size)
    precision = choose_precision(config.train.precision, processes.device)
    parts = build.Parts(config, data, model, loaded, processes, precision, console, config)
    out = Path(task["out"])
    run_beginning.prepare(out, config, resume=False, overwrite=True)
    trainer = run_trainer.make_trainer(parts, out, training_clips.clips_of(parts, out / "decoded"))
    trainer.validate = None
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    clock = Clock(dtype, processes.device, trainer.plan.steps_of(0))
    trainer.callbacks = [clock]
    trainer.fit()
    step, product = statistics.median(clock.steps), statistics.median(clock.products)
    reached, possible = clock.flops / step, 2 * SIZE**3 / product
    return {
        "precision": precision,
        "seconds": step,
        "gflop": clock.flops / 1e9,
        "gflops": reached / 1e9,
        "product_gflops": possible / 1e9,
        "share": reached / possible,
        "profile": clock.profile,
    }


if __name__ == "__main__":
    found = measure(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    Path(sys.argv[2]).write_text(json.dumps(found), encoding="utf-8")
