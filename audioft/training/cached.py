"""Training from what crossed the boundary of the frozen part, computed once and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.utils.data import Dataset

from audioft.data.batching import Batch, collate
from audioft.data.dataset import Draw, Item, TrainingClips
from audioft.errors import AudioError
from audioft.models.boundary import Boundary, Crossing, go_on
from audioft.models.classifier import AudioClassifier
from audioft.training.objectives import Classification

FEATURES = Boundary("features", -1)


@dataclass(frozen=True)
class CrossedItem(Item):
    """One example from the boundary on; its waveform is empty, or None if the recording failed.

    Attributes:
        cut: the boundary.
        crossing: what crossed it; None if the recording failed.
    """

    cut: Boundary = FEATURES
    crossing: Crossing | None = None


@dataclass(frozen=True)
class CrossedBatch(Batch):
    """Examples from the boundary on: `waveforms` are empty, and `lengths` those of the clips that were heard.

    Attributes:
        cut: the boundary.
        crossings: of the clips.
    """

    cut: Boundary = FEATURES
    crossings: tuple[Crossing, ...] = ()

    def to(self, device: torch.device | str) -> CrossedBatch:
        return replace(self, **{k: getattr(self, k).to(device) for k in ("lengths", "targets", "known")})


@dataclass(eq=False)
class CachedClips(Dataset):
    """Clips for training, from the boundary on wherever there is one.

    An example of epoch e is view `e mod views` of its clip: what the `inner` data set would have drawn in that epoch.
    A clip of which nothing is drawn has one view.

    Args:
        inner: the clips themselves.
        cut_of: the boundary of an epoch; None where everything trains.
        views: how many are drawn of a clip.
        hidden: frames or channels are hidden below the boundary, so that each clip is drawn.
        find: what crossed a boundary of an example; raises AudioError where the recording fails.
    """

    inner: TrainingClips
    cut_of: Callable[[int], Boundary | None]
    views: int
    hidden: bool
    find: Callable[[Boundary, Draw], Crossing]

    def __len__(self) -> int:
        return len(self.inner)

    def is_drawn(self, index: int, cut: Boundary) -> bool:
        """Whether a clip crosses as another one in another view."""
        return self.inner.is_drawn(index) or (self.hidden and cut.kind != "features")

    def view(self, draw: Draw, cut: Boundary) -> Draw:
        """The example whose crossing is taken; another use of a clip in the same epoch takes the next view."""
        return Draw(draw.index, (draw.epoch + draw.repeat) % self.views if self.is_drawn(draw.index, cut) else 0)

    def __getitem__(self, draw: Draw) -> Item:
        cut = self.cut_of(draw.epoch)
        if cut is None:
            return self.inner[draw]
        seen, address = self.view(draw, cut), self.inner.address(draw)
        targets, known = self.inner.labels_of(seen)
        try:
            crossing = self.find(cut, seen)
        except AudioError as e:
            return CrossedItem(None, targets, known, draw.index, address, e, cut)
        return CrossedItem(torch.zeros(0), targets, known, draw.index, address, None, cut, crossing)

    @staticmethod
    def collate(items: Sequence[Item]) -> Batch:
        """Examples of one epoch as a batch; those that failed are set apart."""
        batch = collate(items)
        crossed = [i for i in items if isinstance(i, CrossedItem)]
        if not crossed:
            return batch
        crossings = tuple(i.crossing for i in crossed if i.crossing is not None)
        lengths = torch.tensor([c.samples for c in crossings], dtype=torch.long)
        return CrossedBatch(**vars(batch) | {"lengths": lengths}, cut=crossed[0].cut, crossings=crossings)


class FromBoundary(Classification):
    """As `Classification`; of clips that crossed a boundary it computes what lies above."""

    def logits(self, model: AudioClassifier, batch: Batch) -> Tensor:
        if not isinstance(batch, CrossedBatch):
            return super().logits(model, batch)
        # further up than features, what is hidden was hidden when the clip crossed
        mask = self.mask(model, batch) if batch.cut.kind == "features" else None
        return go_on(model, batch.cut, batch.crossings, mask)
