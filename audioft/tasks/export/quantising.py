"""Products of matrices in whole numbers of 8 bits, where that changes little.

Weights are of int8, a scale a column; what comes in is brought to 8 bits as it comes (dynamic quantisation). Only
products are changed: convolutions in 8 bits are slower than in float32, and the spectra of features stay in float64.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from audioft.core.progress import Console
from audioft.core.quieter import quieter
from audioft.core.wording import counted
from audioft.inference.exported import about as said
from audioft.inference.exported.about import About
from audioft.inference.predictor import Predictor
from audioft.tasks.export.agreement import Agreement, Reference

BLOCKS = 12  # of the products of layers, of which it is measured how much each of them changes
TAPS = ".taps"  # of the weights of convolutions
FIRST = "conv_layers.0.conv.taps"  # weights of the convolution of samples: in 8 bits these would lose what is quiet
FEW = 12  # clips that this is measured on
KEPT = (1, 2, 3, 5, 8)  # how many of the blocks that change most are tried in float32


def write(source: Path, target: Path, about: About | None, kept: Collection[str] = ()) -> None:
    """A file whose products are in 8 bits, but for those that are `kept` by the names of their nodes."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    target.unlink(missing_ok=True)
    chosen = [name for name in products(source) if name not in kept]
    with quieter(""):  # there is advice to prepare the file by a program that it needs not
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["MatMul"],
            nodes_to_quantize=chosen,
            per_channel=True,
            weight_type=QuantType.QInt8,
        )
    if about is not None:
        said.write(target, about)


def products(source: Path) -> list[str]:
    """Names of the nodes that multiply by a matrix of float32 weights, in the order of the graph."""
    return [name for name, _ in _products(source)]


def _products(source: Path) -> list[tuple[str, str]]:
    """These names, and those of the weights."""
    import onnx

    graph = onnx.load(source).graph
    weights = (w for w in graph.initializer if w.data_type == onnx.TensorProto.FLOAT and len(w.dims) == 2)
    matrices = {w.name for w in weights if not w.name.endswith(FIRST)}
    return [(n.name, n.input[1]) for n in graph.node if n.op_type == "MatMul" and n.input[1] in matrices]


def _blocks(source: Path) -> list[list[str]]:
    """The same in blocks to be judged together: every convolution, for they are least alike, and a few layers each."""
    found = _products(source)
    alone = [[name] for name, weights in found if weights.endswith(TAPS)]
    others = [name for name, weights in found if not weights.endswith(TAPS)]
    size = max(1, -(-len(others) // BLOCKS))
    return [*alone, *(others[i : i + size] for i in range(0, len(others), size))]


def agreeing(
    source: Path, target: Path, about: About, reference: Reference, console: Console
) -> tuple[Agreement, list[int], int]:
    """Write the file with the fewest products in float32 with which it agrees; if none does, the last one tried.

    Returns:
        How it agrees, the places of the products that are in float32, and how many there are.
    """
    write(source, target, about)
    found, names = _measured(target, reference), products(source)
    if found.wrong is None or (found.labels == 1 and found.change == 0):  # with so few clips nothing else would do
        return found, [], len(names)
    blocks = _blocks(source)
    console.say(f"int8: {found.wrong}; measuring which of {counted(len(names), 'product')} change most")
    some = reference.few(FEW)
    changes = []
    for block in blocks:
        write(source, target, about, kept=set(names) - set(block))
        changes.append(some.distance(Predictor(target, device="cpu")))
    order = sorted(range(len(blocks)), key=lambda i: -changes[i])
    kept: list[str] = []
    for count in (n for n in KEPT if n <= len(blocks) // 2):
        kept = [name for i in order[:count] for name in blocks[i]]
        write(source, target, about, kept=kept)
        found = _measured(target, reference)
        if found.wrong is None:
            break
    return found, [names.index(name) for name in kept], len(names)


def _measured(target: Path, reference: Reference) -> Agreement:
    return reference.compared(Predictor(target, device="cpu"))
