"""What is ahead of the layers in bfloat16, and the layers not: convolutions are the half of a compressed model."""

from __future__ import annotations

import contextlib

import torch

from audioft.core.runtime import has_bfloat16
from audioft.models.frames import is_exported


def quick(wanted: bool, device: torch.device) -> contextlib.AbstractContextManager:
    """Compute in bfloat16 while inside, if that is wanted and a processor does it natively; never with gradients."""
    if not wanted or device.type != "cpu" or torch.is_grad_enabled() or is_exported() or not has_bfloat16(device):
        return contextlib.nullcontext()
    return torch.autocast("cpu", dtype=torch.bfloat16)
