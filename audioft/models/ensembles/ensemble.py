"""Several classifiers behind the contract of one: waveforms to logits."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audioft.models.card import ModelCard
from audioft.models.classifier import AudioClassifier
from audioft.models.encoder import Encoder
from audioft.models.ensembles.combining import Combination
from audioft.models.frames import Frames, LatentMask, valid_frames


@dataclass(frozen=True, eq=False)
class Member:
    """A classifier that is one of several.

    Attributes:
        name: what it is called in reports.
        model: may be an ensemble itself.
        card: its labels are in the order of its logits.
    """

    name: str
    model: AudioClassifier
    card: ModelCard


Depth = tuple[int, bool]


class Ensemble(AudioClassifier):
    """Members and how their answers are combined; `embed` is their pooled vectors side by side.

    Members whose encoders are the same, or the lower layers of the same, share one pass: see `carriers`.

    Args:
        members: at least two, that hear recordings in the same way and answer alike: for clips, or for the same frames.
        labels: in the order of the logits; every member's are among them.
        combination: of the members' logits.

    Raises:
        ValueError: the members do not go together; says why.
    """

    def __init__(self, members: Sequence[Member], labels: Sequence[str], combination: Combination):
        nn.Module.__init__(self)
        _refuse(members)
        self.about = tuple((m.name, m.card) for m in members)
        self.members = nn.ModuleList(m.model for m in members)
        self.leaves = [leaf for m in members for leaf in leaves(m.model)]
        self.depths = [depth for m in members for depth in depths(m.model)]
        self.carriers = carriers(self.leaves, self.depths)
        for leaf, carrier in zip(self.leaves, self.carriers, strict=True):
            leaf.encoder = self.leaves[carrier].encoder  # held once
        for own in (self, *(m for m in self.modules() if isinstance(m, Ensemble))):
            # what is said of clips before they are heard: it is no module of its own
            object.__setattr__(own, "encoder", _outside([leaf.encoder for leaf in own.leaves]))
        self.normalises = self.encoder.preprocessing.normalise
        self.layer_sum = None
        self.frame_level = self.leaves[0].frame_level
        self.num_labels = len(labels)
        widths = [sum(_width(leaf) for leaf in leaves(m.model)) for m in members]
        self.pooling = None if self.frame_level else SimpleNamespace(output_size=sum(widths))
        order = {label: i for i, label in enumerate(labels)}
        columns = [[order[label] for label in m.card.labels] for m in members]
        made = EmbeddingHead if all(hasattr(m.model.head, "embed") for m in members) else JointHead
        self.head = made([m.model.head for m in members], widths, columns, combination)
        self.join_by(combination)

    def join_by(self, combination: Combination) -> None:
        """Have the members' answers combined in another way."""
        self.head.combination = combination.to(next(self.parameters()).device)
        self.spec = {"layers": "members", "pooling": "members", "head": {"name": "ensemble", **combination.told}}

    @property
    def transformers_equivalent(self) -> bool:
        return False

    @property
    def every_layer(self) -> bool:
        return False

    def embed(self, waveforms: Tensor, lengths: Tensor, mask: LatentMask | None = None) -> Tensor:
        """The vectors of the leaves side by side, `(B, D)`, or `(B, F, H)` of frame-level members."""
        return torch.cat([*self._vectors(waveforms, lengths, mask)], -1)

    def pooled(self, frames: Frames) -> Tensor:
        raise NotImplementedError("an ensemble has no frames of its own; `embed` takes waveforms")

    def members_logits(self, waveforms: Tensor, lengths: Tensor) -> Tensor:
        """What every member says, `(..., M, C)` float64, in one pass; 0 for labels that it does not know."""
        return self.head.logits(self.embed(waveforms, lengths))

    def _vectors(self, waveforms: Tensor, lengths: Tensor, mask: LatentMask | None) -> Iterator[Tensor]:
        given: dict[int, Frames] = {}
        for place, (leaf, carrier, depth) in enumerate(zip(self.leaves, self.carriers, self.depths, strict=True)):
            encoder = leaf.encoder
            if carrier not in given:
                sharing = [i for i, c in enumerate(self.carriers) if c == carrier]
                kept = any(self.leaves[i].every_layer or self.depths[i] != self.depths[carrier] for i in sharing)
                wanted = encoder.preprocessing.normalise and not self.normalises
                heard = normalised(waveforms, lengths) if wanted else waveforms
                given[carrier] = encoder.frames(heard, lengths, mask, every_layer=kept)
            frames = given[carrier]
            yield leaf.pooled(frames if depth == self.depths[carrier] else up_to(frames, depth[0]))
            if carrier not in self.carriers[place + 1 :]:
                del given[carrier]  # no more is held than the members to come need


