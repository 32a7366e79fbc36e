"""An archive labelled: `audioft predict` of a folder beside transformers' pipeline at its best, whole commands.

    python tests/benchmarks/archive.py RECORDINGS [--pairs 3]

The model is of wav2vec2-base's size with random weights: speed alone is measured, what a smaller model loses
`compress.py` and `distillation.py` print. The pipeline computes in bfloat16 in its fastest batch of 1, 4 and 8, as
`against_transformers/opponent.py` has it; each round has it and all ways of audioft in turn, start of Python included.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from against_transformers import ours, processes
from compress import eight_bits

OPPONENT = Path(__file__).parent / "against_transformers" / "opponent.py"
BATCHES = (1, 4, 8)
WINDOW = 10.0  # seconds


def models(place: Path) -> dict[str, tuple[Path, str]]:
    """Of each way its name, the model and the precision."""
    import copy

    import audioft
    from audioft.models import folder
    from audioft.models.architecture import new_encoder
    from audioft.models.card import ModelCard
    from audioft.models.classifier import AudioClassifier
    from audioft.models.compression import narrowing
    from audioft.models.loading import load_encoder

    labels = tuple(map(str, range(10)))
    card = ModelCard(labels, multilabel=False, window=WINDOW)

    def saved(name: str, model: AudioClassifier) -> Path:
        folder.save(model.eval(), card, place / name, "")
        return place / name

    def layers(count: int) -> AudioClassifier:
        found = copy.deepcopy(whole)
        narrowing.keep_layers(found, range(0, 12, 12 // count))
        return found

    whole = AudioClassifier(new_encoder({"family": "wav2vec2"}, 0), 10)
    original = saved("original", whole)
    mini = saved("mini", AudioClassifier(load_encoder("mini")[0], 10))
    quiet = audioft.Console(quiet=True)
    exported = audioft.export(original, out=place / "onnx", int8="unmeasured", console=quiet)
    return {
        "12 layers, bfloat16": (original, "bf16"),
        "12 layers, 8 bits": (saved("int8", eight_bits(whole)), "fp32"),
        "12 layers, ONNX in 8 bits": (exported / "model_quantized.onnx", "fp32"),
        "6 layers, 8 bits": (saved("six", eight_bits(layers(6))), "fp32"),
        "4 layers, 8 bits": (saved("four", eight_bits(layers(4))), "fp32"),
        "mini": (mini, "fp32"),
        "mini, bfloat16": (mini, "bf16"),
    }


def measure(recordings: Path, place: Path, pairs: int) -> None:
    """Print the table."""
    ways = models(place)

    def opponent(passes: list[dict[str, object]]) -> processes.Ran:
        task = {"do": "label", "model": str(place / "original"), "folder": str(recordings), "best": True}
        written, result = place / "task.json", place / "task.result"
        ours.write_task(written, task | {"passes": passes})
        ran = processes.run([sys.executable, str(OPPONENT), str(written), str(result)])
        return processes.Ran(ran.seconds, ran.peak_mb, found=processes.result(result))

    def one_pass(batch: int) -> dict[str, object]:
        return {"batch": batch, "precision": "bf16", "sorted": False}

    tried = opponent([one_pass(BATCHES[0]), *map(one_pass, BATCHES)]).found["seconds"][1:]
    fastest = BATCHES[tried.index(min(tried))]
    print("pipeline, seconds by batch:", dict(zip(BATCHES, (round(s, 1) for s in tried), strict=True)))
    taken: dict[str, list[float]] = {name: [] for name in ways}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for pair in range(pairs):
        theirs = opponent([one_pass(fastest)]).seconds
        for name, (model, precision) in ways.items():
            words = [
                "predict",
                str(model),
                str(recordings),
                "--out",
                str(place / f"{pair}-{len(taken[name])}.csv"),
                "-q",
            ]
            words += ["--overwrite"] + ([] if model.suffix == ".onnx" else ["--precision", precision])
            mine = processes.run([sys.executable, "-m", "audioft", *words]).seconds
            taken[name].append(mine)
            times[name].append(theirs / mine)
        print(f"round {pair + 1} of {pairs}: pipeline {theirs:.1f} s", file=sys.stderr, flush=True)
    print("| way | s | times as fast as the pipeline |\n|---|---:|---:|")
    for name in ways:
        each = ", ".join(f"{t:.2f}" for t in sorted(times[name]))
        print(f"| {name} | {statistics.median(taken[name]):.1f} | {statistics.median(times[name]):.2f} ({each}) |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--pairs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as held:
        measure(options.recordings.resolve(), Path(held), options.pairs)
