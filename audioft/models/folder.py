"""The model folder: everything that is needed to get the same numbers elsewhere.

A model whose head transformers knows is saved as transformers saves it, so `transformers.pipeline` and
`from_pretrained` read it. Any other is saved with `model_type: audioft` on top, which transformers refuses instead of
making up a head, its encoder (transformers' format again) in `encoder/` and the rest in `model.safetensors`. So is a
small model, which has an adapter in `adapter/` instead of an encoder (`audioft.models.adapter_folder`), one whose
encoder was compressed (`audioft.models.compression.encoder_folder`), and an ensemble
(`audioft.models.ensembles.ensemble_folder`).
"""

from __future__ import annotations

import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from audioft.core.storage import HASHES, damaged, new_folder, read_json, write_json, write_text
from audioft.core.wording import first_line
from audioft.errors import ModelError
from audioft.models import adapter_folder, foreign
from audioft.models.card import ModelCard
from audioft.models.classifier import AudioClassifier
from audioft.models.compression import encoder_folder, mark
from audioft.models.encoder import Encoder, Preprocessing
from audioft.models.ensembles import ensemble_folder
from audioft.models.ensembles.ensemble import Ensemble
from audioft.models.families import classifier_attribute, save_model
from audioft.models.heard import FILE as HEARD
from audioft.models.heard import Heard
from audioft.models.loading import MASK_EMBEDDING, load_encoder, pretrained, quiet_transformers
from audioft.models.weight_files import misfits, write_weights, writing

FORMAT_VERSION = 1
WEIGHTS = "model.safetensors"
_LAYER = re.compile(r"\.layers?\.\d+\.")
#: Patterns of the files whose hashes are listed; audioft.json is changed when a threshold is stored in it.
LISTED = ("*.safetensors", "config.json", "preprocessor_config.json", HEARD)
REQUIRED = ("config.json", WEIGHTS, "preprocessor_config.json", "audioft.json")


def save(
    model: AudioClassifier,
    card: ModelCard,
    path: Path,
    readme: str,
    adapter: adapter_folder.Adapter | None = None,
    heard: Heard | None = None,
) -> None:
    """Write a model folder, whole or not at all.

    Args:
        model: in any device and mode; it is not changed.
        card: see `ModelCard`.
        path: the folder; one that is there is replaced.
        readme: the model card as Markdown.
        adapter: written in the place of the encoder.
        heard: what it was trained and measured on, if that is known.
    """
    with new_folder(path, listed=LISTED) as folder:
        if adapter is not None:
            _save_beside(model, card, folder)
            adapter_folder.write(adapter, folder)
        elif isinstance(model, Ensemble):
            _save_beside(model, card, folder)
            ensemble_folder.write(model, folder, _save_member, _save_encoder)
        elif model.transformers_equivalent:
            _save_as_transformers(model, card, folder)
        else:
            _save_beside(model, card, folder)
            _save_encoder(model.encoder, folder / ensemble_folder.OWN)
        _save_about(model, card, folder, {} if adapter is None else {"base": adapter.base})
        library = "transformers" if adapter is None and model.transformers_equivalent else "audioft"
        write_text(folder / "README.md", _names_library(readme, library))
        if heard is not None:
            heard.write(folder / HEARD)


def _save_about(model: AudioClassifier, card: ModelCard, folder: Path, more: dict[str, Any]) -> None:
    """What is said of a model besides its weights."""
    model.encoder.preprocessing.extractor().save_pretrained(folder)
    told = {"format_version": FORMAT_VERSION, "preprocessing": model.encoder.preprocessing.told(), **model.spec}
    more = more | (ensemble_folder.told(model) if isinstance(model, Ensemble) else {})
    write_json(folder / "audioft.json", asdict(card) | told | more)


def _save_encoder(encoder: Encoder, place: Path) -> None:
    if encoder.compressed:
        encoder_folder.write(encoder, place)
    else:
        with quiet_transformers(), writing():
            save_model(encoder.model, place)
    encoder.preprocessing.extractor().save_pretrained(place)


def _save_member(model: AudioClassifier, card: ModelCard, folder: Path, more: dict[str, Any]) -> None:
    """A member of an ensemble, whose encoder lies elsewhere."""
    folder.mkdir(parents=True)
    _save_beside(model, card, folder)
    _save_about(model, card, folder, more)


