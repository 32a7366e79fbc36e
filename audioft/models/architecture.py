"""New encoders of a given shape, and encoder folders in transformers' format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from audioft.core.registry import suggest
from audioft.core.runtime import address
from audioft.core.storage import permit, write_json
from audioft.models import filterbank as bank
from audioft.models.encoder import Encoder, Preprocessing
from audioft.models.loading import attention, quiet_transformers, require_mask_embedding
from audioft.models.weight_files import writing

#: What is not part of a shape: set elsewhere, or meaningless without labels.
OTHERS = frozenset({"model_type", "id2label", "label2id", "num_labels", "torch_dtype", "dtype", "transformers_version"})
#: Families that `audioft pretrain` can begin.
PRETRAINABLE = ("wav2vec2", "hubert", "wavlm", "data2vec-audio")
CONVOLUTIONS = ("conv_dim", "conv_kernel", "conv_stride")


def problems(architecture: Mapping[str, Any], where: str) -> list[str]:
    """What is wrong with an architecture, as sentences that begin with the key `where`."""
    family, filterbank, settings = _parted(architecture)
    if family not in PRETRAINABLE:
        return [f"{where}.family: unknown family {family!r}{suggest(str(family), PRETRAINABLE)}"]
    known = set(_config(family, {}).to_dict()) - OTHERS
    if unknown := [k for k in settings if k not in known]:
        return [f"{where}.{k}: a {family} encoder has no such setting{suggest(k, known)}" for k in unknown]
    found = []
    sizes = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    for key in (k for k in sizes if k in settings):
        if type(settings[key]) is not int or settings[key] < 1:
            found.append(f"{where}.{key}: expected a whole number above 0; found {settings[key]!r}")
    convolutions = {k: settings.get(k, getattr(_config(family, {}), k)) for k in CONVOLUTIONS}
    for key, value in convolutions.items():
        if not isinstance(value, list | tuple) or not value or any(type(v) is not int or v < 1 for v in value):
            found.append(f"{where}.{key}: expected whole numbers above 0, one a layer; found {value!r}")
    if found:
        return found
    lengths = {k: len(v) for k, v in convolutions.items()}
    if len(set(lengths.values())) > 1:
        return [f"{where}: conv_dim, conv_kernel and conv_stride name {lengths} layers; they must agree"]
    try:
        config = _config(family, settings)
    except Exception as e:  # transformers checks its settings in ways of its own
        return [f"{where}: transformers refuses it: {str(e).strip().splitlines()[-1].strip()}"]
    if config.hidden_size % config.num_attention_heads:
        size, heads = config.hidden_size, config.num_attention_heads
        found.append(f"{where}: hidden_size {size} is no multiple of num_attention_heads, {heads}")
    if filterbank and (why := bank.problem(config)):
        found.append(f"{where}.filterbank: {why}")
    return found


def new_encoder(architecture: Mapping[str, Any], seed: int, preprocessing: Preprocessing | None = None) -> Encoder:
    """An encoder that has learnt nothing, its weights a function of the seed.

    Args:
        architecture: `family`; `filterbank`, whether the first convolutions start as a filterbank, see
            `models.filterbank`; and any setting of transformers' config of that family.
        seed: of the run.
        preprocessing: 16 kHz and each clip normalised, if not given.
    """
    from transformers import AutoModel

    family, filterbank, settings = _parted(architecture)
    config = _config(family, settings)
    preprocessing = preprocessing or Preprocessing()
    with torch.random.fork_rng(devices=[]), quiet_transformers():
        torch.manual_seed(address(seed, "encoder"))
        model: Any = AutoModel.from_config(config, **attention(config))
    if filterbank:
        bank.start_as_filterbank(model, preprocessing.sample_rate)
    encoder = Encoder(model, preprocessing, name="new")
    require_mask_embedding(encoder)
    return encoder


def shape_config(architecture: Mapping[str, Any]) -> Any:
    """An architecture as transformers' config."""
    family, _, settings = _parted(architecture)
    return _config(family, settings)


def save_encoder(
    encoder: Encoder, folder: Path, *, dtype: str = "float32", about: Mapping[str, Any] | None = None
) -> None:
    """Write config, weights and preprocessor as transformers' `AutoModel` and `AutoFeatureExtractor` read them.

    Args:
        encoder: what to write.
        folder: must exist.
        dtype: of the weights on disk, `float32` or `float16`; the config says float32 in either case, so that whoever
            loads them computes in it.
        about: written to `encoder.json`: `pretrained`, and what else is known.
    """
    import copy

    model = encoder.model
    with quiet_transformers(), writing():
        if dtype == "float32":
            model.save_pretrained(folder)
        else:
            smaller = copy.deepcopy(model).to(getattr(torch, dtype))
            smaller.save_pretrained(folder)
            smaller.config.dtype = torch.float32
            smaller.config.save_pretrained(folder)
    masks = getattr(model.config, "feat_extract_norm", "layer") == "layer"
    encoder.preprocessing.extractor(attention_mask=masks).save_pretrained(folder)
    if about is not None:
        write_json(folder / "encoder.json", dict(about))
    permit(folder)


def count(module: nn.Module) -> int:
    """How many parameters it has."""
    return sum(p.numel() for p in module.parameters())


def _parted(architecture: Mapping[str, Any]) -> tuple[str, bool, dict[str, Any]]:
    """The family, whether its first convolutions start as a filterbank, and the settings of transformers' config."""
    settings = {"family": PRETRAINABLE[0], "filterbank": False, **architecture}
    return settings.pop("family"), settings.pop("filterbank"), settings


def _config(family: str, settings: Mapping[str, Any]) -> Any:
    from transformers import AutoConfig

    own = {"mask_time_prob": 0.05, "apply_spec_augment": False} | dict(settings)
    return AutoConfig.for_model(family, **own)
