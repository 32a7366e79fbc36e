"""A compressed encoder on disk: what transformers has no form for.

`config.json` has the `model_type` audioft, which transformers refuses, and holds the config of the encoder as it would
be by itself and what is smaller in it; `model.safetensors` the weights, those of eight bits with their scales.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audioft.core.storage import read_json, write_json
from audioft.core.wording import first_line
from audioft.errors import ModelError
from audioft.models.compression import compressed
from audioft.models.compression.compressed import Compressed
from audioft.models.compression.mark import CONFIG, FORMAT, VERSION
from audioft.models.encoder import Encoder
from audioft.models.families import FAMILIES
from audioft.models.loading import attention, load_preprocessing, quiet_transformers
from audioft.models.weight_files import misfits, write_weights

WEIGHTS = "model.safetensors"


def write(encoder: Encoder, folder: Path) -> None:
    """Write an encoder that is smaller than its config says into a folder, which is made."""
    found = compressed.of(encoder)
    assert found is not None
    folder.mkdir(parents=True, exist_ok=True)
    config = {k: v for k, v in encoder.model.config.to_dict().items() if not k.startswith("_")}
    told = {"model_type": "audioft", "format": FORMAT, "format_version": VERSION, "encoder": config}
    about: dict[str, Any] = {"heads": dict(found.heads), "units": dict(found.units), "int8": dict(found.int8)}
    about |= {"folded": list(found.folded), "front": found.front, "attention": found.attention}
    write_json(folder / CONFIG, told | {"compressed": about})
    half = set(compressed.halves(encoder))
    write_weights(folder / WEIGHTS, {k: _kept(k, v, half) for k, v in encoder.model.state_dict().items()})


def _kept(name: str, value: Tensor, half: set[str]) -> Tensor:
    return (value.bfloat16() if name in half else value).contiguous()


def read(folder: Path, name: str = "") -> Encoder:
    """The encoder of a folder, its weights as floats or of eight bits.

    Args:
        folder: that `write` has filled.
        name: what it is called.

    Raises:
        ModelError: it cannot be read, or what it says of itself does not fit its weights.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    about = read_json(folder / CONFIG, ModelError)
    if about.get("format_version") != VERSION:
        raise ModelError(
            f"{folder / CONFIG}: format_version {about.get('format_version')!r}, this audioft reads {VERSION}; install "
            "the version of audioft that wrote it, or compress again"
        )
    try:
        encoder = _new(dict(about["encoder"]), folder, name)
        compressed.shape(encoder, Compressed.of(about["compressed"]))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as e:
        raise ModelError(f"{folder / CONFIG}: what it says of a compressed encoder cannot be used: {e}") from e
    try:
        weights = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as e:
        raise ModelError(f"{folder / WEIGHTS} cannot be read: {first_line(e)}") from e
    expected = encoder.model.state_dict()
    if wrong := misfits(expected, weights):
        raise ModelError(f"{folder / WEIGHTS} does not fit the encoder that {CONFIG} describes: {', '.join(wrong)}")
    if other := [k for k, v in weights.items() if (v.dtype == torch.int8) != (expected[k].dtype == torch.int8)]:
        raise ModelError(f"{folder / WEIGHTS}: weights of another kind than {CONFIG} describes: {', '.join(other[:3])}")
    encoder.model.load_state_dict({k: v.to(expected[k].dtype) for k, v in weights.items()})
    return encoder


def _new(settings: dict[str, Any], folder: Path, name: str) -> Encoder:
    """An encoder of a config, its weights as they happen to be."""
    from transformers import AutoConfig, AutoModel
    from transformers.initialization import no_init_weights

    if settings.get("model_type") not in FAMILIES:
        raise ValueError(f"the family {settings.get('model_type')!r} is unknown")
    with quiet_transformers(), no_init_weights():
        config = AutoConfig.for_model(**settings)
        small = config
        if config.model_type == "whisper":  # whose decoder is not wanted
            small = AutoConfig.for_model(**settings | {"decoder_layers": 0, "vocab_size": 3, "pad_token_id": 0})
        model: Any = AutoModel.from_config(small, **attention(config))
    if config.model_type == "whisper":
        model = model.get_encoder()
        model.config.update({k: settings[k] for k in ("decoder_layers", "vocab_size", "pad_token_id")})
    preprocessing, _ = load_preprocessing(str(folder), None, config)
    return Encoder(model.eval(), preprocessing, name=name)
