"""What an encoder must do better than: log energies in mel bands, called as an encoder is, with nothing learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from audioft.audio.spectra import FrameGrid, log_mel
from audioft.models.encoder import Preprocessing
from audioft.models.frames import Frames


class LogMel(nn.Module):
    """Log-mel spectra of clips, 80 bands every 10 ms, as the one layer of an encoder without parameters.

    Args:
        time_expansion, band: how recordings reach it, see `audio.hearing.Hearing`.
    """

    name = "log-mel"
    sample_rate, num_layers, hidden_size = 16000, 0, 80
    canvas_samples = 0

    def __init__(self, time_expansion: float | None = None, band: Sequence[float] | None = None) -> None:
        super().__init__()
        band = None if band is None else (band[0], band[1])
        self.preprocessing = Preprocessing(self.sample_rate, True, time_expansion=time_expansion, band=band)
        self.grid = FrameGrid(self.sample_rate, stride=320, field=400)
        self.min_samples = self.grid.field

    @property
    def settings(self) -> dict[str, Any]:
        """All that its output depends on besides the waveform."""
        return {"name": self.name, "bands": self.hidden_size, **vars(self.grid)}

    def frames(self, waveforms: Tensor, lengths: Tensor, every_layer: bool = False) -> Frames:
        """As `Encoder.frames`: states `(B, F, 80)` of waveforms `(B, T)`."""
        frames = int(self.grid.frames(torch.tensor(waveforms.shape[1])))
        spectra = log_mel(waveforms, self.grid, frames, self.hidden_size)
        per_frame = self.grid.stride // self.grid.hop
        own = self.grid.frames(lengths) * per_frame
        hop = self.grid.hop / self.preprocessing.hearing.per_second
        return Frames(spectra, own, hop, layers=(spectra,) if every_layer else None)
