"""An encoder: waveforms in, frames out, whatever family it is of."""

from __future__ import annotations

import contextlib
import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from audioft.audio.hearing import Hearing
from audioft.models.backbones.base import parameters_of, refuse
from audioft.models.cpu_kernels import attention, dropout, front, wavlm_attention
from audioft.models.families import FAMILIES, backbone_of, extractor
from audioft.models.frames import Frames, LatentMask, is_exported
from audioft.models.tuned import Tuned

#: Of `Preprocessing`, how recordings reach the encoder; kept in its `preprocessor_config.json`, too.
HEARD = ("time_expansion", "band")


@dataclass(frozen=True, repr=False)
class Preprocessing:
    """What happens to a clip's samples before the encoder, as its published preprocessor says.

    Attributes:
        sample_rate: Hz.
        normalise: whether each clip is brought to mean 0 and variance 1.
        features: settings of the published feature extractor where the encoder is made for what it computes; None for
            an encoder of waveforms.
        time_expansion, band: how recordings reach it, see `audio.hearing.Hearing`.

    Raises:
        ValueError: of `Hearing`.
    """

    sample_rate: int = 16000
    normalise: bool = True
    features: dict[str, Any] | None = None
    time_expansion: float | None = None
    band: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.band is not None:  # JSON has lists
            object.__setattr__(self, "band", tuple(self.band))
        Hearing(self.sample_rate, self.time_expansion, self.band)  # refuses what cannot be heard

    def __repr__(self) -> str:  # a name of what is kept on disk, also from before there were the later fields
        return f"Preprocessing({', '.join(f'{k}={v!r}' for k, v in self.told().items())})"

    def told(self) -> dict[str, Any]:
        """The fields for a file; without how recordings reach it, where they do as they are."""
        return {k: v for k, v in asdict(self).items() if k not in HEARD or not self.hearing.plain}

    @property
    def hearing(self) -> Hearing:
        """How recordings reach it."""
        return Hearing(self.sample_rate, self.time_expansion, self.band)

    def extractor(self, attention_mask: bool = True) -> Any:
        """transformers' feature extractor that does the same.

        Args:
            attention_mask: whether one of waveforms is to give it: with it transformers averages over a clip's own
                frames, as audioft does.
        """
        from transformers import Wav2Vec2FeatureExtractor

        kept = {} if self.hearing.plain else {"time_expansion": self.time_expansion, "band": self.band}
        if self.features is not None:
            return extractor(self.features | kept)
        return Wav2Vec2FeatureExtractor(
            sampling_rate=self.sample_rate, do_normalize=self.normalise, return_attention_mask=attention_mask, **kept
        )


