"""Encoders from the hub, from a local folder, or from the package itself.

Everything goes through transformers' `from_pretrained`, which knows yesterday's formats (`pytorch_model.bin`,
`weight_g` and `weight_v`, pretraining heads around the encoder) and reads pickles for their weights only. What it
reports as missing is looked at: an encoder of which a weight would be made up is refused.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from audioft.core.runtime import address
from audioft.core.storage import read_json
from audioft.core.wording import first_line
from audioft.errors import AudioftError, ModelError, UsageError
from audioft.models.compression import mark
from audioft.models.encoder import HEARD, Encoder, Preprocessing
from audioft.models.families import FAMILIES
from audioft.models.hub import EMBEDDED, misspelt, quiet_hub, refuse_model
from audioft.models.weight_files import explained

MASK_EMBEDDING = "masked_spec_embed"
DROPOUTS = (
    *("hidden_dropout", "attention_dropout", "activation_dropout", "feat_proj_dropout", "conformer_conv_dropout"),
    *("dropout", "hidden_dropout_prob", "attention_probs_dropout_prob"),
)
LAYERDROPS = ("layerdrop", "encoder_layerdrop")


@dataclass(frozen=True)
class LoadReport:
    """What became of an encoder's weights.

    Attributes:
        name: what was asked for.
        loaded: how many tensors were read.
        made: tensors newly made (only the mask vector may be).
        left_over: tensors in the checkpoint that the encoder has no use for, as a pretraining head.
        notes: what the user should know besides.
        head_kept: whether a head came with it, and was kept.
    """

    name: str
    loaded: int
    made: tuple[str, ...]
    left_over: tuple[str, ...]
    notes: tuple[str, ...] = ()
    head_kept: bool = False

    def __str__(self) -> str:
        text = f"{self.name}: {self.loaded} tensors loaded"
        if self.left_over:
            text += f", {len(self.left_over)} left over ({_some(self.left_over)})"
        if self.made:
            text += f", newly made: {', '.join(self.made)}"
        return "\n".join([text, *(f"note: {n}" for n in self.notes)])


def load_encoder(
    name: str, *, revision: str | None = None, dropout: float | None = None, layerdrop: float | None = None
) -> tuple[Encoder, LoadReport]:
    """An encoder with its published weights, in float32.

    Args:
        name: `mini` (embedded in the package), a local folder in transformers' format, or a hub id.
        revision: branch, tag or commit on the hub.
        dropout: replaces every dropout of the encoder in training; None keeps the checkpoint's own.
        layerdrop: the same for the probability that a layer is skipped in training.

    Raises:
        ModelError: nothing of that name, an unsupported family, an unreadable file, or weights missing.
    """
    from transformers import AutoModel

    source, config = described(name, revision)
    set_dropout(config, dropout, layerdrop)
    with quiet_transformers(), explained(name, source):
        model, info = pretrained(AutoModel, source, config, revision=revision)
    model, missing, left_over = _encoder_of(model, info)
    lost = [k for k in missing if not k.endswith(MASK_EMBEDDING)]
    if lost or info["mismatched_keys"]:
        wrong = lost or [str(m) for m in info["mismatched_keys"]]
        raise ModelError(
            f"encoder {name!r}: {len(wrong)} of its weights are missing or of another shape ({_some(wrong)}); "
            "it would be partly random. Download it again, or check that config.json belongs to the weights"
        )
    if missing:
        init_mask_embedding(model, name)
    preprocessing, notes = load_preprocessing(source, revision, config)
    notes += _pretraining_note(source, name)
    loaded = len(model.state_dict()) - len(missing)
    report = LoadReport(name, loaded, made=tuple(missing), left_over=tuple(left_over), notes=tuple(notes))
    return Encoder(model, preprocessing, name=name), report


def described(name: str, revision: str | None = None) -> tuple[str, Any]:
    """Where an encoder is to be loaded from, and its config, without its weights.

    Raises:
        ModelError: nothing of that name, or an unsupported family.
    """
    from transformers import AutoConfig

    source = resolve(name)
    with quiet_transformers(), explained(name, source):
        config = AutoConfig.from_pretrained(source, revision=revision)
    refuse_unsupported(name, config)
    return source, config


def resolve(name: str) -> str:
    """Where `name` is to be loaded from: a folder in the package, a local folder, or a hub id as it is."""
    if (EMBEDDED / name / "config.json").is_file() and not Path(name).is_dir():
        return str(EMBEDDED / name)
    path = Path(name).expanduser()
    if path.is_dir():
        refuse_model(name, path)
        if mark.is_one(path):
            raise ModelError(
                f"encoder {name!r} was compressed: it labels with its model and learns nothing more; train from the "
                "model that it was made of, and compress again"
            )
        if not (path / "config.json").is_file():
            raise ModelError(f"encoder folder {name}: there is no config.json in it")
        return str(path)
    if path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1:
        raise UsageError(
            f"encoder {name!r}: no such folder; give `mini`, a folder in transformers' format, or a hub id"
        )
    if (wrong := misspelt(name)) is not None:
        raise UsageError(f"encoder {wrong}")
    return name


def _encoder_of(model: Any, info: dict[str, Any]) -> tuple[Any, list[str], list[str]]:
    """The encoder of what `AutoModel` loaded, which of its weights are missing, and what is left over.

    Of Whisper the decoder is left; its weights may be missing, as they are where a classifier was saved.
    """
    missing, left_over = sorted(info["missing_keys"]), sorted(info["unexpected_keys"])
    if model.config.model_type != "whisper":
        return model, missing, left_over
    decoder = [k for k in model.state_dict() if k.startswith("decoder.") and k not in missing]
    own = [k.removeprefix("encoder.") for k in missing if k.startswith("encoder.")]
    return model.get_encoder(), own, [*left_over, *decoder]


def load_preprocessing(source: str, revision: str | None, config: Any) -> tuple[Preprocessing, list[str]]:
    """What the checkpoint's own `preprocessor_config.json` asks for; a default, and a note, where it has none.

    Args:
        source, revision: of the checkpoint.
        config: of the encoder.

    Raises:
        ModelError: it cannot be read; or it has none, and the encoder takes features of which there are many kinds.
    """
    from transformers import AutoFeatureExtractor

    of_spectra = FAMILIES[config.model_type].extractor is not None
    try:
        with quiet_transformers():
            extractor = AutoFeatureExtractor.from_pretrained(source, revision=revision)
        rate, normalise = int(extractor.sampling_rate), bool(getattr(extractor, "do_normalize", False))
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as e:
        if (file := Path(source) / "preprocessor_config.json").is_file():
            raise ModelError(f"encoder: {file} cannot be read: {first_line(e)}; copy or download it again") from e
        if of_spectra:
            raise ModelError(
                f"encoder {source!r}: it has no preprocessor_config.json, which says what features it was trained on; "
                "copy it from where the weights are from"
            ) from e
        note = "it has no preprocessor_config.json; assuming 16 kHz, each clip brought to mean 0 and variance 1"
        return Preprocessing(), [note]
    settings = extractor.to_dict()
    heard = {k: settings.pop(k, None) for k in HEARD}
    try:
        if of_spectra:
            return Preprocessing(rate, False, settings, **heard), []
        return Preprocessing(rate, normalise, **heard), []
    except (ValueError, TypeError) as e:
        raise ModelError(f"encoder {source!r}: its preprocessor_config.json asks for what cannot be heard: {e}") from e


def kept_preprocessing(name: str) -> Preprocessing:
    """Rate of an encoder and how recordings reach it, as far as its folder tells before it is loaded.

    Args:
        name: see `load_encoder`; of a hub id nothing is known.
    """
    try:
        about = json.loads((Path(resolve(name)) / "preprocessor_config.json").read_text(encoding="utf-8"))
        heard = {k: about.get(k) for k in HEARD}
        return Preprocessing(int(about.get("sampling_rate", Preprocessing.sample_rate)), **heard)
    except (OSError, ValueError, TypeError, AttributeError, AudioftError):  # told when it is loaded
        return Preprocessing()


def require_mask_embedding(encoder: Encoder) -> bool:
    """Give the encoder a mask vector for latent masking if it has none; True if one was made.

    Raises:
        ModelError: its family has no place for one.
    """
    if hasattr(encoder.model, MASK_EMBEDDING):
        return False
    if not FAMILIES[encoder.family].masked:
        raise ModelError(f"encoder {encoder.name!r} ({encoder.family}) has no masks; leave latent out")
    encoder.model.masked_spec_embed = torch.nn.Parameter(torch.zeros(encoder.hidden_size))
    encoder.model.config.mask_time_prob = 0.05  # so that transformers, too, makes a place for it when loading
    init_mask_embedding(encoder.model, encoder.name)
    return True


def init_mask_embedding(model: Any, name: str) -> None:
    """Uniform in [0, 1) as transformers does, but the same on every machine."""
    source = torch.Generator().manual_seed(address("mask embedding", name))
    with torch.no_grad():
        model.masked_spec_embed.copy_(torch.rand(model.masked_spec_embed.shape, generator=source))


def set_dropout(config: Any, dropout: float | None, layerdrop: float | None) -> None:
    """Replace the rates in a transformers config that act in training, where they are given."""
    rates = dict.fromkeys(DROPOUTS, dropout) | dict.fromkeys(LAYERDROPS, layerdrop)
    for field, rate in rates.items():
        if rate is not None and hasattr(config, field):
            setattr(config, field, rate)


def pretrained(kind: Any, source: str | Path, config: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
    """A model of one of transformers' auto classes in float32, and what became of its weights."""
    options |= {"dtype": torch.float32, "output_loading_info": True, **attention(config)}
    return kind.from_pretrained(source, config=config, **options)


