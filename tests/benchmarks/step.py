"""Where the time of a training step goes, and what share of the machine's matrix-product speed it reaches.

python tests/benchmarks/step.py [--freeze feature_extractor|all|none|top:N] [--precision fp32|bf16] [--clips 8]
    [--seconds 5] [--layers 12] [--device cpu] [--steps 3] [--plain] [--against] [--out FILE.json]

A wav2vec2-base of random weights (width 768, dropouts of 0.1 as in its published config, but no layer drop, so that
every step is of the same size) takes steps of the trainer's own on noise of one length. The median step is timed; one
more is profiled, and its time told by part. The speed of a step is its floating-point operations, those of products and
convolutions as torch counts them where no convolution is done by spectra, divided by its time; that of the machine is a
product of float32 matrices of 2,048 x 2,048, timed before each step. `--plain` takes torch's dropout, attention,
convolution and an AdamW that is not fused, as it would be without `audioft.models.cpu_kernels.dropout`, `attention` and
`positions`; `--against` alternates both and prints the median of ratios. OMP_NUM_THREADS says how many threads compute.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from audioft.core.runtime import Processes
from audioft.data.batching import Batch
from audioft.models import freezing
from audioft.models.classifier import AudioClassifier
from audioft.models.cpu_kernels import dropout, positions
from audioft.models.encoder import Encoder, Preprocessing
from audioft.training.losses import CrossEntropy
from audioft.training.objectives import Classification
from audioft.training.optim import adamw, parameter_groups
from audioft.training.trainer import Trainer

RATE, LABELS, SIZE = 16000, 10, 2048
#: Parts by what their operations are called, the first that fits; what is in none is "other".
PARTS = {
    "matrix products": ("aten::mm", "aten::addmm", "aten::linear"),
    "attention": ("aten::bmm", "aten::baddbmm", "softmax", "scaled_dot_product", "flash"),
    "convolutions": ("convolution", "fft"),
    "random numbers": ("aten::bernoulli_", "aten::random_", "aten::rand", "native_dropout"),
    "norms": ("layer_norm", "group_norm", "weight_norm"),
    "gelu": ("gelu",),
    "optimiser": ("fused_adam", "aten::addcdiv", "aten::addcmul", "aten::lerp", "aten::sqrt", "vector_norm"),
    "scaling, masking": ("aten::mul", "aten::where", "aten::masked_fill", "aten::div", "aten::ge", "_Dropped"),
    "copies": ("aten::copy_", "aten::clone", "aten::cat", "aten::fill_", "aten::zero_"),
    "sums": ("aten::add", "aten::sum"),
}


class Bench(Trainer):
    """A trainer that takes one step at a time."""

    total_steps = 1

    def take(self, batch: Batch, number: int) -> None:
        self.state.step = number
        self._step([batch])


def make(freeze: Any, layers: int, precision: str, device: str, plain: bool) -> Bench:
    """The trainer of a new encoder; with `plain` as torch and transformers have it."""
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(num_hidden_layers=layers, layerdrop=0.0)
    model: Any = transformers.Wav2Vec2Model._from_config(config, attn_implementation="sdpa")
    classifier = AudioClassifier(Encoder(model, Preprocessing(), "base"), LABELS)
    if plain:
        config._attn_implementation = "sdpa"
        for parent in model.modules():
            for name, child in parent.named_children():
                if isinstance(child, dropout.QuickDropout):
                    setattr(parent, name, nn.Dropout(child.p))
    freezing.apply(freeze, classifier.encoder)
    processes = Processes(device)
    classifier.to(processes.device).train()
    optimizer = adamw(parameter_groups(classifier, 1e-5))
    if plain:
        optimizer = torch.optim.AdamW(optimizer.param_groups, betas=(0.9, 0.98), fused=False)
        for group in optimizer.param_groups:
            group["fused"] = False
    return Bench(
        classifier,
        Classification(CrossEntropy()),
        None,  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        optimizer,
        lambda step: 1.0,
        epochs=1,
        checkpoints=None,  # type: ignore[arg-type]
        processes=processes,
        precision=precision,
    )


def noise(clips: int, seconds: float) -> Batch:
    """A batch of white noise."""
    waves = torch.randn(clips, round(seconds * RATE), generator=torch.Generator().manual_seed(0))
    targets = torch.eye(LABELS)[torch.arange(clips) % LABELS]
    lengths, known = torch.full((clips,), waves.shape[1]), torch.ones(clips, LABELS, dtype=torch.bool)
    return Batch(waves, lengths, targets, known, tuple(range(clips)), tuple((0, 0, i, 0) for i in range(clips)))


def seconds_of(call: Any, device: torch.device) -> float:
    """Wall-clock time of a call, to the end of what it started."""
    start = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def product_speed(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations a second of one large matrix product, the best of three."""
    a, b = (torch.randn(SIZE, SIZE, device=device).to(dtype) for _ in range(2))
    return 2 * SIZE**3 / min(seconds_of(lambda: a @ b, device) for _ in range(3))


