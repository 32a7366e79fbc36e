"""An encoder of which only adapters train.

Which layers are adapted is what `freeze` says: adapters of a layer that it freezes are frozen, and layers that it never
frees get none. Modules of the encoder's own stay in eval mode; only an adapter's dropout acts in training. The
transformers model is changed in place and keeps its class; `merge` makes it what it was, with other weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from audioft.core.registry import Spec, split_spec
from audioft.models import freezing
from audioft.models.adaptations import adaptations
from audioft.models.cpu_kernels.wavlm_attention import call_modules, restore
from audioft.models.encoder import Encoder
from audioft.models.tuned import ADAPTER, Tuned


def contradictions(freeze: Any) -> list[str]:
    """Why a freezing plan, right by itself, does not go together with adapters, as sentences with its key."""
    policies = list(freezing.plan(freeze).values())
    if "none" in policies:
        return [
            "freeze: `none` trains all of the encoder, `adapt` keeps its own weights as they are; leave one of them out"
        ]
    if all(policy == "all" for policy in policies):
        return [
            "freeze: `all` freezes the adapters too, so `adapt` would change nothing; leave freeze out to adapt every "
            "layer, or give `top: N` to adapt the last N"
        ]
    return []


def adapt(encoder: Encoder, spec: Spec, freeze: Any, *, seed: int, revision: str | None = None) -> None:
    """Put adapters into the layers of `encoder` that `freeze` ever frees; from then on only they train.

    Args:
        encoder: freshly loaded; its model is changed in place and keeps its class.
        spec: from the `adaptations` registry.
        freeze: a policy or plan, see `freezing`.
        seed: of the adapters' first weights.
        revision: what the encoder was loaded by, to be remembered.

    Raises:
        ValueError: there are no layers, or none of the names that `spec` gives, or `freeze` asks for too many.
    """
    method = adaptations.build(spec)
    frozen = [freezing.frozen_parts(policy, encoder) for policy in freezing.plan(freeze).values()]
    names = [name for name, _ in encoder.parts() if name.startswith("layer_")]
    layers = tuple(name for name in names if not all(name in f for f in frozen))
    if not layers:
        raise ValueError(
            f"name: {split_spec(spec)[0]} acts on layers of the encoder, and none is left to it: leave adapt out, or "
            "give model.layers 1 or more"
        )
    about = {
        "adapt": {"name": split_spec(spec)[0], **vars(method)},
        "name": encoder.name,
        "revision": revision or encoder.revision,
        "sha256": fingerprint(encoder.model) if method.save == "adapter" else None,
    }
    if hasattr(method, "parameters"):
        encoder.tuned = Tuned(frozenset(method.parameters(encoder, layers)), layers, about=about)
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject(encoder, method.config(encoder, layers), layers, about)


def inject(encoder: Encoder, config: Any, layers: tuple[str, ...], about: dict[str, Any]) -> None:
    """Put the adapters that a config of peft's describes into an encoder."""
    from peft import inject_adapter_in_model

    model = encoder.model
    before = {n for n, _ in model.named_parameters()}
    inject_adapter_in_model(config, model, ADAPTER)
    del model.peft_config  # or transformers would write it into the encoder's own config
    call_modules(model)
    made = {n for n, _ in model.named_parameters() if n.replace(".base_layer.", ".") not in before}
    encoder.tuned = Tuned(frozenset(made), layers, config, about)


def merge(encoder: Encoder) -> None:
    """Work the adapters into the encoder's own weights; afterwards it is an encoder as any other, free to train.

    Computed on the processor, so that the same adapter gives the same bits wherever it was trained.
    """
    adapted = _adapted(encoder)
    if adapted:
        place = next(encoder.model.parameters()).device
        encoder.model.cpu()
        for _, layer in adapted:
            layer.merge()
        encoder.model.to(place)
    remove(encoder)


def remove(encoder: Encoder) -> None:
    """Take the adapters away; of an encoder without any nothing changes."""
    if encoder.tuned is None:
        return
    for name, layer in _adapted(encoder):
        encoder.model.set_submodule(name, layer.get_base_layer())
    if encoder.tuned.config is not None:
        restore(encoder.model)
    encoder.tuned = None
    encoder.freeze(set())


def _adapted(encoder: Encoder) -> list[tuple[str, Any]]:
    """The modules of peft's, with their names."""
    if encoder.tuned is None or encoder.tuned.config is None:
        return []
    from peft.tuners.tuners_utils import BaseTunerLayer

    return [(n, m) for n, m in encoder.model.named_modules() if isinstance(m, BaseTunerLayer)]


def tensors(encoder: Encoder) -> dict[str, Tensor]:
    """Copies of what has been trained, by the keys of peft's files; of `bias` and `norm` by the encoder's own names."""
    tuned = encoder.tuned
    assert tuned is not None
    own = sorted((n, p) for n, p in encoder.model.named_parameters() if n in tuned.parameters)
    return {tuned.file_key(n): p.detach().cpu().clone().contiguous() for n, p in own}


def fingerprint(model: nn.Module) -> str:
    """A hash of all weights but the mask vector.

    Whatever they are called: names change with versions of transformers.
    """
    contents = sorted(
        hashlib.sha256(repr(tuple(t.shape)).encode() + t.detach().cpu().contiguous().numpy().tobytes()).hexdigest()
        for name, t in model.state_dict().items()
        if not name.endswith("masked_spec_embed")
    )
    return hashlib.sha256("".join(contents).encode()).hexdigest()


def describe(encoder: Encoder, otherwise: Callable[[], str]) -> str:
    """What trains in an encoder in words; of one without adapters what `otherwise` says."""
    tuned = encoder.tuned
    if tuned is None:
        return otherwise()
    free = [layer for layer in tuned.layers if layer not in encoder.frozen]
    if not free:
        return f"{tuned.about['adapt']['name']} waits; whole encoder frozen"
    return f"{tuned.about['adapt']['name']} in {len(free)} of {encoder.num_layers} layers; the encoder itself is frozen"
