"""What any network of this kind must pass, whatever is inside it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection

import torch
from torch import Tensor, nn

from audioft.data.batching import pad

Forward = Callable[[Tensor, Tensor], Tensor]


def hashes(module: nn.Module) -> dict[str, str]:
    """A hash of every tensor of the state dict: equal only if every bit is."""
    return {
        k: hashlib.sha256(v.detach().cpu().contiguous().numpy().tobytes()).hexdigest()
        for k, v in module.state_dict().items()
    }


def check_moved(
    before: dict[str, str], after: dict[str, str], free: Collection[str], idle: Collection[str] = ()
) -> None:
    """Exactly the `free` tensors differ; those in `idle` may, as nothing flows through them."""
    moved = {k for k in before if before[k] != after[k]}
    assert not moved - set(free), f"frozen, yet changed: {sorted(moved - set(free))}"
    stuck = set(free) - moved - set(idle)
    assert not stuck, f"free, yet the same: {sorted(stuck)}"


def difference_in_batch(forward: Forward, clips: list[Tensor]) -> float:
    """How far the outputs of clips alone lie from those in one padded batch, at most."""
    with torch.no_grad():
        together = forward(*pad(clips))
        alone = torch.cat([forward(*pad([c])) for c in clips])
    return (together - alone).abs().max().item()


def check_apart(forward: Forward, clips: list[Tensor]) -> None:
    """No output depends on another clip of the batch or on padding, and each does on its own clip."""
    waveforms, lengths = pad(clips)
    for row in range(len(clips)):
        x = waveforms.clone().requires_grad_()
        forward(x, lengths)[row].sum().backward()
        assert x.grad is not None
        own = torch.zeros_like(x, dtype=torch.bool)
        own[row, : lengths[row]] = True
        assert x.grad[own].abs().max() > 0, f"clip {row} does not depend on itself"
        stray = x.grad[~own].abs().max().item()
        assert stray == 0, f"clip {row} depends on what is not its own (gradient {stray})"


def best_of(folder):
    """Where a run keeps the weights of its best epoch."""
    return max((folder / "checkpoints").glob("best-*"))
