"""Linear layers with weights of eight bits.

A weight is a whole number from -127 to 127 times a scale of its row. What comes in is brought to such numbers too, each
frame with a scale of its own, so that a clip gives the same whatever lies beside it; the products are then summed in
whole numbers, which a processor with VNNI or AMX does four times as fast as in float32. `torch._int_mm` is the kernel:
on such a processor it takes as long as oneDNN's own (`onednn.qlinear_pointwise`), gives exact sums, and takes the
weight as the plain tensor that it is. Elsewhere, and where a gradient is asked for, the weight is multiplied out and
the layer is one of floats.

The weights of an input channel that is much louder than the others can be made larger by as much as its input is made
smaller (Xiao et al., "SmoothQuant", 2023): `balance`, taken where it brings a layer nearer to what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from audioft.core.runtime import has_int8
from audioft.models.frames import is_exported

MOST = 127.0  #: the largest whole number
TINY = 1e-20  #: instead of a scale of zero
LEAST = 16  #: outputs of a layer that is worth it
SHARES = (0.5, 0.75)  #: of the difference between channels that is put into the weights, as they are tried


class Int8Linear(nn.Module):
    """`nn.Linear` with int8 weights.

    Args:
        in_features, out_features: I and O.
        bias: whether it has one.
        balanced: whether inputs are divided by a `balance` of their channel first.

    Attributes:
        weight_int8: `(O, I)` int8.
        scale: `(O,)` float32.
        bias: `(O,)` float32, or None.
        balance: `(I,)` float32, or None.
    """

    scale: Tensor
    balance: Tensor | None

    def __init__(self, in_features: int, out_features: int, bias: bool = True, balanced: bool = False):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        numbers = torch.zeros(out_features, in_features, dtype=torch.int8)
        self.weight_int8 = nn.Parameter(numbers, requires_grad=False)
        self.register_buffer("scale", torch.ones(out_features))
        self.register_buffer("balance", torch.ones(in_features) if balanced else None)
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"

    def forward(self, inputs: Tensor) -> Tensor:
        """`(..., I)` to `(..., O)`."""
        if torch.is_grad_enabled() or is_exported() or not has_int8(inputs.device):
            weight, bias = self.multiplied().to(inputs.dtype), self.bias
            return functional.linear(inputs, weight, None if bias is None else bias.to(inputs.dtype))
        rows = inputs.reshape(-1, self.in_features).float()
        if self.balance is not None:
            rows = rows / self.balance
        loudest = torch.maximum(rows.amax(1, keepdim=True), -rows.amin(1, keepdim=True)).clamp_min_(TINY).div_(MOST)
        numbers = (rows * loudest.reciprocal()).round_().to(torch.int8)
        sums = torch._int_mm(numbers, self.weight_int8.t()).float().mul_(loudest).mul_(self.scale)
        if self.bias is not None:
            sums.add_(self.bias)
        return sums.view(*inputs.shape[:-1], self.out_features)

    def as_floats(self) -> nn.Linear:
        """A layer of floats with the same weights."""
        found = nn.Linear(self.in_features, self.out_features, self.bias is not None, device="meta")
        found.weight = nn.Parameter(self.multiplied(), requires_grad=False)
        if self.bias is not None:
            found.bias = nn.Parameter(self.bias.detach().clone(), requires_grad=False)
        return found

    def multiplied(self) -> Tensor:
        """The weights as floats, `(O, I)`."""
        weight = self.weight_int8.float() * self.scale[:, None]
        return weight if self.balance is None else weight / self.balance


@torch.no_grad()
def quantised(linear: nn.Linear, inputs: Tensor | None = None) -> Int8Linear:
    """A linear layer in eight bits.

    Args:
        linear: it is not changed.
        inputs: `(N, I)`, some of what comes in; by these a balance of the channels is taken if it helps.
    """
    plain = _made(linear, None)
    if inputs is None or not len(inputs):
        return plain
    wanted = functional.linear(inputs, linear.weight)
    tried = [plain, *(_made(linear, _balance(linear, inputs, share)) for share in SHARES)]
    errors = [_error(one, inputs, wanted) for one in tried]
    return tried[min(range(len(tried)), key=lambda i: (errors[i], i))]


def _balance(linear: nn.Linear, inputs: Tensor, share: float) -> Tensor:
    """`(I,)`, of mean 1 in logarithms."""
    loud, weights = inputs.abs().amax(0).clamp_min(1e-5), linear.weight.abs().amax(0).clamp_min(1e-5)
    found = loud**share / weights ** (1 - share)
    return found / found.log().mean().exp()


def _made(linear: nn.Linear, balance: Tensor | None) -> Int8Linear:
    with torch.device(linear.weight.device):
        made = Int8Linear(linear.in_features, linear.out_features, linear.bias is not None, balance is not None)
    weight = linear.weight.detach().float()
    if balance is not None:
        made.balance = balance.clone()
        weight = weight * balance
    made.scale = weight.abs().amax(1).clamp_min(TINY) / MOST
    made.weight_int8.data = (weight / made.scale[:, None]).round_().to(torch.int8)
    if made.bias is not None:
        made.bias = nn.Parameter(linear.bias.detach().float().clone(), requires_grad=False)
    return made


def _error(one: Int8Linear, inputs: Tensor, wanted: Tensor) -> float:
    """How far a layer's outputs are from those wanted, both kinds of rounding counted, on any processor."""
    rows = inputs if one.balance is None else inputs / one.balance
    loudest = rows.abs().amax(1, keepdim=True).clamp_min(TINY) / MOST
    numbers = (rows / loudest).round_() * loudest
    return float((functional.linear(numbers, one.weight_int8.float() * one.scale[:, None]) - wanted).square().mean())


def candidates(model: nn.Module) -> list[str]:
    """The names of the linear layers of a model that are worth it."""
    return [n for n, m in model.named_modules() if type(m) is nn.Linear and m.out_features >= LEAST]


def replace(model: nn.Module, name: str, module: nn.Module) -> None:
    """Put a module in the place of the one of that name."""
    holder, _, own = name.rpartition(".")
    setattr(model.get_submodule(holder), own, module)


class Inputs:
    """Keeps some rows of what comes into the linear layers of a model, while it is open as a context.

    Args:
        model: what they are of.
        names: of the layers.
        rows: how many are kept of each, at most.
    """

    def __init__(self, model: nn.Module, names: Sequence[str], rows: int = 256):
        self.rows, self._found = rows, {name: list[Tensor]() for name in names}
        self._model = model
        self._hooks: list[Any] = []

    def __enter__(self) -> Inputs:
        for name, found in self._found.items():
            self._hooks.append(self._model.get_submodule(name).register_forward_pre_hook(self._hook(found)))
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def of(self, name: str) -> Tensor | None:
        """`(N, I)` float32; None where nothing came."""
        found = self._found[name]
        if not found:
            return None
        rows = torch.cat(found)
        return rows[:: max(1, len(rows) // self.rows)][: self.rows]

    def _hook(self, found: list[Tensor]) -> Callable[..., None]:
        def keep(module: nn.Module, given: tuple[Tensor, ...]) -> None:
            rows = given[0].detach().flatten(0, -2)
            found.append(rows[:: max(1, len(rows) // (self.rows // 4))][: self.rows // 4].float().clone())

        return keep
