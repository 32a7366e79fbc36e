"""What compression brings: speed of a random encoder of wav2vec2-base's size, and the table of given data.

    python tests/benchmarks/compress.py speed
    python tests/benchmarks/compress.py table NAME=MODEL:DATA ... [--how prune,quantise] [section.key=value ...]

`speed`: processor seconds of a clip of 5 s in one thread, the medians of alternating rounds. `table`: for each trained
model the rows that `audioft compress` measures, as Markdown; whatever step `--how` names joins them.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audioft.models.classifier import AudioClassifier

ROUNDS = 7


def eight_bits(model: AudioClassifier, halves: bool = True) -> AudioClassifier:
    """A copy with all linear layers in 8 bits, and with `halves` what is ahead of them and attention in bfloat16."""
    from audioft.models.compression import compressed, int8

    found = copy.deepcopy(model)
    inner = found.encoder.model
    for name in int8.candidates(inner):
        int8.replace(inner, name, int8.quantised(inner.get_submodule(name)))
    compressed.fold(found.encoder, compressed.foldable(found.encoder))
    compressed.settle(found.encoder, front=halves, attention=halves)
    return found


def speed(rounds: int, seconds: float) -> None:
    """Print how fast an encoder is in float32, in bfloat16, and compressed."""
    import torch

    from audioft.evaluation.scoring import autocast, cast_products
    from audioft.models import folder
    from audioft.models.architecture import new_encoder
    from audioft.models.card import ModelCard
    from audioft.models.classifier import AudioClassifier
    from audioft.models.compression import narrowing

    torch.set_num_threads(1)
    original = AudioClassifier(new_encoder({"family": "wav2vec2"}, 0), 10).eval()
    waveform, lengths = torch.randn(1, round(16000 * seconds)), torch.tensor([round(16000 * seconds)])
    half = copy.deepcopy(original)
    narrowing.keep_layers(half, range(0, 12, 2))

    cast = cast_products(original)
    float_front, eight, eight_half = eight_bits(original, False), eight_bits(original), eight_bits(half)
    ways: dict[str, Callable[[], object]] = {
        "float32": lambda: original(waveform, lengths),
        "bfloat16": lambda: _in_bfloat16(cast, waveform, lengths, autocast),
        "6 of 12 layers, float32": lambda: half(waveform, lengths),
        "8 bits, convolutions and attention in float32": lambda: float_front(waveform, lengths),
        "8 bits, convolutions and attention in bfloat16": lambda: eight(waveform, lengths),
        "the same with 6 of 12 layers": lambda: eight_half(waveform, lengths),
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    with torch.inference_mode():
        for _ in range(rounds + 1):
            for name, way in ways.items():
                began = time.process_time()
                way()
                taken[name].append(time.process_time() - began)
    base = statistics.median(taken["float32"][1:])
    print("| way | ms | times |\n|---|---:|---:|")
    for name, own in taken.items():
        print(f"| {name} | {1000 * statistics.median(own[1:]):.0f} | {base / statistics.median(own[1:]):.2f} |")
    card = ModelCard(tuple(map(str, range(10))), multilabel=False, window=5.0)
    with tempfile.TemporaryDirectory() as place:
        sizes = []
        for name, model in (("float32", original), ("8 bits", eight)):
            folder.save(model, card, Path(place) / name, "")
            sizes.append(sum(f.stat().st_size for f in (Path(place) / name).rglob("*") if f.is_file()))
    print(f"\nfolders: {sizes[0] / 1e6:.0f} MB and {sizes[1] / 1e6:.0f} MB, {100 * sizes[1] / sizes[0]:.1f} %")


def _in_bfloat16(model, waveform, lengths, autocast):
    with autocast(waveform.device, "bf16"):
        return model(waveform, lengths)


def table(given: list[str], how: list[str], side: str, max_loss: float) -> None:
    """Print the rows of given models."""
    import audioft

    overrides = [item for item in given if ":" not in item.partition("=")[2]]
    print("| data | model | MB | s a minute | times | score | 95 % | change | same labels |\n" + "|---" * 9 + "|")
    for item in (i for i in given if i not in overrides):
        name, _, places = item.partition("=")
        model, _, data = places.partition(":")
        with tempfile.TemporaryDirectory() as place:
            found = audioft.compress(
                model, data, out=Path(place) / "small", how=how, side=side, max_loss=max_loss, overrides=overrides
            )
        for r in found.rows:
            own = "" if r is found.original else f"{r.change.value:+.3f} ({r.change.low:+.3f} to {r.change.high:+.3f})"
            cells = [name, r.name, f"{r.size / 1e6:.1f}", f"{r.seconds:.2f}", f"{r.speed:.2f}", f"{r.score.value:.3f}"]
            same = "" if r is found.original else f"{100 * r.agree:.1f} %"
            print(f"| {' | '.join([*cells, r.score.bounds, own, same])} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("speed", "table"))
    parser.add_argument("given", nargs="*", metavar="NAME=MODEL:DATA | section.key=value")
    parser.add_argument("--how", default="prune,quantise")
    parser.add_argument("--side", default="valid")
    parser.add_argument("--max-loss", type=float, default=0.02)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    if options.what == "speed":
        speed(options.rounds, options.seconds)
    else:
        table(options.given, options.how.split(","), options.side, options.max_loss)
