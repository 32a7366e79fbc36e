"""What a student learns of a teacher: its states, frame by frame and as wholes, and its probabilities.

Frames as in DistilHuBERT (Chang et al. 2022): a linear head predicts the teacher's states of several layers from the
student's last ones; what is made small is their L1 distance and minus the log sigmoid of their cosine. Wholes are the
mean and deviation over time of the layers, which linear probes and statistics pooling see: the teacher's are predicted
from those of all the student's layers, and clips are to be as alike in each of these as in the teacher
(similarity-preserving distillation, Tung and Mori 2019).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, logsigmoid
from torch.nn.utils.rnn import pad_sequence

from audioft.audio.spectra import FrameGrid
from audioft.models.encoder import Encoder
from audioft.models.frames import Frames, valid_frames
from audioft.training.clusters import Scale
from audioft.training.likeness import statistics, table
from audioft.training.teacher_states import TeacherStates


def aligned(states: Tensor, own: FrameGrid, wanted: FrameGrid, frames: int) -> Tensor:
    """States at the moments of another encoder's frames: `(F, D)` to `(frames, D)`.

    Each is the mean of the states around its middle, weighted by a triangle as wide as the longer of the two hops on
    either side: between two states it interpolates, and several that fall into one frame are averaged.

    Args:
        states: of frames that lie on `own`.
        own, wanted: of one sample rate.
        frames: how many are wanted.
    """
    places = own.stride * torch.arange(len(states), device=states.device) + own.field / 2
    middles = wanted.stride * torch.arange(frames, device=states.device) + wanted.field / 2
    middles = middles.clamp(float(places[0]), float(places[-1]))
    weights = 1 - (middles[:, None] - places[None]).abs() / max(own.stride, wanted.stride)
    weights = weights.clamp(min=0)
    return (weights / weights.sum(1, keepdim=True)) @ states


def distance(found: Tensor, wanted: Tensor, parts: int) -> Tensor:
    """DistilHuBERT's, a mean over the layers: `(..., K D)` twice to `(...)`.

    Args:
        found, wanted: states of K layers one after the other.
        parts: K.
    """
    found, wanted = found.unflatten(-1, (parts, -1)), wanted.unflatten(-1, (parts, -1))
    cosine = cosine_similarity(found, wanted, dim=-1)
    return ((found - wanted).abs().mean(-1) - logsigmoid(cosine)).mean(-1)


class TeacherHeads(nn.Module):
    """Predict a teacher's states from a student's; thrown away afterwards.

    Args:
        student: the encoder that learns.
        size: K D, numbers a frame of the teacher.
    """

    def __init__(self, student: Encoder, size: int):
        super().__init__()
        seen = 2 * (student.num_layers + 1) * student.hidden_size
        self.frames = nn.Linear(student.hidden_size, size)
        self.pooled = nn.Sequential(nn.LayerNorm(seen), nn.Linear(seen, 2 * size))


@dataclass(frozen=True)
class Teaching:
    """How far a student is from its teacher.

    Args:
        states: the teacher's.
        scale: of its frames, `(K D,)`.
        whole_scale: of the mean and deviation over time of its frames, `(2 K D,)`.
        grid, own_grid: where the student's frames lie, and the teacher's.
        frames: weight of the distance of frames.
        pooled: of that of means and deviations over time.
        likeness: of how far the likeness of clips in the layers is from that in the teacher.
        likeness_from: the lowest of these layers.
    """

    states: TeacherStates
    scale: Scale
    whole_scale: Scale
    grid: FrameGrid
    own_grid: FrameGrid
    frames: float = 1.0
    pooled: float = 1.0
    likeness: float = 0.0
    likeness_from: int = 0

    def __call__(
        self, heads: TeacherHeads, frames: Frames, shown: Tensor, counts: Tensor, waveforms: Sequence[Tensor]
    ) -> Tensor:
        """The weighted sum of the three, that of each clip as often as `counts` says; summed over the clips.

        Args:
            heads: see `TeacherHeads`.
            frames: the student's, of B clips, with every layer.
            shown: `(B, F)` bool, the frames that are not hidden from the student and no padding.
            counts: `(B,)`.
            waveforms: B, as the teacher hears the clips.
        """
        assert frames.layers is not None
        wanted, wholes = self._wanted(waveforms, frames.states)
        layers = len(self.states.layers)
        total = frames.states.new_zeros((), dtype=torch.float32)
        if self.frames:
            off = distance(heads.frames(frames.states).float(), wanted, layers).masked_fill(~frames.valid, 0)
            total = total + self.frames * (off.sum(1) / frames.lengths * counts).sum()
        if not self.pooled and not self.likeness:
            return total
        shown = torch.where((shown.sum(1) < 2)[:, None], frames.valid, shown)
        own = [statistics(states.float(), shown) for states in frames.layers]
        if self.pooled:
            off = distance(heads.pooled(torch.cat(own, 1)).float(), wholes, 2 * layers)
            total = total + self.pooled * (off * counts).sum()
        if self.likeness and len(wholes) > 2:
            alike, apart = table(wholes), ~torch.eye(len(wholes), dtype=torch.bool, device=wholes.device)
            off = torch.stack(
                [(table(layer) - alike)[apart].square().mean() for layer in own[self.likeness_from :]]
            ).mean()
            total = total + self.likeness * off * counts.sum()
        return total

    def _wanted(self, waveforms: Sequence[Tensor], like: Tensor) -> tuple[Tensor, Tensor]:
        """The teacher's scaled states `(B, F, K D)` at the student's frames, and their statistics `(B, 2 K D)`."""
        found = [states.to(like.device) for states in self.states(waveforms)]
        at = [aligned(states, self.own_grid, self.grid, like.shape[1]) for states in found]
        return self.scale(torch.stack(at)), self.whole_scale(wholes(found))


def wholes(states: Sequence[Tensor]) -> Tensor:
    """`(B, 2 D)`: mean and deviation over time of states `(F_i, D)`."""
    lengths = torch.tensor([len(own) for own in states], device=states[0].device)
    padded = pad_sequence(list(states), batch_first=True)
    return statistics(padded, valid_frames(lengths, padded.shape[1]))
