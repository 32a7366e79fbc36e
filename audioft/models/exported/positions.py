"""Position embeddings of conformers as a function of the number of frames: transformers keeps the last ones."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


def positions(embed: Any, hidden: Tensor) -> Tensor:
    """What a module of transformers' gives, rotary or relative, for `hidden` `(B, F, H)`."""
    frames = hidden.shape[1]
    if hasattr(embed, "inv_freq"):
        angles = torch.arange(frames).float()[:, None] * embed.inv_freq
        angles = torch.cat([angles, angles], -1)[:, None, None]
        return torch.stack([angles.cos(), angles.sin()])
    size = embed.d_model
    rates = torch.exp(torch.arange(0, size, 2).float() * -(math.log(10000.0) / size))
    angles = (frames - 1 - torch.arange(2 * frames - 1)).float()[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1)[None]