def load(path: str | Path, encoder: str | None = None) -> tuple[AudioClassifier, ModelCard]:
    """The model of a folder, in float32, in eval mode, on the CPU; also of one that transformers wrote.

    Args:
        path: the folder.
        encoder: where the encoder of a small model is, if no longer where it was.

    Raises:
        ModelError: a file is missing, unreadable, or does not fit the others.
    """
    folder = Path(path)
    missing = [f for f in REQUIRED if not (folder / f).is_file()]
    about = foreign.describe(folder, FORMAT_VERSION) if "audioft.json" in missing else None
    if missing and about is None:
        raise ModelError(
            f"{folder} is not a whole model folder: {', '.join(missing)} missing from it{foreign.encoder_hint(folder)}"
        )
    if (folder / HASHES).is_file() and (found := damaged(folder)) is not None:  # what can be read may be wrong, too
        raise ModelError(f"{found}. Copy the folder anew; if it was changed on purpose, remove {folder / HASHES}")
    about = about or read_json(folder / "audioft.json", ModelError)
    card = _card(folder, about)
    config = read_json(folder / "config.json", ModelError)
    if isinstance(config, dict) and config.get("model_type") == "audioft":
        model = _load_audioft(folder, about, card, encoder)
    else:
        model = _load_transformers(folder, about, card)
    for tensor in (*model.parameters(), *model.buffers()):
        # what is mapped from its file could change, and fills the memory only when it is used
        tensor.data = tensor.data.clone()
    return model.eval(), card


def _names_library(readme: str, library: str) -> str:
    """A model card whose front matter, if it has one, names the library that reads the folder."""
    return re.sub(r"\A(---\n(?:(?!---).*\n)*?library_name: )\w+$", rf"\g<1>{library}", readme, count=1, flags=re.M)


def store_verification(path: Path, verification: dict[str, Any]) -> None:
    """Write `ModelCard.verification` into a model folder that is there.

    Raises:
        ModelError: it has no `audioft.json`, as a model that audioft did not make.
    """
    about = read_json(path / "audioft.json", ModelError)
    _card(path, about)
    write_json(path / "audioft.json", about | {"verification": verification})


def _card(folder: Path, about: Any) -> ModelCard:
    if not isinstance(about, dict) or "labels" not in about:
        raise ModelError(f"{folder / 'audioft.json'} is not a description of a model: `labels` is missing from it")
    if about.get("format_version") != FORMAT_VERSION:
        raise ModelError(
            f"{folder}: format_version {about.get('format_version')!r}, this audioft reads {FORMAT_VERSION}; "
            "install the version of audioft that wrote it, or train again"
        )
    absent = [k for k in ("multilabel", "window", "preprocessing", "layers", "pooling", "head") if k not in about]
    if absent:
        raise ModelError(f"{folder / 'audioft.json'} does not say everything: {', '.join(absent)} missing from it")
    known = {k: about[k] for k in ModelCard.__dataclass_fields__ if k in about}
    known |= {k: tuple(known[k]) for k in ("labels", "thresholds") if known.get(k) is not None}
    return ModelCard(**known)


def _label_config(card: ModelCard) -> dict[str, Any]:
    return {
        "id2label": dict(enumerate(card.labels)),
        "label2id": {label: i for i, label in enumerate(card.labels)},
        "problem_type": "multi_label_classification" if card.multilabel else "single_label_classification",
        foreign.MADE_BY: "audioft",
    }


def _save_as_transformers(model: AudioClassifier, card: ModelCard, folder: Path) -> None:
    from transformers import AutoConfig, AutoModelForAudioClassification

    config = AutoConfig.for_model(**model.encoder.model.config.to_dict())
    config.update(_label_config(card))
    if hasattr(model.head, "projector"):
        config.classifier_proj_size = model.head.projector.out_features
        config.use_weighted_layer_sum = model.layer_sum is not None
    with quiet_transformers(), torch.device("meta"):
        whole = AutoModelForAudioClassification.from_config(config)
    setattr(whole, classifier_attribute(whole), model.encoder.model)
    for owner, own, theirs in _beside_in_both(model):
        setattr(whole, theirs, getattr(owner, own))
    with quiet_transformers(), writing():
        whole.save_pretrained(folder)


