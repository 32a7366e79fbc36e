"""Attention on a CPU, in training and in bfloat16.

With dropout torch's fused attention has no quick form for a CPU: it falls back to a chain of operations on matrices of
frames by frames, each with a draw of a float a number. Here the same is computed with quick bits and a backward pass of
its own, the scales applied to the small matrices. Without gradients, in bfloat16, the fused one takes a third longer
than two products and a softmax between them. In all other cases it is transformers' own.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from audioft.core.runtime import has_bfloat16
from audioft.models.cpu_kernels.dropout import draw

NAME = "audioft"  #: of this attention among those of transformers
MOST = 2**25  #: numbers in what is computed without gradients: 64 MB; the fused one holds less
HALVED = "in_bfloat16"  #: attribute of an attention that is to be computed in bfloat16 where that is native


def quicken(model: Any) -> None:
    """Let a model use it that uses torch's fused attention."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    if getattr(model.config, "_attn_implementation", None) != "sdpa":
        return
    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.config._attn_implementation = NAME


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    position_bias: Tensor | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """As transformers' `sdpa_attention_forward`.

    Args:
        module: whose attention it is.
        query, key, value: `(B, heads, F, D)`.
        attention_mask: `(B, 1, F, F)`, True where a frame is looked at, or a number to be added; None for all.
        dropout: of the attention's weights; 0 in eval mode.
        scaling: of the products; None for one divided by the root of D.
        position_bias: `(B, heads, F, F)`, added to the products.
        others: what is not for a plain attention.

    Returns:
        `(B, F, heads, D)`, and no weights.
    """
    from transformers.integrations.sdpa_attention import create_position_bias_mask, sdpa_attention_forward

    plain = not getattr(module, "is_causal", False) and query.shape[1] == key.shape[1]
    if plain and getattr(module, HALVED, False) and position_bias is None and is_halved(query, key):
        return halved(query, key, value, attention_mask, scaling).transpose(1, 2).contiguous(), None
    short = plain and is_short(query, key)
    if not plain or not (short or is_quick(query, dropout)):
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, position_bias=position_bias, **others
        )
    if position_bias is not None:
        attention_mask = create_position_bias_mask(position_bias, attention_mask, False, query, key)
    if short:
        found = look(query, key, value, attention_mask, scaling)
    else:
        found = attend(query, key, value, attention_mask, dropout, scaling)
    return found.transpose(1, 2).contiguous(), None


def is_quick(states: Tensor, dropout: float) -> bool:
    """Whether `attend` is the quicker way: in training with dropout on a CPU."""
    return 0 < dropout < 1 and states.device.type == "cpu" and torch.is_grad_enabled()


def is_short(query: Tensor, key: Tensor) -> bool:
    """Whether `look` is the quicker way: without gradients on a CPU in bfloat16, where it needs little memory."""
    of_cpu = query.device.type == "cpu" and query.dtype == torch.bfloat16
    return of_cpu and not torch.is_grad_enabled() and query.shape[:3].numel() * key.shape[2] <= MOST


def is_halved(query: Tensor, key: Tensor) -> bool:
    """Whether what is given in float32 can be attended to in bfloat16: natively, without gradients, clip by clip."""
    own = query.device.type == "cpu" and query.dtype == torch.float32 and not torch.is_grad_enabled()
    return own and query.shape[1:3].numel() * key.shape[2] <= MOST and has_bfloat16(query.device)


def halved(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float | None = None) -> Tensor:
    """As `look`, of float32 and to float32, clip by clip so that what it holds stays small."""
    found = torch.empty_like(query)
    for row, own in enumerate(zip(query, key, value, strict=True)):
        one = None if mask is None else mask[row : row + 1] if mask.shape[0] > 1 else mask
        q, k, v = (x[None].bfloat16() for x in own)
        found[row] = look(q, k, v, one, scaling)[0]
    return found


def look(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scaling: float | None = None) -> Tensor:
    """As `attend` without dropout and without a backward pass; the softmax adds up in float32 and gives bfloat16."""
    shape = (*query.shape[:3], key.shape[2])
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    products = torch.bmm((query * scaling).flatten(0, 1), key.flatten(0, 1).transpose(1, 2))
    _masked(products.view(shape), mask)
    torch.softmax(products, -1, out=products)
    return torch.bmm(products, value.flatten(0, 1)).view(*shape[:3], -1)


def _masked(products: Tensor, mask: Tensor | None) -> None:
    if mask is not None and mask.dtype == torch.bool:
        products.masked_fill_(~mask, torch.finfo(products.dtype).min)
    elif mask is not None:
        products.add_(mask)


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float, scaling: float | None = None
) -> Tensor:
    """What frames make of what they look at, `(B, heads, F, D)`; arguments as of `attention`.

    Products are in the precision of autocast, the softmax is in float32.
    """
    if torch.is_autocast_enabled("cpu"):
        query, key, value = (x.to(torch.get_autocast_dtype("cpu")) for x in (query, key, value))
    shape = torch.Size((*query.shape[:3], key.shape[2]))
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    with torch.autocast("cpu", enabled=False):
        return _Attended.apply(query, key, value, mask, scaling, *draw(shape, dropout))


class _Attended(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scaling: float, kept: Tensor, scale: float
    ) -> Tensor:
        shape = kept.shape
        q, k, v, kept = (q * scaling).flatten(0, 1), k.flatten(0, 1), (v * scale).flatten(0, 1), kept.flatten(0, 1)
        products = torch.bmm(q, k.transpose(1, 2))
        _masked(products.view(shape), mask)
        weights = torch.softmax(products, -1, dtype=torch.float32).to(v.dtype)
        ctx.save_for_backward(q, k, v, weights, kept)
        ctx.scaling, ctx.scale = scaling, scale
        ctx.bias = None if mask is None or not mask.requires_grad else (mask.shape, mask.dtype)
        return torch.bmm(torch.where(kept, weights, 0.0), v).view(*shape[:3], -1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, weights, kept = ctx.saved_tensors
        shape = grad.shape
        grad = grad.flatten(0, 1)
        to_value = torch.bmm(torch.where(kept, weights, 0.0).transpose(1, 2), grad).mul_(ctx.scale)
        to_weights = torch.where(kept, torch.bmm(grad, v.transpose(1, 2)), 0.0)
        to_products = torch._softmax_backward_data(to_weights, weights, -1, weights.dtype)
        to_query = torch.bmm(to_products, k).mul_(ctx.scaling)
        to_key = torch.bmm(to_products.transpose(1, 2), q)
        to_bias = None
        if ctx.bias is not None:
            to_bias = to_products.view(*shape[:3], -1).sum_to_size(ctx.bias[0]).to(ctx.bias[1])
        parts = (to_query.view(shape), to_key.view(*shape[:2], -1, shape[3]), to_value.view(*shape[:2], -1, shape[3]))
        return (*parts, to_bias, None, None, None)