def attention(config: Any) -> dict[str, str]:
    """The attention of WavLM and SEW-D has one form only; the others use torch's fused one."""
    return {} if config.model_type in ("wavlm", "sew-d") else {"attn_implementation": "sdpa"}


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Without transformers' own loading tables and bars: what they say is read from the loading info and told once.

    Nor with what the hub's client says of each request that it tries again.
    """
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with quiet_hub():
            yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def refuse_unsupported(name: str, config: Any) -> None:
    """Refuse a config of a family whose parts are not called one by one here; `name` is for the message."""
    if config.model_type not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ModelError(f"encoder {name!r} is of the family {config.model_type!r}; supported are {known}")
    if getattr(config, "add_adapter", False):
        raise ModelError(
            f"encoder {name!r} ends in an adapter for speech recognition (add_adapter); it is not supported"
        )


def _pretraining_note(source: str, name: str) -> list[str]:
    """An encoder that audioft made says in `encoder.json` whether it has learnt anything."""
    card = Path(source) / "encoder.json"
    if not card.is_file():
        return []
    about = read_json(card, ModelError)
    if not isinstance(about, dict) or about.get("pretrained", True):
        return []
    return [f"{name} is NOT pretrained: its weights are random. Expect more from a pretrained encoder (--encoder)"]


def _some(names: Any, most: int = 3) -> str:
    names = list(names)
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