def _load_transformers(folder: Path, about: dict, card: ModelCard) -> AudioClassifier:
    from transformers import AutoConfig, AutoModelForAudioClassification

    with quiet_transformers():
        try:
            config = AutoConfig.from_pretrained(folder, local_files_only=True)
            how = {"local_files_only": True, "ignore_mismatched_sizes": True}  # which are told below
            whole, info = pretrained(AutoModelForAudioClassification, folder, config, **how)
        except Exception as e:  # safetensors, config and shape errors are many classes with one meaning here
            raise ModelError(f"{folder}: the model cannot be read: {first_line(e)}") from e
    lost = sorted(k for k in info["missing_keys"] if not k.endswith(MASK_EMBEDDING))
    other = [f"{name} is {tuple(there)}, not {tuple(here)}" for name, there, here in sorted(info["mismatched_keys"])]
    other += [f"{k} has no place" for k in sorted(info["unexpected_keys"]) if _LAYER.search(k) and "decoder" not in k]
    if other:
        raise ModelError(f"{folder}: config.json describes another model than {WEIGHTS} holds: {'; '.join(other[:3])}")
    if lost:
        raise ModelError(f"{folder}: weights are missing from {WEIGHTS}: {', '.join(lost[:3])}")
    _same_labels(folder, whole.config.id2label, card)
    model = _described(getattr(whole, classifier_attribute(whole)), about)
    summed = bool(getattr(whole.config, "use_weighted_layer_sum", False))
    if not model.transformers_equivalent or (model.layer_sum is not None) != summed:
        raise ModelError(f"{folder}: audioft.json describes another model than config.json: {model.spec}")
    for owner, own, theirs in _beside_in_both(model):
        setattr(owner, own, getattr(whole, theirs))
    return model


def _beside_in_both(model: AudioClassifier) -> list[tuple[nn.Module, str, str]]:
    """All but the encoder, where transformers has it too: who holds it here, under which name, and its name there."""
    found: list[tuple[nn.Module, str, str]] = [(model, "head", "classifier")]
    if hasattr(model.head, "projector"):
        found = [(model.head, name, name) for name in ("projector", "classifier")]
    return found if model.layer_sum is None else [*found, (model.layer_sum, "layer_weights", "layer_weights")]


def is_small(folder: Path) -> bool:
    """Whether a model folder holds an adapter without its encoder."""
    about = read_json(folder / "audioft.json", ModelError) if (folder / "audioft.json").is_file() else None
    return isinstance(about, dict) and "base" in about


def _save_beside(model: AudioClassifier, card: ModelCard, folder: Path) -> None:
    """All but the encoder."""
    write_json(folder / "config.json", {"model_type": "audioft", **_label_config(card)})
    write_weights(folder / WEIGHTS, _beside_encoder(model))


def _load_audioft(folder: Path, about: dict, card: ModelCard, place: str | None) -> AudioClassifier:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    _same_labels(folder, read_json(folder / "config.json", ModelError).get("id2label", {}), card)
    model: AudioClassifier
    if "ensemble" in about:
        model = ensemble_folder.read(folder, about, card, lambda member: load(member, place))
    elif "base" in about:
        model = _described(adapter_folder.read(folder, about["base"], place, about["layers"]).model, about)
    else:
        own = _own_encoder(folder, about)
        model = _described(own.model, about, own)
    try:
        weights = load_file(folder / WEIGHTS)
    except SafetensorError as e:
        raise ModelError(f"{folder / WEIGHTS} cannot be read: {e}") from e
    if wrong := misfits(_beside_encoder(model), weights):
        raise ModelError(f"{folder / WEIGHTS} does not fit the head that audioft.json describes: {', '.join(wrong)}")
    model.load_state_dict(weights, strict=False)
    return model


def _own_encoder(folder: Path, about: dict) -> Encoder:
    at = str(about.get("encoder_at", ensemble_folder.OWN))
    if not (folder / at / "config.json").is_file():  # or the name would be looked for on the hub
        raise ModelError(f"{folder} is not a whole model folder: {at}/config.json missing from it")
    place = Path(os.path.normpath(folder / at))
    return encoder_folder.read(place, str(place)) if mark.is_one(place) else load_encoder(str(place))[0]


def _same_labels(folder: Path, id2label: dict[Any, str], card: ModelCard) -> None:
    labels = tuple(label for _, label in sorted(id2label.items(), key=lambda item: int(item[0])))
    if labels != card.labels:
        raise ModelError(
            f"{folder}: config.json names the labels {labels}, audioft.json {card.labels}; they must agree"
        )


def _beside_encoder(model: AudioClassifier) -> dict[str, torch.Tensor]:
    held = ("encoder.", f"{ensemble_folder.MEMBERS}.")
    return {k: v.contiguous() for k, v in model.state_dict().items() if not k.startswith(held)}


def _described(model: nn.Module, about: dict, held: Encoder | None = None) -> AudioClassifier:
    """What `audioft.json` says, on an encoder of transformers; `held` knows what of it was compressed."""
    name = str(about.get("encoder", {}).get("name", ""))
    try:
        preprocessing = Preprocessing(**about["preprocessing"])
    except (ValueError, TypeError) as e:
        raise ModelError(f"audioft.json: its preprocessing cannot be used: {e}") from e
    if held is not None and held.compressed:
        encoder, held.preprocessing, held.name = held, preprocessing, name
    else:
        encoder = Encoder(model, preprocessing, name=name)
    return AudioClassifier(encoder, len(about["labels"]), about["layers"], about["pooling"], about["head"])