class JointHead(nn.Module):
    """The heads of the members on their own parts of the vector, and the combination of what they say.

    Args:
        heads: of M members, which hold them.
        widths: how much of the vector each sees.
        columns: where each member's labels are among all.
        combination: of the logits.
    """

    def __init__(
        self, heads: Sequence[nn.Module], widths: Sequence[int], columns: Sequence[list[int]], combination: Combination
    ):
        super().__init__()
        self.heads, self.widths, self.columns = tuple(heads), list(widths), tuple(columns)  # a tuple owns no weights
        self.combination = combination

    def logits(self, vectors: Tensor) -> Tensor:
        """`(..., M, C)` float64 of vectors `(..., D)`; 0 for labels that a member does not know."""
        members, labels = self.combination.known.shape
        found = vectors.new_zeros((*vectors.shape[:-1], members, labels), dtype=torch.float64)
        for i, (head, part) in enumerate(zip(self.heads, vectors.split(self.widths, -1), strict=True)):
            found[..., i, self.columns[i]] = head(part).double()
        return found

    def forward(self, vectors: Tensor) -> Tensor:
        """`(..., C)` float64 of vectors `(..., D)`."""
        return self.combination(self.logits(vectors))


class EmbeddingHead(JointHead):
    """As `JointHead`, of members whose heads embed."""

    def embed(self, vectors: Tensor) -> Tensor:
        """Embeddings side by side, each of length 1: the cosine of two is the mean of the members' cosines."""
        parts = zip(self.heads, vectors.split(self.widths, -1), strict=True)
        return torch.cat([F.normalize(head.embed(part).float(), dim=-1) for head, part in parts], -1)  # type: ignore[operator]


def leaves(model: AudioClassifier) -> list[AudioClassifier]:
    """The classifiers that an ensemble comes down to; a plain one itself."""
    return model.leaves if isinstance(model, Ensemble) else [model]


def depths(model: AudioClassifier) -> list[Depth]:
    """Of each leaf, after how many layers it listens, and whether what follows the last one is left out."""
    own = model.encoder
    return model.depths if isinstance(model, Ensemble) else [(own.num_layers, own.backbone.is_cut)]


def carriers(found: Sequence[AudioClassifier], deep: Sequence[Depth]) -> tuple[int, ...]:
    """For each leaf the one whose encoder holds all of its own: the deepest of the same weights, else itself."""
    chosen: dict[int, int] = {}
    for i in sorted(range(len(found)), key=lambda i: (-deep[i][0], deep[i][1], i)):
        others = dict.fromkeys(chosen.values())
        chosen[i] = next((j for j in others if _carries(found[j], deep[j], found[i], deep[i])), i)
    return tuple(chosen[i] for i in range(len(found)))


def _carries(other: AudioClassifier, its: Depth, leaf: AudioClassifier, own: Depth) -> bool:
    """Whether a leaf may listen to the encoder of another one."""
    a, b = leaf.encoder, other.encoder
    if a.preprocessing != b.preprocessing or a.family != b.family:
        return False
    # the sum of a learned layer sum is over all layers; and the states of the last one may come after what follows it
    unlike = own != its and (leaf.every_layer or (own[0] == its[0] and b.backbone.finishes_last))
    return not unlike and (a is b or _within(a.state_dict(), b.state_dict()))


def up_to(frames: Frames, layer: int) -> Frames:
    """The frames as an encoder gives them that was cut after a layer."""
    assert frames.layers is not None
    kept = frames.layers[: layer + 1]
    return replace(frames.of_layers(kept[-1]), layers=kept, layer=layer)


def normalised(waveforms: Tensor, lengths: Tensor) -> Tensor:
    """Each clip `(B, T)` brought to mean 0 and variance 1 over its own samples, zero beyond them (eps 1e-7)."""
    own = valid_frames(lengths, waveforms.shape[1])
    count = lengths[:, None].to(waveforms.dtype)
    mean = (waveforms * own).sum(1, keepdim=True) / count
    centred = (waveforms - mean) * own
    return centred / (centred.square().sum(1, keepdim=True) / count + 1e-7).sqrt()


def _within(own: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    if not own.keys() <= other.keys():
        return False
    return all(t.shape == other[k].shape and torch.equal(t, other[k]) for k, t in own.items())


def _width(leaf: AudioClassifier) -> int:
    return leaf.encoder.hidden_size if leaf.frame_level else leaf.pooling.output_size


def _outside(encoders: Sequence[Encoder]) -> Encoder:
    """The first encoder, asking of clips what all of them need: nothing is computed by it."""
    first = copy.copy(encoders[0])
    normalise = all(e.preprocessing.normalise for e in encoders)
    first.preprocessing = replace(first.preprocessing, normalise=normalise)
    first.min_samples = max(e.min_samples for e in encoders)
    first.canvas_samples = max(e.canvas_samples for e in encoders)
    limits = [e.max_samples for e in encoders if e.max_samples is not None]
    first.max_samples = min(limits) if limits else None
    return first


def _refuse(members: Sequence[Member]) -> None:
    if len(members) < 2:
        raise ValueError("an ensemble has at least two members")
    first, *others = [(m.name, leaf) for m in members for leaf in leaves(m.model)]
    for name, leaf in others:
        encoder, its = leaf.encoder, first[1].encoder
        if encoder.hearing != its.hearing:
            raise ValueError(f"{name} hears recordings {encoder.hearing}, and {first[0]} {its.hearing}")
        if leaf.frame_level != first[1].frame_level:
            of = {True: "frames", False: "clips"}
            raise ValueError(f"{name} labels {of[leaf.frame_level]}, and {first[0]} {of[not leaf.frame_level]}")
        if leaf.frame_level and encoder.convolutions != its.convolutions:
            raise ValueError(f"{name} and {first[0]} label frames, and theirs do not begin and end together")
