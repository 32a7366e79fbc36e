"""What an encoder knows, beside what needs no encoder: `python -m audioft.assets.probe_mini ENCODER DATA [--held-out]`.

Two tasks, kinds of sound and speakers, each with the linear probe of `audioft.evaluation.probe` on three kinds of
features: mean and deviation of a log-mel spectrogram, the states of the same network with random weights, and those of
the encoder. DATA holds `esc10` and `librispeech-10spk`, each with a `metadata.csv`, in 16 kHz mono.

With `--held-out` it is for choosing among encoders without a look at what `mini` is measured on: fold 3 of `esc10` and
fold 5 of `librispeech-251spk`, which the encoders must then not be pretrained on.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audioft.assets.random_twin import twin
from audioft.audio import io
from audioft.errors import AudioftError, DataError
from audioft.evaluation.probe import ProbeTask, probe
from audioft.models.loading import load_encoder

RATE = 16000
SHORTEST, LONGEST = 1600, 5 * RATE  # samples
PIECE, PIECES = 2 * RATE, 2  # of an utterance, from its second second on
SOUNDS, SPEAKERS, MORE_SPEAKERS = "esc10", "librispeech-10spk", "librispeech-251spk"
NEEDED = {
    SOUNDS: ("file_name", "label", "fold"),
    SPEAKERS: ("file_name", "speaker", "utterance"),
    MORE_SPEAKERS: ("file_name", "speaker", "fold"),
}


def tasks(data: Path, held_out: bool = False) -> Iterator[ProbeTask]:
    """Ten sounds (folds 1 to 3 learnt, 4 and 5 tested), and ten speakers by one utterance of each.

    With `held_out`, ten sounds (folds 1 and 2 learnt, 3 tested), and some 50 speakers by 2 s of each.

    Raises:
        DataError: the folders, or columns of their tables, are missing.
    """
    spoken = MORE_SPEAKERS if held_out else SPEAKERS
    tables = {name: rows(data / name, NEEDED[name]) for name in (SOUNDS, spoken)}
    if held_out:
        yield sounds(data, tables[SOUNDS], learnt=2, tested=(3,))
        yield speakers_by_piece(data, [row for row in tables[spoken] if row["fold"] == "5"])
    else:
        yield sounds(data, tables[SOUNDS], learnt=3, tested=(4, 5))
        yield speakers_by_utterance(data, tables[spoken])


def sounds(data: Path, table: Sequence[dict[str, str]], learnt: int, tested: Sequence[int]) -> ProbeTask:
    """Ten sounds, by the folds up to `learnt`, each fold of `tested` by itself."""
    clips = []
    for row in table:
        clip = scaled(io.read(data / SOUNDS / row["file_name"], RATE))
        clips.append(torch.from_numpy(np.pad(clip, (0, max(0, SHORTEST - len(clip))))[:LONGEST]))
    folds = np.array([int(row["fold"]) for row in table])
    splits = [(folds <= learnt, folds == fold) for fold in tested]
    groups = np.array([row.get("source_id") or row["file_name"] for row in table])
    return ProbeTask("10 sounds", clips, np.array([row["label"] for row in table]), groups, splits)


def speakers_by_utterance(data: Path, table: Sequence[dict[str, str]]) -> ProbeTask:
    """Pieces of utterances, learnt from each speaker's first utterance."""
    clips, which, _ = pieces(data / SPEAKERS, table, PIECES, PIECE)
    who = np.array([table[i]["speaker"] for i in which])
    number = np.array([int(table[i]["utterance"]) for i in which])
    learn = np.array([u == number[who == w].min() for u, w in zip(number, who, strict=True)])
    files = np.array([table[i]["file_name"] for i in which])
    return ProbeTask("10 speakers, 1 utterance", clips, who, files, [(learn, ~learn)])


def speakers_by_piece(data: Path, table: Sequence[dict[str, str]]) -> ProbeTask:
    """Pieces of one utterance a speaker, half a second apart, learnt from the first of each."""
    clips, which, number = pieces(data / MORE_SPEAKERS, table, 5, PIECE + RATE // 2)
    who = np.array([table[i]["speaker"] for i in which])
    return ProbeTask(f"{len(table)} speakers, 2 s", clips, who, who, [(number == 0, number > 0)])


def pieces(
    folder: Path, table: Sequence[dict[str, str]], most: int, step: int
) -> tuple[list[Tensor], list[int], np.ndarray]:
    """Up to `most` pieces of each recording, `step` samples apart: the clips, their rows, and their numbers."""
    clips, which, numbers = [], [], []
    for i, row in enumerate(table):
        whole = scaled(io.read(folder / row["file_name"], RATE))
        for k in range(most):
            start = RATE + k * step
            if start + PIECE <= len(whole):
                clips.append(torch.from_numpy(whole[start : start + PIECE]))
                which.append(i)
                numbers.append(k)
    return clips, which, np.array(numbers)


def rows(folder: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a folder's `metadata.csv`."""
    table = folder / "metadata.csv"
    if not table.is_file():
        raise DataError(f"{table}: no such file; DATA must hold {folder.name} with this table")
    with open(table, newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    lacking = [c for c in columns if not found or c not in found[0]]
    if lacking:
        raise DataError(f"{table}: expected rows with {', '.join(columns)}; {', '.join(lacking)} is missing")
    return found


def scaled(samples: np.ndarray) -> np.ndarray:
    """Mean 0, deviation 1."""
    return (samples - samples.mean()) / (samples.std() + 1e-5)


def log_mel(clips: Sequence[Tensor]) -> np.ndarray:
    """`(N, 128)`: mean and unbiased deviation over time of the logarithm of 64 mel bands."""
    from torchaudio.transforms import MelSpectrogram

    bands = MelSpectrogram(RATE, n_fft=400, hop_length=160, n_mels=64)
    found = [torch.log(bands(clip) + 1e-6) for clip in clips]
    return np.stack([torch.cat([s.mean(1), s.std(1)]).numpy() for s in found])


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0, or 1 if something is missing."""
    given = [a for a in arguments if a != "--held-out"]
    if len(given) != 2:
        print("usage: python -m audioft.assets.probe_mini ENCODER DATA [--held-out]", file=sys.stderr)
        return 2
    try:
        encoder, _ = load_encoder(given[0])
        random = twin(encoder)
        for task in tasks(Path(given[1]), held_out=len(given) < len(arguments)):
            spectrum = probe(log_mel(task.waveforms), task.labels, task.groups, task.splits).accuracy
            untaught, found = task.measure(random), task.measure(encoder)
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
