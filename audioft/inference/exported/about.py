"""What an exported model says of itself: the metadata `audioft` in its file."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from audioft.audio.hearing import Hearing
from audioft.errors import ModelError
from audioft.inference.exported import protobuf
from audioft.models.card import ModelCard

KEY = "audioft"
FORMAT_VERSION = 1
FILE, QUANTISED = "model.onnx", "model_quantized.onnx"  # in the folder that an export wrote
_HASHES = ("sha256", "sha256_about")


@dataclass(frozen=True)
class About:
    """What is said of an exported model, besides hashes.

    Attributes:
        audioft: the version that wrote it.
        name: of the model.
        labels, multilabel, thresholds, window, segments, background, verification: see `ModelCard`.
        sample_rate, time_expansion, band: how recordings reach it, see `Hearing`.
        min_samples: waveforms are at least so long; shorter clips are followed by zeros.
        max_samples: they are at most so long; None without a limit.
        canvas_samples: what is computed for every clip, however short it is; 0 where it is the clip's own samples.
        seconds_per_frame: from frame to frame, in seconds of the recording.
        frame_level: whether scores are of frames.
        precision: `float32` or `int8`.
        family: of its encoder.
        measured: what the export measured.
    """

    audioft: str
    name: str
    labels: tuple[str, ...]
    multilabel: bool
    window: float
    sample_rate: int
    min_samples: int
    max_samples: int | None
    seconds_per_frame: float
    frame_level: bool
    family: str
    precision: str = "float32"
    canvas_samples: int = 0
    thresholds: tuple[float, ...] | None = None
    segments: dict[str, float] | None = None
    background: str | None = None
    verification: dict[str, Any] | None = None
    time_expansion: float | None = None
    band: tuple[float, float] | None = None
    measured: dict[str, Any] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    @property
    def hearing(self) -> Hearing:
        """How recordings reach it."""
        return Hearing(self.sample_rate, self.time_expansion, self.band)

    @property
    def max_seconds(self) -> float:
        """As `Encoder.max_seconds`."""
        if self.max_samples is None:
            return math.inf
        return 100 * self.max_samples // self.sample_rate / 100 / self.hearing.expansion

    @property
    def card(self) -> ModelCard:
        """What is said of any model."""
        own = {f.name for f in fields(ModelCard)} & {f.name for f in fields(About)} - {"measured"}
        return ModelCard(**{name: getattr(self, name) for name in own})


def write(path: Path, about: About) -> None:
    """Write what is said of it into an ONNX file, in the place of what was said before."""
    protobuf.cut(path, KEY)
    _, digest = protobuf.metadata(path)
    told = json.loads(json.dumps(asdict(about)), parse_constant=lambda _: None)  # JSON has no NaN
    told |= {"sha256": digest, "sha256_about": _hash(told)}
    with open(path, "ab") as file:
        file.write(protobuf.entry(KEY, json.dumps(told)))


def read(path: Path) -> tuple[About, str]:
    """What an exported model says of itself, and the sha256 of its graph.

    Raises:
        ModelError: it is no ONNX file, or another program's; it was cut short, or changed since it was written.
    """
    try:
        found, digest = protobuf.metadata(path)
    except protobuf.Malformed as e:
        raise ModelError(f"{path} cannot be read as an ONNX file: {e}; copy it anew, or export the model again") from e
    except OSError as e:
        raise ModelError(f"{path}: {e.strerror or e}") from e
    if KEY not in found:
        raise ModelError(
            f"{path} says nothing of its labels and of what it takes, as another program wrote it; `audioft export "
            "MODEL --to onnx` writes what is needed"
        )
    try:
        told = json.loads(found[KEY])
        version, hashes = told["format_version"], [told.pop(name) for name in _HASHES]
    except (ValueError, KeyError, TypeError) as e:
        raise ModelError(f"{path}: its metadata `{KEY}` is damaged ({e}); export the model again") from e
    if version != FORMAT_VERSION:
        raise ModelError(
            f"{path}: format_version {version!r}, this audioft reads {FORMAT_VERSION}; install the version that wrote "
            f"it ({told.get('audioft')}), or export the model again"
        )
    changed = [
        what for what, same in (("graph", hashes[0] == digest), ("metadata", hashes[1] == _hash(told))) if not same
    ]
    if changed:
        raise ModelError(
            f"{path}: its {' and '.join(changed)} changed since it was exported, so that its scores may be wrong; copy "
            "it anew, or export the model again. To change labels there is `audioft relabel`, before the export"
        )
    return _about(path, told), digest


def _about(path: Path, told: dict[str, Any]) -> About:
    names = [f.name for f in fields(About)]
    pairs = ("labels", "thresholds", "band")
    known: dict[str, Any] = {k: tuple(v) if k in pairs and v is not None else v for k, v in told.items() if k in names}
    try:
        return About(**known)
    except TypeError as e:
        raise ModelError(f"{path}: its metadata `{KEY}` does not say everything ({e}); export the model again") from e


def _hash(told: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
