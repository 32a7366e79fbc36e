"""Which parts of an encoder train, and from which epoch on.

A policy is one of

- `feature_extractor`: the convolutions over the waveform are frozen (the default);
- `all`: the whole encoder is frozen, only the head trains (a probe);
- `none`: everything trains;
- `{top: N}`: only the last N transformer layers train.

A plan maps the epoch at which a policy begins to the policy, as `{0: all, 2: {top: 2}, 5: feature_extractor}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audioft.models.encoder import Encoder

NAMES = ("feature_extractor", "all", "none")
Policy = str | Mapping[str, int]
Plan = dict[int, Policy]


def problems(freeze: Any, where: str = "freeze") -> list[str]:
    """What is wrong with a policy or plan as read from a config, as sentences that begin with its key."""
    if isinstance(freeze, Mapping) and freeze and all(_is_epoch(k) for k in freeze):
        found = [p for k, policy in freeze.items() for p in problems(policy, f"{where}.{k}") if not _is_plan(policy)]
        found += [f"{where}.{k}: a plan cannot hold another plan" for k, policy in freeze.items() if _is_plan(policy)]
        if 0 not in {int(k) for k in freeze}:
            found.append(f"{where}: a plan begins at epoch 0, this one at epoch {min(int(k) for k in freeze)}")
        return found
    if isinstance(freeze, str) and freeze in NAMES:
        return []
    if isinstance(freeze, Mapping) and set(freeze) == {"top"}:
        n = freeze["top"]
        if isinstance(n, int) and not isinstance(n, bool) and n > 0:
            return []
        return [f"{where}.top: {n!r} is not a number of layers above 0"]
    return [
        f"{where}: {freeze!r} is not a policy; expected one of {', '.join(NAMES)}, `top: N`, "
        "or a plan by epoch such as {0: all, 2: {top: 2}}"
    ]


def plan(freeze: Any) -> Plan:
    """A policy or plan as a plan in the order of its epochs.

    >>> plan("all")
    {0: 'all'}
    """
    if _is_plan(freeze):
        return {int(k): freeze[k] for k in sorted(freeze, key=int)}
    return {0: freeze}


def at_epoch(schedule: Plan, epoch: int) -> Policy:
    """The policy in force in an epoch (from 0)."""
    return schedule[max(e for e in schedule if e <= epoch)]


def counts_from_above(freeze: Any) -> bool:
    """Whether what a policy or plan freezes hangs on where the encoder ends."""
    return any(isinstance(policy, Mapping) for policy in plan(freeze).values())


def frozen_parts(policy: Policy, encoder: Encoder) -> set[str]:
    """The names of `encoder.parts()` that a policy freezes.

    Raises:
        ValueError: it asks for more layers than the encoder has.
    """
    names = [name for name, _ in encoder.parts()]
    if policy == "none":
        return set()
    if policy == "all":
        return set(names)
    if policy == "feature_extractor":
        return {"feature_extractor"}
    assert isinstance(policy, Mapping)
    top = policy["top"]
    if top > encoder.num_layers:
        raise ValueError(f"`top: {top}` asks for more layers than the {encoder.num_layers} of this encoder")
    return set(names[: len(names) - top])


def apply(policy: Policy, encoder: Encoder) -> None:
    """Freeze and free the parts of `encoder` as `policy` says."""
    encoder.freeze(frozen_parts(policy, encoder))


def describe(policy: Policy) -> str:
    """A policy in words."""
    if isinstance(policy, Mapping):
        return f"all but the top {policy['top']} layers frozen"
    return {
        "feature_extractor": "feature extractor frozen",
        "all": "whole encoder frozen",
        "none": "nothing frozen",
    }[policy]


def _is_epoch(key: Any) -> bool:
    return (isinstance(key, int) and not isinstance(key, bool) and key >= 0) or (isinstance(key, str) and key.isdigit())


def _is_plan(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(_is_epoch(k) for k in value)
