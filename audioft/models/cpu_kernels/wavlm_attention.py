"""WavLM's attention, computed by calling its linear layers.

transformers hands the weights of WavLM's projections to one function of torch's, so whatever wraps a projection, as
an adapter does, is passed by without a word: it has no effect and gets no gradient. Here the same attention calls the
projections as modules. It differs from transformers' own in the order of sums only. In training on a CPU it is also
quicker, as that function gathers weights for which nobody asks, and is taken without adapters too.
"""

from __future__ import annotations

from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from audioft.models.cpu_kernels import attention
from audioft.models.frames import is_exported

METHOD = "torch_multi_head_self_attention"  # of transformers' WavLMAttention


def call_modules(model: nn.Module) -> None:
    """Let every attention of the kind that passes by its modules call them."""
    for module in model.modules():
        if hasattr(type(module), METHOD):
            setattr(module, METHOD, MethodType(attend, module))


def restore(model: nn.Module) -> None:
    """Give every attention its own way back, but for training on a CPU."""
    for module in model.modules():
        if hasattr(type(module), METHOD):
            setattr(module, METHOD, MethodType(_own_but_in_training, module))


def _own_but_in_training(self: Any, hidden: Tensor, valid: Tensor | None, position_bias: Tensor) -> Any:
    if is_exported() or attention.is_quick(hidden, self.dropout if self.training else 0.0):
        return attend(self, hidden, valid, position_bias)
    return getattr(type(self), METHOD)(self, hidden, valid, position_bias)


def attend(self: Any, hidden: Tensor, valid: Tensor | None, position_bias: Tensor) -> tuple[Tensor, None]:
    """Attention of frames to frames.

    Args:
        self: a `WavLMAttention`.
        hidden: `(B, F, H)`.
        valid: `(B, F)`, 1 or True for a clip's own frames; None if all are.
        position_bias: `(B * heads, F, F)`, gated.

    Returns:
        `(B, F, H)`, and no attention weights, which nobody here asks for.
    """
    batch, frames, _ = hidden.shape
    q, k, v = (
        project(hidden).view(batch, frames, self.num_heads, self.head_dim).transpose(1, 2)
        for project in (self.q_proj, self.k_proj, self.v_proj)
    )
    bias = position_bias.view(batch, self.num_heads, frames, frames).to(q.dtype)
    if valid is not None:
        bias = bias.masked_fill(valid.ne(1)[:, None, None, :], -torch.inf)
    dropout = self.dropout if self.training else 0.0
    if attention.is_quick(q, dropout):
        attended = attention.attend(q, k, v, bias, dropout)
    else:
        attended = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias, dropout_p=dropout)
    return self.out_proj(attended.transpose(1, 2).reshape(batch, frames, self.embed_dim)), None
