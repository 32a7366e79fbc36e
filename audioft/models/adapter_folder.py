"""The adapter alone, as a model folder may hold it instead of an encoder.

`adapter/` has it in peft's format, and `audioft.json` says under `base` which encoder it belongs to: its name, its
revision, and a hash of its weights. It is worked into that encoder when it is loaded, so that the small folder and the
merged one give the same bits. Of `bias` and `norm`, which peft has not, the changed tensors are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audioft.core.wording import first_line
from audioft.errors import ModelError, UsageError
from audioft.models import adapting
from audioft.models.encoder import Encoder
from audioft.models.loading import load_encoder
from audioft.models.tuned import Tuned
from audioft.models.weight_files import misfits, write_weights

FOLDER = "adapter"
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


@dataclass(frozen=True)
class Adapter:
    """What is left of an adapted encoder without the encoder.

    Attributes:
        tensors: by the keys of the file.
        config: peft's; None where there is none.
        base: for `audioft.json`, see `adapting.Tuned.about`, and the adapted `layers`.
    """

    tensors: dict[str, Tensor]
    config: Any
    base: dict[str, Any]


def take(encoder: Encoder) -> Adapter | None:
    """A copy of an encoder's adapter; None unless it is to be saved alone (`save: adapter`)."""
    tuned = encoder.tuned
    if tuned is None or tuned.about["adapt"]["save"] != "adapter":
        return None
    name = tuned.about["name"]
    place = str(Path(name).expanduser().absolute()) if Path(name).expanduser().is_dir() else name
    return Adapter(adapting.tensors(encoder), tuned.config, tuned.about | {"name": place, "layers": list(tuned.layers)})


def write(adapter: Adapter, folder: Path) -> None:
    """Write `adapter/` into a model folder that is being filled."""
    place = folder / FOLDER
    place.mkdir()
    if adapter.config is not None:
        config = adapter.config
        config.base_model_name_or_path, config.inference_mode = adapter.base["name"], True
        config.revision = adapter.base["revision"]
        config.target_modules = sorted(config.target_modules)  # a set, whose order changes from run to run
        if getattr(config, "feedforward_modules", None):
            config.feedforward_modules = sorted(config.feedforward_modules)
        config.save_pretrained(place)
    write_weights(place / WEIGHTS, adapter.tensors)


def read(folder: Path, base: Any, name: str | None = None, layers: Any = "last") -> Encoder:
    """The encoder of a small model folder, with its adapter worked into it.

    Args:
        folder: the model folder.
        base: what its `audioft.json` says under that key.
        name: where the encoder is now, if not where it was.
        layers: of the model; where it is a number, the encoder that was adapted had been cut to it.

    Raises:
        ModelError: the encoder cannot be had or is another one, or the adapter does not fit it.
    """
    if not isinstance(base, dict) or not {"adapt", "name", "revision", "sha256", "layers"} <= base.keys():
        raise ModelError(f"{folder / 'audioft.json'} does not say which encoder its adapter belongs to (`base`)")
    revision = base["revision"] if name is None else None
    try:
        encoder, _ = load_encoder(name or base["name"], revision=revision)
    except (ModelError, UsageError) as e:
        raise _unlike(folder, f"needs the encoder {base['name']!r} it was trained on: {e}") from e
    if isinstance(layers, int) and layers <= encoder.num_layers:
        encoder.cut(layers)
    found = adapting.fingerprint(encoder.model)
    if found != base["sha256"]:
        raise _unlike(
            folder,
            f"was trained on another encoder than {name or base['name']!r} is now: its weights have the hash "
            f"{found[:12]}..., expected {str(base['sha256'])[:12]}...",
        )
    _give(encoder, folder / FOLDER, base)
    return encoder


def _unlike(folder: Path, found: str) -> ModelError:
    return ModelError(
        f"{folder} holds an adapter alone and {found}.\nWhere that encoder lies elsewhere, "
        f"`audioft merge {folder} --encoder PLACE --out MODEL` makes a whole model of both"
    )


def _give(encoder: Encoder, place: Path, base: dict[str, Any]) -> None:
    """Put the adapter in `place` into an encoder, and merge it."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    layers = tuple(base["layers"])
    try:
        weights = load_file(place / WEIGHTS)
        if (place / CONFIG).is_file():
            from peft import PeftConfig

            adapting.inject(encoder, PeftConfig.from_pretrained(str(place)), layers, base)
        else:
            encoder.tuned = Tuned(frozenset(weights), layers, None, base)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as e:
        raise ModelError(f"{place}: the adapter cannot be read: {first_line(e)}") from e
    tuned = encoder.tuned
    assert tuned is not None
    own = dict(encoder.model.named_parameters())
    expected = {tuned.file_key(n): own.get(n) for n in tuned.parameters}
    if wrong := misfits(expected, weights):
        raise ModelError(f"{place / WEIGHTS} does not fit the encoder {base['name']!r}: {', '.join(wrong)}")
    with torch.no_grad():
        for name in tuned.parameters:
            own[name].copy_(weights[tuned.file_key(name)])
    adapting.merge(encoder)
