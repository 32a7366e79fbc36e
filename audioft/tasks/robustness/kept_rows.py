"""Rows that are done, kept beside the card: a run that was killed goes on after them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audioft.core.runtime import address
from audioft.core.storage import write_bytes
from audioft.data.clip import Clip
from audioft.data.inputs import content
from audioft.models.classifier import AudioClassifier
from audioft.models.weight_files import fingerprint
from audioft.tasks.robustness.strengths import STRENGTHS, VERSION

FOLDER = "rows"


@dataclass(frozen=True)
class KeptRows:
    """Scores of rows on disk, each with the address of all that it depends on.

    Attributes:
        folder: where they lie; None for nowhere.
        address: a row of another one is none.
    """

    folder: Path | None
    address: str

    def get(self, name: str, shape: tuple[int, int]) -> np.ndarray | None:
        """The scores of a row, nan of clips that failed; None where they are not kept."""
        if self.folder is None:
            return None
        try:
            with np.load(self.folder / f"{name}.npz", allow_pickle=False) as kept:
                scores = kept["scores"] if str(kept["address"]) == self.address else None
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            return None
        return None if scores is None or scores.shape != shape else scores

    def put(self, name: str, scores: np.ndarray) -> None:
        if self.folder is None:
            return
        out = io.BytesIO()
        np.savez_compressed(out, scores=scores, address=np.array(self.address))
        self.folder.mkdir(parents=True, exist_ok=True)
        write_bytes(self.folder / f"{name}.npz", out.getvalue())


def address_of(model: AudioClassifier, clips: Sequence[Clip], *further: object) -> str:
    """What scores under disturbance depend on: the suite, the model, the clips and their recordings, and more."""
    files = {str(path): content(path) for path in dict.fromkeys(c.path for c in clips)}
    own = [(c.key, c.labels, files[str(c.path)]) for c in clips]
    return f"{address(VERSION, STRENGTHS, fingerprint(model), own, *further):016x}"