def step(trainer: Bench, batch: Batch, number: int, plain: bool) -> float:
    """Seconds of a step."""
    least, positions.LEAST_TAPS = positions.LEAST_TAPS, 10**9 if plain else positions.LEAST_TAPS
    try:
        return seconds_of(lambda: trainer.take(batch, number), trainer.processes.device)
    finally:
        positions.LEAST_TAPS = least


def by_part(trainer: Bench, batch: Batch, number: int, plain: bool) -> dict[str, float]:
    """Milliseconds of a step by part, as the profiler tells them."""
    cuda = trainer.processes.device.type == "cuda"
    kinds = [ProfilerActivity.CPU, ProfilerActivity.CUDA] if cuda else [ProfilerActivity.CPU]
    with profile(activities=kinds, acc_events=True) as found:
        step(trainer, batch, number, plain)
    times: dict[str, float] = dict.fromkeys([*PARTS, "other"], 0.0)
    for event in found.key_averages():
        part = next((p for p, names in PARTS.items() if any(n in event.key for n in names)), "other")
        times[part] += (event.self_device_time_total if cuda else event.self_cpu_time_total) / 1000
    return times


def operations(trainer: Bench, batch: Batch) -> int:
    """Floating-point operations of a step's products and convolutions, none of them done by spectra."""
    with FlopCounterMode(display=False) as counter:
        step(trainer, batch, 0, plain=True)
    return int(counter.get_total_flops())


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """All figures, for this code and, if asked, for the plain one."""
    freeze = {"top": int(given.freeze[4:])} if given.freeze.startswith("top:") else given.freeze
    ways = [False, True] if given.against else [given.plain]
    trainers = {p: make(freeze, given.layers, given.precision, given.device, p) for p in ways}
    batch, times, speeds = noise(given.clips, given.seconds), {p: [] for p in ways}, []  # type: ignore[var-annotated]
    device = trainers[ways[0]].processes.device
    for number in range(-1, given.steps):  # the first one warms up
        speeds.append(product_speed(device, torch.float32))
        for plain in ways:
            took = step(trainers[plain], batch, max(0, number), plain)
            times[plain] += [took] if number >= 0 else []
    found: dict[str, Any] = {"product GFLOP/s": statistics.median(speeds) / 1e9}
    for plain, trainer in trainers.items():
        took = statistics.median(times[plain])
        found["plain" if plain else "audioft"] = {
            "step ms": 1000 * took,
            "step GFLOP/s": operations(trainer, batch) / took / 1e9,
            "parts ms": by_part(trainer, batch, 0, plain),
        }
    if given.against:
        ratios = [b / a for a, b in zip(times[False], times[True], strict=True)]
        found["plain / audioft"] = {"median": statistics.median(ratios), "all": ratios}
    return found


def show(found: dict[str, Any]) -> None:
    """The figures as a table."""
    print(f"a product of {SIZE} x {SIZE} float32 matrices: {found['product GFLOP/s']:.0f} GFLOP/s")
    for way in (w for w in ("plain", "audioft") if w in found):
        one = found[way]
        share = one["step GFLOP/s"] / found["product GFLOP/s"]
        print(
            f"{way}: {one['step ms']:.0f} ms a step, {one['step GFLOP/s']:.0f} GFLOP/s, {share:.0%} of that product's"
        )
        total = sum(one["parts ms"].values())
        for part, took in sorted(one["parts ms"].items(), key=lambda item: -item[1]):
            print(f"  {part:<18}{took:>9.0f} ms{took / total:>7.1%}")
    if "plain / audioft" in found:
        ratio = found["plain / audioft"]
        print(f"plain / audioft: {ratio['median']:.2f} ({', '.join(f'{r:.2f}' for r in ratio['all'])})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--freeze", default="feature_extractor", help="a policy of freezing; top:N for the last N")
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--plain", action="store_true", help="as torch has it")
    parser.add_argument("--against", action="store_true", help="both, alternating")
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    given = parser.parse_args()
    found = measure(given)
    show(found)
    if given.out:
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
