"""What the plans have in common: how `Encoder` runs a transformers model part by part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from audioft.models.features import FrontEnd
from audioft.models.frames import LatentMask, all_own, is_exported, strided, valid_frames

CUT = "audioft_cut"  # in the config of an encoder whose upper layers were taken away: nothing follows its last one
Held = nn.Module | nn.Parameter
Part = tuple[str, list[Held]]
Projected = tuple[Tensor, Tensor, dict[str, Any]]
"""States before the first layer `(B, F, H)`, their lengths `(B,)`, and what `finish` needs to know of them."""


class Backbone:
    """Calls the parts of a transformers model one by one.

    Not a module: it owns no weights, so the transformers model keeps its own key names.

    Args:
        model: the transformers model, of a family in `audioft.models.families`.
        exact: False leaves padding to leak into what a clip gives, as transformers does; only tests ask for it, to
            show that they would notice.

    Attributes:
        layers_in: where the transformers model has its layers.
        squeeze: frames that the layers see as one; the states after the last layer are of every frame again.
        finishes_last: whether the last of `Frames.layers` comes after what follows the last layer, as in the
            `hidden_states` of the family's own model.
        timed: whether a frame is a moment of the clip.
        longest: the most samples that go through at once; None without a limit.
        canvas: samples that go through for every clip, however short it is; 0 where those are the clip's own.
        masks_padding: whether what lies beyond a clip's own frames has no part in what it gives.
    """

    layers_in = "encoder.layers"
    squeeze = 1
    finishes_last = False
    timed = True
    longest: int | None = None
    canvas = 0
    masks_padding = True

    #: Which setting of the transformers config says how many layers there are.
    layers_counted = "num_hidden_layers"

    def __init__(self, model: Any, exact: bool = True):
        self.model, self.config, self.exact = model, model.config, exact

    @property
    def is_cut(self) -> bool:
        """Whether the last layer's states are what it gives: the layers above it, and what follows them, are gone."""
        return bool(getattr(self.config, CUT, False))

    def cut(self, count: int) -> None:
        """Take away all but the first `count` layers; what came after the last one is no longer computed."""
        holder, _, name = self.layers_in.rpartition(".")
        setattr(self.model.get_submodule(holder), name, self.layers[:count])
        setattr(self.config, self.layers_counted, count)
        setattr(self.config, CUT, True)

    @property
    def layers(self) -> nn.ModuleList:
        return self.model.get_submodule(self.layers_in)

    @property
    def convolutions(self) -> tuple[tuple[int, int], ...]:
        """Kernel and stride of each step from samples to frames, in samples of its input."""
        return tuple(zip(self.config.conv_kernel, self.config.conv_stride, strict=True))

    @property
    def samples_per_frame(self) -> int:
        return math.prod(stride for _, stride in self.convolutions)

    def frame_lengths(self, samples: Tensor) -> Tensor:
        """How many frames clips of that many samples give; 0 or less for a clip too short for the convolutions."""
        return strided(samples, self.convolutions)

    def shortest(self) -> int:
        """The fewest samples that go through (400 for most published encoders)."""
        need = self.squeeze
        for kernel, stride in reversed(self.convolutions):
            need = (need - 1) * stride + kernel
        return need

    def features(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """What the projection takes, `(B, F, C)`, of waveforms `(B, T)`, and frame lengths `(B,)`."""
        raise NotImplementedError

    def project(self, features: Tensor, lengths: Tensor, mask: LatentMask | None) -> Projected:
        """The states before the first layer, of what `features` gives; see `Projected`."""
        raise NotImplementedError

    def attention_mask(self, hidden: Tensor, lengths: Tensor) -> Any:
        """What `run_layer` wants to know of the padding, the same for all layers."""
        if not self.masks_padding or all_own(lengths, hidden.shape[1]):
            return None
        valid = valid_frames(lengths, hidden.shape[1])
        if is_exported():  # the same, without a look at what is in it
            return valid[:, None, None]
        from transformers.masking_utils import create_bidirectional_mask

        return create_bidirectional_mask(config=self.config, inputs_embeds=hidden, attention_mask=valid)

    def run_layer(self, index: int, hidden: Tensor, mask: Any, extras: dict[str, Any]) -> Tensor:
        """States after layer `index` (from 0); in training a layer may be skipped."""
        layer = self.layers[index]
        return hidden if self.is_skipped(layer) else layer(hidden, attention_mask=mask)

    def is_skipped(self, layer: nn.Module) -> bool:
        """Whether this step goes round a layer (LayerDrop, Fan et al. 2019); draws a number only where it may."""
        return layer.training and self.layerdrop > 0 and bool(torch.rand([]) < self.layerdrop)

    @property
    def layerdrop(self) -> float:
        return float(getattr(self.config, "layerdrop", 0.0))

    def extras(self, layer: int, hidden: Tensor, lengths: Tensor, all_lengths: Tensor) -> dict[str, Any]:
        """What the layers after `layer` need besides its states, made anew where only these were kept.

        Args:
            layer: from 0, one of which `can_go_on_from` is true.
            hidden: `(B, F, H)`, its states.
            lengths: `(B,)`, how many of them are each clip's own.
            all_lengths: `(B,)`, the same in frames that are not squeezed.
        """
        return {}

    def can_go_on_from(self, layer: int) -> bool:
        """Whether the states after a layer (0: before the first) and `extras` are all that later ones need."""
        return True

    def finish(self, hidden: Tensor, lengths: Tensor, extras: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """What follows the last layer: states and their lengths."""
        return hidden, lengths

    def parts(self) -> list[Part]:
        """The modules in the order sound passes them, by name: what freezing and layer-wise rates speak of."""
        raise NotImplementedError

    def fixed(self) -> list[nn.Parameter]:
        """Parameters that never train: those of no part, which an encoder that was cut no longer computes with."""
        inside = {id(p) for _, held in self.parts() for m in held for p in parameters_of(m)}
        return [p for p in self.model.parameters() if id(p) not in inside]

    def layer_parts(self, first: Sequence[Held], before: Sequence[Any], after: Sequence[Any] = ()) -> list[Part]:
        """`feature_extractor` and `projection` as given, and a part for each layer; the last one has `after`, too.

        What a model lacks, as its config has it, is None among them and left out.
        """
        named: list[Part] = [("feature_extractor", list(first)), ("projection", [m for m in before if m is not None])]
        named += [(f"layer_{i + 1}", [layer]) for i, layer in enumerate(self.layers)]
        if not self.is_cut:
            named[-1][1].extend(m for m in after if m is not None)
        return named

    def hide(self, hidden: Tensor, mask: LatentMask | None) -> Tensor:
        """Latent masking: frames replaced by the mask vector, channels set to zero."""
        if mask is not None and mask.time is not None:
            hidden = torch.where(mask.time[..., None], self.model.masked_spec_embed.to(hidden.dtype), hidden)
        if mask is not None and mask.channels is not None:
            hidden = hidden.masked_fill(mask.channels[:, None, :], 0)
        return hidden

    @property
    def mask_vector(self) -> nn.Parameter | None:
        """What stands for a masked frame, if the model has it."""
        return getattr(self.model, "masked_spec_embed", None)

    def heard(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        """How many samples count as sound, `(B,)`: the padding too where it is left to leak."""
        return lengths if self.exact else torch.full_like(lengths, waveforms.shape[1])

    def silence(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        """States with those of the padding zero, unless it is left to leak."""
        outside = self.outside(lengths, hidden)
        return hidden if outside is None else hidden.masked_fill(outside, 0)

    def outside(self, lengths: Tensor, hidden: Tensor) -> Tensor | None:
        """`(B, F, 1)` bool: the padding to be set to zero; None where it is left to leak."""
        return ~valid_frames(lengths, hidden.shape[1])[..., None] if self.exact else None


def parameters_of(held: Held) -> list[nn.Parameter]:
    """The parameters of what a part holds."""
    return [held] if isinstance(held, nn.Parameter) else list(held.parameters())


class SpectralBackbone(Backbone):
    """What an encoder of spectra has besides.

    Args:
        model, exact: see `Backbone`.
        front_end: its features.
    """

    def __init__(self, model: Any, exact: bool, front_end: FrontEnd):
        super().__init__(model, exact)
        self.front_end, self.longest = front_end, front_end.longest

    def shortest(self) -> int:
        return self.front_end.shortest


def refuse(lengths: Tensor, least: int, most: int | None) -> None:
    """Raise a ValueError where a clip of `(B,)` samples is shorter or longer than goes through."""
    if is_exported():
        return
    if int(lengths.min()) < least:
        raise ValueError(f"a clip of {int(lengths.min())} samples gives no frame; the least is {least}")
    if most is not None and int(lengths.max()) > most:
        raise ValueError(f"a clip of {int(lengths.max())} samples is too long; the most is {most}")
