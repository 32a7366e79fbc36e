"""What a teacher's layers say of waveforms: computed once for each, kept on the disk, read ever after."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from audioft.core.runtime import evaluating
from audioft.errors import AudioftError
from audioft.evaluation.embedding_store import settings_of
from audioft.evaluation.scoring import autocast
from audioft.models.boundary import Crossing
from audioft.models.boundary_store import Crossings
from audioft.models.encoder import Encoder
from audioft.models.weight_files import weights_hash

VERSION = 1  # of what is computed: raise it whenever the states of a waveform become others


class TeacherStates:
    """The states of some layers of an encoder that stays as it is.

    A waveform goes through alone, so that its states are a function of it to the last bit, and they are read as they
    are kept, in float16, from the first time on. An entry is named after the samples: whoever hears the same again,
    in this run or another one, finds it.

    Args:
        encoder: the teacher; it is put into eval mode and computes where it lies.
        layers: which ones, as `Frames.layers` counts them: 0 is before the first.
        folder: of the states of all teachers.
        precision: of the computation, `fp32` or `bf16`.

    Raises:
        ValueError: the encoder has no such layer.
    """

    def __init__(self, encoder: Encoder, layers: Sequence[int], folder: Path, precision: str = "fp32"):
        beyond = [k for k in layers if not 0 <= k <= encoder.num_layers]
        if beyond or not layers:
            raise ValueError(f"layers {list(layers)} of an encoder of {encoder.num_layers} layers")
        self.encoder, self.layers, self.precision = encoder.eval(), tuple(layers), precision
        about = [VERSION, self.layers, settings_of(encoder), repr(encoder.preprocessing)]
        about += [encoder.canvas_samples, precision]
        self.owner = weights_hash(encoder.state_dict(), {"about": about})[:32]
        self.store = Crossings(folder / self.owner, "float16")

    @property
    def size(self) -> int:
        """K H: numbers a frame, those of its layers one after the other."""
        return len(self.layers) * self.encoder.hidden_size

    def spell(self) -> str:
        """In words."""
        name, family, of = self.encoder.name, self.encoder.family, self.encoder.num_layers
        return f"{name}, {family}, layer{'s' * (len(self.layers) > 1)} {', '.join(map(str, self.layers))} of {of}"

    def __call__(self, waveforms: Sequence[Tensor]) -> list[Tensor]:
        """Of each waveform `(T,)`, prepared as the teacher wants it, the states `(F, K H)` float32 of its own frames.

        Raises:
            AudioftError: the states are not finite, or cannot be written.
        """
        return [self._one(waveform) for waveform in waveforms]

    def _one(self, waveform: Tensor) -> Tensor:
        name = hashlib.sha256(waveform.contiguous().numpy().tobytes()).hexdigest()
        found = self.store.get(name) or self.store.put(name, [self._crossing(waveform)])
        return found[0].states

    def _crossing(self, waveform: Tensor) -> Crossing:
        device = next(self.encoder.parameters()).device
        lengths = torch.tensor([len(waveform)], device=device)
        with evaluating(self.encoder), torch.no_grad(), autocast(device, self.precision):
            frames = self.encoder.frames(waveform[None].to(device), lengths, stop=max(self.layers), every_layer=True)
        assert frames.layers is not None
        own = frames.lengths if frames.layer_lengths is None else frames.layer_lengths
        states = torch.cat([frames.layers[k][0, : int(own)].float() for k in self.layers], -1).cpu()
        if not bool(torch.isfinite(states).all()):
            raise AudioftError(
                "the teacher gives numbers that are not finite (NaN or infinity); its weights are damaged"
            )
        return Crossing(states, len(waveform), (len(states), len(states)))
