"""What an encoder knows, beside what needs no encoder: `python -m audioft.assets.probe_mini ENCODER DATA`.

Two tasks, ten kinds of sound and ten speakers, each with the linear probe of `audioft.evaluation.probe` on three kinds
of features: mean and deviation of a log-mel spectrogram, the states of the same network with random weights, and those
of the encoder. DATA holds `esc10` and `librispeech-10spk`, each with a `metadata.csv`, in 16 kHz mono.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from audioft.assets.random_twin import twin
from audioft.audio import io
from audioft.errors import AudioftError, DataError
from audioft.evaluation.probe import Probe, embed, probe
from audioft.models.loading import load_encoder

RATE = 16000
SHORTEST, LONGEST = 1600, 5 * RATE  # samples
PIECE, PIECES = 2 * RATE, 2  # of an utterance, from its second second on
NEEDED = {"esc10": ("file_name", "label", "fold"), "librispeech-10spk": ("file_name", "speaker", "utterance")}


@dataclass(frozen=True)
class Task:
    """Clips and what is to be told of them.

    Attributes:
        name: in the printed line.
        clips: N arrays `(T_i,)` float32.
        labels: `(N,)`.
        groups: `(N,)`, the recordings that the clips are from: resampled together for the interval.
        splits: `(learn, test)` masks `(N,)`.
    """

    name: str
    clips: list[np.ndarray]
    labels: np.ndarray
    groups: np.ndarray
    splits: list[tuple[np.ndarray, np.ndarray]]

    def measure(self, features: np.ndarray) -> Probe:
        """The probe on features `(N, D)`."""
        return probe(features, self.labels, self.groups, self.splits)


def tasks(data: Path) -> Iterator[Task]:
    """Ten sounds (folds 1 to 3 learnt, 4 and 5 tested), and ten speakers by one utterance of each.

    Raises:
        DataError: the folders, or columns of their tables, are missing.
    """
    tables = {name: rows(data / name, columns) for name, columns in NEEDED.items()}
    sounds, spoken = tables.values()
    clips = []
    for row in sounds:
        clip = scaled(io.read(data / "esc10" / row["file_name"], RATE))
        clips.append(np.pad(clip, (0, max(0, SHORTEST - len(clip))))[:LONGEST])
    folds = np.array([int(r["fold"]) for r in sounds])
    splits = [(folds <= 3, folds == fold) for fold in (4, 5)]
    groups = np.array([r.get("source_id") or r["file_name"] for r in sounds])
    yield Task("10 sounds", clips, np.array([r["label"] for r in sounds]), groups, splits)

    pieces, speakers, files, utterances = [], [], [], []
    for row in spoken:
        whole = scaled(io.read(data / "librispeech-10spk" / row["file_name"], RATE))
        for start in range(RATE, RATE + PIECES * PIECE, PIECE):
            if start + PIECE <= len(whole):
                pieces.append(whole[start : start + PIECE])
                speakers.append(row["speaker"])
                files.append(row["file_name"])
                utterances.append(int(row["utterance"]))
    who, which = np.array(speakers), np.array(utterances)
    learn = np.array([u == which[who == w].min() for u, w in zip(which, who, strict=True)])
    yield Task("10 speakers, 1 utterance", pieces, who, np.array(files), [(learn, ~learn)])


def rows(folder: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a folder's `metadata.csv`."""
    table = folder / "metadata.csv"
    if not table.is_file():
        raise DataError(f"{table}: no such file; expected a folder that holds {' and '.join(NEEDED)}, each with one")
    with open(table, newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    lacking = [c for c in columns if not found or c not in found[0]]
    if lacking:
        raise DataError(f"{table}: expected rows with {', '.join(columns)}; {', '.join(lacking)} is missing")
    return found


def scaled(samples: np.ndarray) -> np.ndarray:
    """Mean 0, deviation 1."""
    return (samples - samples.mean()) / (samples.std() + 1e-5)


def log_mel(clips: Sequence[np.ndarray]) -> np.ndarray:
    """`(N, 128)`: mean and unbiased deviation over time of the logarithm of 64 mel bands."""
    from torchaudio.transforms import MelSpectrogram

    bands = MelSpectrogram(RATE, n_fft=400, hop_length=160, n_mels=64)
    found = [torch.log(bands(torch.from_numpy(clip)) + 1e-6) for clip in clips]
    return np.stack([torch.cat([s.mean(1), s.std(1)]).numpy() for s in found])


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0, or 1 if something is missing."""
    if len(arguments) != 2:
        print("usage: python -m audioft.assets.probe_mini ENCODER DATA", file=sys.stderr)
        return 2
    try:
        encoder, _ = load_encoder(arguments[0])
        random = twin(encoder)
        for task in tasks(Path(arguments[1])):
            waveforms = [torch.from_numpy(clip) for clip in task.clips]
            spectrum = task.measure(log_mel(task.clips)).accuracy
            untaught, found = (task.measure(embed(e, waveforms)) for e in (random, encoder))
            print(
                f"{task.name:<26} {found.clips} tested, log-mel {spectrum:.3f}, random {untaught.accuracy:.3f}, "
                f"encoder {found.accuracy:.3f} ({found.low:.3f} to {found.high:.3f})",
                flush=True,
            )
    except AudioftError as e:
        print(f"probe_mini: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