class Encoder(nn.Module):
    """A pretrained encoder behind one interface.

    Args:
        model: the transformers model; its state dict keeps transformers' key names below `model.`. Its dropout and
            attention become those of `models.cpu_kernels`, which only training notices.
        preprocessing: what its clips must go through first.
        name: what it was loaded from, for messages and cards.
        exact: see `Backbone`.

    Attributes:
        tuned: set by `adapting`: then nothing else trains, whatever is free.
        family: transformers' `model_type`.
        own_pooling, own_head: of the family's own classification class.
        sample_rate: at which it hears, Hz.
        convolutions: kernel and stride of each step from samples to frames, in samples of its input.
        min_samples: the shortest clip that goes through; shorter ones must be padded with zeros to it.
        max_samples: the longest clip that goes through at once; None without a limit.
        canvas_samples: what goes through for every clip, however short it is; 0 where it is the clip's own samples.
        compressed: whether it is smaller than its config says, see `models.compression`.
        bfloat16_front, bfloat16_attention: whether what is ahead of the layers, and the products of their attention,
            are computed in bfloat16 where a processor does so natively.
        folded: modules whose weights were norm and direction, and are one tensor now.
    """

    tuned: Tuned | None = None
    compressed, bfloat16_front, bfloat16_attention = False, False, False
    folded: tuple[str, ...] = ()

    def __init__(self, model: Any, preprocessing: Preprocessing, name: str = "", exact: bool = True):
        super().__init__()
        dropout.quicken(model)
        attention.quicken(model)
        wavlm_attention.restore(model)
        self.model: Any = model
        self.preprocessing, self.name = preprocessing, name
        self.backbone = backbone = backbone_of(model, preprocessing.features, exact)
        self.sample_rate = preprocessing.sample_rate
        self.convolutions = backbone.convolutions
        self.hidden_size: int = model.config.hidden_size
        self.num_layers = len(backbone.layers)
        self.family: str = model.config.model_type
        self.own_pooling, self.own_head = FAMILIES[self.family].pooling, FAMILIES[self.family].head
        self.min_samples, self.max_samples = backbone.shortest(), backbone.longest
        self.canvas_samples: int = backbone.canvas
        self._frozen: set[str] = set()

    def cut(self, layer: int) -> None:
        """Have it end with the states after a layer (0: before the first), as `Frames.layers` has them.

        The layers above are taken away, and with them what follows the last one; where the states after the last
        layer come after that already, all stays.

        Raises:
            ValueError: it has no such layer.
        """
        if not 0 <= layer <= self.num_layers:
            raise ValueError(f"no layer {layer} among 0 to {self.num_layers}")
        if layer == self.num_layers and (self.backbone.finishes_last or self.backbone.is_cut):
            return
        self.backbone.cut(layer)
        self.num_layers = layer

    def shorten_canvas(self, samples: int) -> bool:
        """Have clips of at most so many samples laid on a canvas of that length, at a cost in proportion.

        The states of an encoder with a canvas depend on how much of it is empty, so they become others. Whether it is
        done: Whisper's encoder takes any length; the AST, and what has no canvas, stay as they are.
        """
        shorten = getattr(self.backbone, "shorten", None)
        if shorten is None or not shorten(samples):
            return False
        self.max_samples, self.canvas_samples = self.backbone.longest, self.backbone.canvas
        return True

    @property
    def revision(self) -> str | None:
        """The commit on the hub that it was loaded from, where it was."""
        return getattr(self.model.config, "_commit_hash", None)

    def hear(self, time_expansion: float | None, band: tuple[float, float] | None) -> None:
        """Have recordings reach it in another way from now on; arguments and errors are those of `Hearing`."""
        self.preprocessing = replace(self.preprocessing, time_expansion=time_expansion, band=band)

    @property
    def hearing(self) -> Hearing:
        """How recordings reach it."""
        return self.preprocessing.hearing

    @property
    def seconds_per_frame(self) -> float:
        """From one frame to the next, in seconds of the recording."""
        return self.backbone.samples_per_frame / self.hearing.per_second

    @property
    def max_seconds(self) -> float:
        """`max_samples` in whole hundredths of a second as it hears, in seconds of the recording; or infinite."""
        if self.max_samples is None:
            return math.inf
        return 100 * self.max_samples // self.sample_rate / 100 / self.hearing.expansion

    def frame_lengths(self, lengths: Tensor) -> Tensor:
        """How many frames clips of `(B,)` samples give, `(B,)`."""
        return self.backbone.frame_lengths(lengths)

    def frames(
        self,
        waveforms: Tensor,
        lengths: Tensor,
        mask: LatentMask | None = None,
        stop: int | None = None,
        every_layer: bool = False,
    ) -> Frames:
        """Encode a batch.

        Args:
            waveforms: `(B, T)` float32, mono, at `sample_rate` Hz, zero beyond each clip's length.
            lengths: `(B,)` samples, each at least `min_samples`.
            mask: what to hide from the transformer, see `LatentMask`.
            stop: end after this many transformer layers (0: before the first one); None for all.
            every_layer: keep the states of every layer in `Frames.layers`.

        Returns:
            Frames that depend, clip by clip, on the clip alone. `resume` goes on from any of them.

        Raises:
            ValueError: a clip is shorter than `min_samples` or longer than `max_samples`.
        """
        features, frame_lengths = self.features(waveforms, lengths)
        return self.resume(self.begin(features, frame_lengths, mask, every_layer), stop)

    def features(self, waveforms: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """What comes out of the feature extractor, `(B, F, C)`, and frame lengths `(B,)`; arguments as of `frames`."""
        refuse(lengths, self.min_samples, self.max_samples)
        with self._grad_if_free("feature_extractor"), front.quick(self.bfloat16_front, waveforms.device):
            return self.backbone.features(waveforms, lengths)

    def begin(
        self, features: Tensor, frame_lengths: Tensor, mask: LatentMask | None = None, every_layer: bool = False
    ) -> Frames:
        """The frames before the first transformer layer, of what `features` gives; `resume` goes on from them."""
        with self._grad_if_free("projection"), front.quick(self.bfloat16_front, features.device):
            states, inner, extras = self.backbone.project(features, frame_lengths, mask)
        states = states.float() if self.bfloat16_front else states
        kept = (states,) if every_layer else None
        step = self.seconds_per_frame * self.backbone.squeeze
        return Frames(states, inner, step, kept, inner, extras=extras)

    def resume(self, frames: Frames, stop: int | None = None) -> Frames:
        """Go on from `frames` to layer `stop` (None: to the end), to the same result as in one go."""
        last = self.num_layers if stop is None else stop
        if not frames.layer <= last <= self.num_layers:
            raise ValueError(f"cannot go from layer {frames.layer} to layer {last} of {self.num_layers}")
        hidden, extras, kept = frames.states, dict(frames.extras), frames.layers
        lengths, step = frames.lengths, frames.seconds_per_frame
        attention = self.backbone.attention_mask(hidden, lengths)
        for index in range(frames.layer, last):
            with self._grad_if_free(f"layer_{index + 1}"):
                hidden = self.backbone.run_layer(index, hidden, attention, extras)
            kept = (*kept, hidden) if kept is not None else None
        finishes = last == self.num_layers and not self.backbone.is_cut
        if frames.layer < last and finishes:  # not a second time for frames that are finished
            with self._grad_if_free(f"layer_{last}"):
                hidden, lengths = self.backbone.finish(hidden, lengths, extras)
            step /= self.backbone.squeeze
            if kept is not None and self.backbone.finishes_last:
                kept = (*kept[:-1], hidden)
        return replace(
            frames, states=hidden, lengths=lengths, seconds_per_frame=step, layers=kept, layer=last, extras=extras
        )

    def parts(self) -> list[tuple[str, list[nn.Parameter]]]:
        """The parameters in the order sound passes them: `feature_extractor`, `projection`, `layer_1`, ..."""
        return [(name, [p for m in modules for p in parameters_of(m)]) for name, modules in self.backbone.parts()]

    def freeze(self, frozen: set[str]) -> None:
        """Freeze exactly the named parts: no gradient, no dropout, no layer drop; free all others.

        In an adapted encoder only adapters are freed, and parts without any stay frozen.
        """
        parts, free = self.parts(), self.parameters()
        unknown = frozen - {name for name, _ in parts}
        if unknown:
            raise ValueError(f"no such parts: {sorted(unknown)}")
        self._frozen = set(frozen)
        if self.tuned is not None:
            self._frozen |= {name for name, _ in parts if name not in self.tuned.layers}
            free = (p for n, p in self.model.named_parameters() if n in self.tuned.parameters)
        may_train = {id(p) for p in free}
        for name, parameters in parts:
            for p in parameters:
                p.requires_grad_(name not in self._frozen and id(p) in may_train)
        for p in self.backbone.fixed():
            p.requires_grad_(False)
        self.train(self.training)

    @property
    def frozen(self) -> frozenset[str]:
        return frozenset(self._frozen)

    def train(self, mode: bool = True) -> Encoder:
        """As in torch, but a frozen part always stays in eval mode, and so do batch norms and what is adapted."""
        super().train(mode)
        for name, modules in self.backbone.parts():
            for m in modules:
                if isinstance(m, nn.Module) and name in self._frozen:
                    m.eval()
                elif isinstance(m, nn.Module) and self.tuned is not None:
                    self.tuned.quiet(m)
        for m in self.modules():
            if isinstance(m, nn.modules.batchnorm._BatchNorm):
                m.eval()
        return self

    def _grad_if_free(self, part: str) -> contextlib.AbstractContextManager:
        """Frozen layers below the first free one need no graph: this saves their memory and their backward pass."""
        if is_exported():
            return contextlib.nullcontext()
        order = [name for name, _ in self.backbone.parts()]
        free_below = any(name not in self._frozen for name in order[: order.index(part) + 1])
        return torch.set_grad_enabled(torch.is_grad_enabled() and free_below)
