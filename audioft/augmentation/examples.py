"""A few augmented clips, to hear and to see what a model will be trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from audioft.audio import io, writing
from audioft.audio.hearing import Heard, Hearing
from audioft.augmentation.base import Chain
from audioft.core.runtime import generator, one_thread
from audioft.errors import AudioError, DataError

CLIPS, VERSIONS = 4, 3


class _Clip(Protocol):
    @property
    def path(self) -> Path: ...
    @property
    def key(self) -> str: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float | None: ...


def write_examples(
    folder: Path, chain: Chain, clips: Sequence[_Clip], how: Heard, max_seconds: float, seed: int
) -> Path:
    """Write some clips as they are and in a few augmented versions.

    Args:
        folder: gets `example_1_original.wav`, `example_1_version_1.wav`, ... and `examples.png`.
        chain: the augmentations.
        clips: to choose from; the choice depends on the seed.
        how: they reach the encoder; the files are what it hears.
        max_seconds: longer clips are cut to their first so many seconds, of the recording.
        seed: of the choice and of the draws.

    Returns:
        The picture: a spectrogram each, with what was drawn above it.

    Raises:
        DataError: not one of the clips could be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rate = Hearing.of(how).rate
    order = generator(seed, "examples").permutation(len(clips))[:CLIPS]
    rows = []
    with one_thread():
        for number, i in enumerate(order.tolist(), 1):
            clip = clips[i]
            end = min(clip.start + max_seconds, clip.end if clip.end is not None else np.inf)
            try:
                info = io.probe(clip.path)
                whole = end >= info.frames / info.rate
                original = torch.from_numpy(io.read(clip.path, how, clip.start, None if whole else end))
            except AudioError:
                continue
            row = [(f"{clip.key}", original)]
            for version in range(1, VERSIONS + 1):
                draws = chain.draw(generator(seed, "example", clip.key, version), len(original), rate)
                row.append((chain.describe(draws), chain.apply(original, rate, draws)))
            for version, (_, waveform) in enumerate(row):
                name = f"example_{number}_{f'version_{version}' if version else 'original'}.wav"
                # a file holds -1 to 1; what is louder is turned down as a whole
                writing.write_wav(folder / name, waveform.numpy() / max(1.0, float(waveform.abs().max())), rate)
            rows.append(row)
    if not rows:
        raise DataError("no example could be written: none of the chosen clips can be read")
    return _picture(folder / "examples.png", rows, rate)


def _picture(path: Path, rows: list[list[tuple[str, torch.Tensor]]], rate: int) -> Path:
    """Mel spectrograms in decibels, 80 dB down from each clip's own peak."""
    import librosa
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * (VERSIONS + 1), 2.6 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), VERSIONS + 1, squeeze=False)
    hop = rate // 100
    ticks = [250, 1000, 4000]
    for line, row in zip(axes, rows, strict=True):
        for ax, (caption, waveform) in zip(line, row, strict=True):
            mel = librosa.feature.melspectrogram(y=waveform.numpy(), sr=rate, n_fft=4 * hop, hop_length=hop, n_mels=64)
            decibel = librosa.power_to_db(mel, ref=np.max, top_db=80)
            extent = (0, max(len(waveform) / rate, 0.01), 0, librosa.hz_to_mel(rate / 2))
            ax.imshow(decibel, origin="lower", aspect="auto", cmap="magma", extent=extent)
            ax.set_yticks([librosa.hz_to_mel(t) for t in ticks], [f"{t} Hz" for t in ticks])
            ax.set_title(caption.replace(", ", "\n"), fontsize=7, loc="left")
            ax.tick_params(labelsize=6)
    axes[-1][0].set_xlabel("seconds", fontsize=7)
    FigureCanvasAgg(figure).print_png(path)
    return path
