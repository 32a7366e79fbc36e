"""Training from what crossed the boundary of the frozen part, computed once and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import Dataset

from audioft.data.batching import Batch, collate
from audioft.data.dataset import Draw, Item, TrainingClips
from audioft.errors import AudioError
from audioft.models.boundary import Boundary, Crossing, go_on
from audioft.models.classifier import AudioClassifier
from audioft.training.objectives import Classification


@dataclass(frozen=True)
class CrossedItem:
    """One example, from the boundary on.

    Attributes:
        cut: the boundary.
        crossing: what crossed it; None if the recording failed.
        targets, known, index, address, failure: see `Item`.
    """

    cut: Boundary
    crossing: Crossing | None
    targets: Tensor
    known: Tensor
    index: int
    address: tuple[object, ...]
    failure: AudioError | None = None


FEATURES = Boundary("features", -1)


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
        moved = {k: getattr(self, k).to(device) for k in ("lengths", "targets", "known")}
        more = {k: getattr(self, k) for k in ("waveforms", "indices", "addresses", "failures", "cut", "crossings")}
        return CrossedBatch(**moved, **more)


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

    def __init__(
        self,
        inner: TrainingClips,
        cut_of: Callable[[int], Boundary | None],
        views: int,
        hidden: bool,
        find: Callable[[Boundary, Draw], Crossing],
    ):
        self.inner, self.cut_of, self.views, self.hidden, self.find = inner, cut_of, views, hidden, find

    def __len__(self) -> int:
        return len(self.inner)

    def is_drawn(self, index: int, cut: Boundary) -> bool:
        """Whether a clip crosses as another one in another view."""
        return self.inner.is_drawn(index) or (self.hidden and cut.kind != "features")

    def view(self, draw: Draw, cut: Boundary) -> Draw:
        """The example whose crossing is taken; another use of a clip in the same epoch takes the next view."""
        return Draw(draw.index, (draw.epoch + draw.repeat) % self.views if self.is_drawn(draw.index, cut) else 0)

    def __getitem__(self, draw: Draw) -> Item | CrossedItem:
        cut = self.cut_of(draw.epoch)
        if cut is None:
            return self.inner[draw]
        seen, address = self.view(draw, cut), self.inner.address(draw)
        targets, known = self.inner.labels_of(seen)
        try:
            return CrossedItem(cut, self.find(cut, seen), targets, known, draw.index, address)
        except AudioError as e:
            return CrossedItem(cut, None, targets, known, draw.index, address, e)

    @staticmethod
    def collate(items: Sequence[Item | CrossedItem]) -> Batch:
        """Examples of one epoch as a batch; those that failed are set apart."""
        crossed = [i for i in items if isinstance(i, CrossedItem)]
        if not crossed:
            return collate([i for i in items if isinstance(i, Item)])
        good = [(i, i.crossing) for i in crossed if i.crossing is not None]
        shape = crossed[0].targets.shape
        return CrossedBatch(
            waveforms=torch.zeros(0),
            lengths=torch.tensor([c.samples for _, c in good], dtype=torch.long),
            targets=torch.stack([i.targets for i, _ in good]) if good else torch.zeros(0, *shape),
            known=torch.stack([i.known for i, _ in good]) if good else torch.zeros(0, *shape).bool(),
            indices=tuple(i.index for i, _ in good),
            addresses=tuple(i.address for i, _ in good),
            failures=tuple((i.index, i.failure) for i in crossed if i.failure is not None),
            cut=crossed[0].cut,
            crossings=tuple(c for _, c in good),
        )


class FromBoundary(Classification):
    """As `Classification`; of clips that crossed a boundary it computes what lies above."""

    def logits(self, model: AudioClassifier, batch: Batch) -> Tensor:
        if not isinstance(batch, CrossedBatch):
            return super().logits(model, batch)
        # further up than features, what is hidden was hidden when the clip crossed
        mask = self.mask(model, batch) if batch.cut.kind == "features" else None
        return go_on(model, batch.cut, batch.crossings, mask)
