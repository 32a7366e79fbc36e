"""What a teacher says of waveforms: computed once for each, kept on the disk, read ever after."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from audioft.core.runtime import evaluating
from audioft.errors import AudioftError
from audioft.evaluation.embedding_store import settings_of
from audioft.evaluation.scoring import autocast
from audioft.models.boundary import Crossing
from audioft.models.boundary_store import Crossings
from audioft.models.classifier import AudioClassifier
from audioft.models.encoder import Encoder
from audioft.models.ensembles.ensemble import Ensemble
from audioft.models.frames import Frames
from audioft.models.weight_files import weights_hash

VERSION = 1  # of what is computed: raise it whenever what a teacher says of a waveform becomes something else


class Teacher(ABC):
    """A model that stays as it is, and what it says of waveforms.

    A waveform goes through alone, so that what is said of it is a function of it to the last bit, and it is read as it
    is kept, in float16, from the first time on. An entry is named after the samples: whoever hears the same again, in
    this run or another one, finds it.

    Args:
        model: is put into eval mode and computes where it lies.
        layers: whose states are told, as `Frames.layers` counts them: 0 is before the first.
        folder: of what all teachers say.
        precision: of the computation, `fp32` or `bf16`.
        about: what it depends on besides.

    Attributes:
        owner: a hash of the teacher and of what is asked of it.
        store: of what it says.
    """

    def __init__(self, model: nn.Module, layers: Sequence[int], folder: Path, precision: str, about: Sequence[object]):
        self.model, self.layers, self.precision = model.eval(), tuple(layers), precision
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        self.owner = weights_hash(model.state_dict(), {"about": [VERSION, self.layers, precision, *about]})[:32]
        self.store = Crossings(folder / self.owner, "float16")

    def found(self, waveform: Tensor) -> list[Crossing]:
        """What is kept of a waveform `(T,)`, prepared as the teacher wants it; computed where nothing is.

        Raises:
            AudioftError: it is not finite, or cannot be written.
        """
        name = hashlib.sha256(waveform.contiguous().numpy().tobytes()).hexdigest()
        return self.store.get(name) or self.store.put(name, self._said(waveform))

    def _said(self, waveform: Tensor) -> list[Crossing]:
        device = next(self.model.parameters()).device
        lengths = torch.tensor([len(waveform)], device=device)
        with evaluating(self.model), torch.no_grad(), autocast(device, self.precision):
            said = [t.float().cpu() for t in self._compute(waveform[None].to(device), lengths)]
        if not all(bool(torch.isfinite(t).all()) for t in said):
            raise AudioftError(
                "the teacher gives numbers that are not finite (NaN or infinity); its weights are damaged"
            )
        return [Crossing(t, len(waveform), (len(t), len(t))) for t in said]

    @abstractmethod
    def _compute(self, waveforms: Tensor, lengths: Tensor) -> list[Tensor]:
        """Of a batch of one, tensors whose first dimension is time, or 1."""

    def _states(self, frames: Frames) -> Tensor:
        """`(F, K H)`: those of the layers, one after the other, of the clip's own frames."""
        assert frames.layers is not None
        own = int(frames.lengths if frames.layer_lengths is None else frames.layer_lengths)
        return torch.cat([frames.layers[k][0, :own].float() for k in self.layers], -1)


def _described(encoder: Encoder) -> list[object]:
    return [settings_of(encoder), repr(encoder.preprocessing), encoder.canvas_samples]


class TeacherStates(Teacher):
    """The states of some layers of an encoder; arguments are those of `Teacher`.

    Raises:
        ValueError: the encoder has no such layer.
    """

    def __init__(self, encoder: Encoder, layers: Sequence[int], folder: Path, precision: str = "fp32"):
        beyond = [k for k in layers if not 0 <= k <= encoder.num_layers]
        if beyond or not layers:
            raise ValueError(f"layers {list(layers)} of an encoder of {encoder.num_layers} layers")
        self.encoder = encoder
        super().__init__(encoder, layers, folder, precision, _described(encoder))

    @property
    def size(self) -> int:
        """K H: numbers a frame, those of its layers one after the other."""
        return len(self.layers) * self.encoder.hidden_size

    def spell(self) -> str:
        """In words."""
        name, family, of = self.encoder.name, self.encoder.family, self.encoder.num_layers
        return f"{name}, {family}, layer{'s' * (len(self.layers) > 1)} {', '.join(map(str, self.layers))} of {of}"

    def __call__(self, waveforms: Sequence[Tensor]) -> list[Tensor]:
        """Of each waveform `(T,)` the states `(F, K H)` float32 of its own frames."""
        return [self.found(waveform)[0].states for waveform in waveforms]

    def _compute(self, waveforms: Tensor, lengths: Tensor) -> list[Tensor]:
        return [self._states(self.encoder.frames(waveforms, lengths, stop=max(self.layers), every_layer=True))]


class TeacherAnswers(Teacher):
    """The logits of a classifier, and the states of some of its encoder's layers; arguments are those of `Teacher`.

    Raises:
        ValueError: states are asked of an ensemble, or of a layer that is not there.
    """

    def __init__(self, model: AudioClassifier, layers: Sequence[int], folder: Path, precision: str = "fp32"):
        joined = isinstance(model, Ensemble)
        if layers and joined:
            raise ValueError("several models joined into one have no states of their own")
        if beyond := [k for k in layers if not 0 <= k <= model.encoder.num_layers]:
            raise ValueError(f"layers {beyond} of an encoder of {model.encoder.num_layers} layers")
        self.classifier = model
        own = model.leaves if isinstance(model, Ensemble) else [model]
        about = [[*_described(leaf.encoder), leaf.spec] for leaf in own]
        super().__init__(model, layers, folder, precision, [about, model.spec])

    def __call__(self, waveforms: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Logits `(B, C)` float32, and where layers are asked for of each waveform the states `(F, K H)`."""
        found = [self.found(waveform) for waveform in waveforms]
        logits = torch.stack([said[0].states[0] for said in found])
        return logits, [said[1].states for said in found] if self.layers else []

    def _compute(self, waveforms: Tensor, lengths: Tensor) -> list[Tensor]:
        model = self.classifier
        if not self.layers:
            return [model(waveforms, lengths)]
        frames = model.encoder.frames(waveforms, lengths, every_layer=True)
        return [model.head(model.pooled(frames)), self._states(frames)]
