"""An exported model opened by onnxruntime."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from audioft.core.wording import first_line
from audioft.errors import ModelError, UsageError
from audioft.inference.exported.about import About

MISSING = "an exported model is run by onnxruntime, which is not installed: pip install 'audioft[onnx]'"
INPUTS = ("waveform", "lengths")
_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def opened(path: Path, about: About, device: str = "auto", threads: int | None = None) -> Any:
    """The session.

    Args:
        path: of the file.
        about: what it says of itself.
        device: `auto` and `cpu` are the processor; `cuda` where this onnxruntime has it.
        threads: on a processor; what OMP_NUM_THREADS says if not given, and otherwise all.

    Raises:
        UsageError: onnxruntime is not there, or does not compute on the device.
        ModelError: it cannot run the file.
    """
    try:
        import onnxruntime as ort
    except ImportError as e:
        raise UsageError(MISSING) from e
    kind = device.partition(":")[0]
    if kind not in ("auto", "cpu", "cuda"):
        raise UsageError(f"device {device!r} is unknown; expected auto, cpu or cuda")
    if kind == "cuda" and _CUDA not in ort.get_available_providers():
        raise UsageError(
            f"device {device!r}: this onnxruntime ({ort.__version__}) computes on the processor alone; leave --device "
            "out, or install onnxruntime-gpu in its place"
        )
    options = ort.SessionOptions()
    options.log_severity_level = 4  # what is wrong is told below
    options.intra_op_num_threads = threads or _asked_threads()
    try:
        session = ort.InferenceSession(path, options, providers=[_CUDA, _CPU] if kind == "cuda" else [_CPU])
    except Exception as e:  # of pybind: a class for each code of an error
        raise ModelError(
            f"onnxruntime {ort.__version__} cannot run {path}: {first_line(e)}. Install a newer onnxruntime (the file "
            f"is of audioft {about.audioft}, opset 20), or export the model again"
        ) from e
    if {i.name for i in session.get_inputs()} != set(INPUTS):
        raise ModelError(f"{path} does not take {' and '.join(INPUTS)}; export the model again")
    return session


def _asked_threads() -> int:
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() else 0
