"""SpecAugment inside the encoder: spans of frames and of channels hidden from the transformer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from audioft.core.runtime import generator
from audioft.models.encoder import Encoder
from audioft.models.frames import LatentMask


class LatentMasking:
    """Draws a `LatentMask` for each clip at its own address, for clips of any length.

    As wav2vec 2.0 does when fine-tuning (Baevski et al. 2020, app. B): so many spans are laid at random that, were
    they not to overlap, the given share would be masked. A span is never longer than half of what it is laid on.

    Args:
        time: share of the frames.
        time_length: frames a span.
        channels: share of the channels, set to zero over the whole clip.
        channel_length: channels a span.
    """

    def __init__(self, time: float = 0.05, time_length: int = 10, channels: float = 0.0, channel_length: int = 10):
        found = self.validate(time, time_length, channels, channel_length)
        if found:
            raise ValueError("; ".join(found))
        self.time, self.time_length = time, time_length
        self.channels, self.channel_length = channels, channel_length

    @staticmethod
    def validate(time: float, time_length: int, channels: float, channel_length: int) -> list[str]:
        shares = {"time": time, "channels": channels}
        lengths = {"time_length": time_length, "channel_length": channel_length}
        found = [f"{k}: {v} is not a share between 0 and 1" for k, v in shares.items() if not 0 <= v <= 1]
        return found + [f"{k}: {v} is not above 0" for k, v in lengths.items() if v <= 0]

    def draw(self, encoder: Encoder, lengths: torch.Tensor, addresses: Sequence[tuple]) -> LatentMask:
        """A mask for clips of `lengths` samples `(B,)`, the row of each drawn at its address."""
        frames = encoder.backbone.frame_lengths(lengths.cpu()).tolist()
        time = np.zeros((len(frames), max(frames)), dtype=bool)
        channels = np.zeros((len(frames), encoder.hidden_size), dtype=bool)
        for row, (count, address) in enumerate(zip(frames, addresses, strict=True)):
            rng = generator(*address, "latent")
            time[row, :count] = spans(rng, count, self.time, self.time_length)
            channels[row] = spans(rng, encoder.hidden_size, self.channels, self.channel_length)
        device = lengths.device
        return LatentMask(
            time=torch.from_numpy(time).to(device) if self.time else None,
            channels=torch.from_numpy(channels).to(device) if self.channels else None,
        )


def spans(rng: np.random.Generator, size: int, share: float, length: int) -> np.ndarray:
    """`(size,)` bool with random spans set; the expected share of them is `share`, less where spans overlap."""
    mask = np.zeros(size, dtype=bool)
    length = min(length, size // 2)
    if length < 1 or share <= 0:
        return mask
    count = int(share * size / length + rng.random())  # rounded up or down at random, right in the mean
    for start in rng.integers(0, size - length + 1, size=count):
        mask[start : start + length] = True
    return mask
