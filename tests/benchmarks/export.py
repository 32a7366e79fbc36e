"""What a clip costs in the forms that a model can be run in, and how alike these answer.

python tests/benchmarks/export.py [MODEL] [--data DATA --side all] [--encoder mini] [--layers 12] [--seconds 5]
    [--repeats 9] [--threads 1]

Without MODEL a wav2vec2-base of random weights (or another `--encoder`, untrained), of so many layers, is exported. One
clip of noise goes through torch in float32 and in bfloat16, and through onnxruntime in float32 and in int8, in turn;
printed are medians of processor time, and of the ratios to torch's float32 taken in the same round. With `--data` the
export measures what int8 changes, as `audioft export` does.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers

import audioft
from audioft.core.progress import Console
from audioft.evaluation.scoring import autocast, cast_products
from audioft.inference.exported.labeller import OnnxLabeller
from audioft.inference.predictor import Predictor
from audioft.models import folder
from audioft.models.card import ModelCard
from audioft.models.classifier import AudioClassifier
from audioft.models.encoder import Encoder, Preprocessing
from audioft.models.loading import load_encoder

LABELS = tuple("abcdefghij")


def random_model(place: Path, encoder: str, layers: int) -> Path:
    """A model folder of random weights."""
    torch.manual_seed(0)
    if encoder == "wav2vec2-base":
        config = transformers.Wav2Vec2Config(num_hidden_layers=layers)
        made = Encoder(transformers.Wav2Vec2Model(config), Preprocessing(), encoder)
    else:
        made = load_encoder(encoder)[0]
    model = AudioClassifier(made, len(LABELS)).eval()
    folder.save(model, ModelCard(LABELS, False, 5.0), place, "")
    return place


def in_torch(model: AudioClassifier, precision: str, samples: np.ndarray) -> Callable[[], object]:
    own = cast_products(model) if precision == "bf16" else model
    waveform, lengths = torch.from_numpy(samples), torch.tensor([samples.shape[1]])

    def run() -> object:
        with torch.inference_mode(), autocast(torch.device("cpu"), precision):
            return own(waveform, lengths)

    return run


def in_onnxruntime(file: Path, samples: np.ndarray, threads: int) -> Callable[[], object]:
    labeller, lengths = OnnxLabeller(file, threads=threads), np.array([samples.shape[1]])
    return lambda: labeller.probabilities(samples, lengths)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--data")
    parser.add_argument("--side")
    parser.add_argument("--encoder", default="wav2vec2-base")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as held:
        model = options.model or random_model(Path(held) / "model", options.encoder, options.layers)
        began = time.perf_counter()
        out = audioft.export(
            model, out=Path(held) / "onnx", data=options.data, side=options.side, int8="unmeasured", console=Console()
        )
        print(f"exported in {time.perf_counter() - began:.0f} s")
        predictor = Predictor(model, device="cpu")
        rate, rng = predictor.hearing.rate, np.random.default_rng(0)
        samples = rng.standard_normal((1, round(options.seconds * rate))).astype(np.float32)
        files = {"onnxruntime float32": out / "model.onnx", "onnxruntime int8": out / "model_quantized.onnx"}
        ways = {f"torch {name}": in_torch(predictor.model, own, samples) for name, own in _PRECISIONS.items()}
        ways |= {name: in_onnxruntime(file, samples, options.threads) for name, file in files.items()}
        took: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(options.repeats + 1):
            for name, run in ways.items():
                began = time.process_time()
                run()
                if turn:  # the first is to warm up
                    took[name].append(1000 * (time.process_time() - began))
        first = took["torch float32"]
        for name, own in took.items():
            ratio = statistics.median(a / b for a, b in zip(first, own, strict=True))
            size = f", {files[name].stat().st_size / 1e6:.1f} MB" if name in files else ""
            print(f"{name:<22}{statistics.median(own):8.0f} ms of a processor, {ratio:.2f} times as fast{size}")


_PRECISIONS = {"float32": "fp32", "bfloat16": "bf16"}

if __name__ == "__main__":
    main()
