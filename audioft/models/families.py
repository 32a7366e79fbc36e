"""The encoder families: what each takes, how it is run, and what its own classification class is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audioft.errors import ModelError
from audioft.models.backbones.base import Backbone
from audioft.models.backbones.canvas import PatchBackbone, WhisperBackbone
from audioft.models.backbones.conformer import BertBackbone, ConformerBackbone
from audioft.models.backbones.sew import DisentangledBackbone, SqueezedBackbone
from audioft.models.backbones.waveform import WaveformBackbone
from audioft.models.features import front_end

OWN_FRAMES = "own frames"
CANVAS = "whole canvas, as published"


@dataclass(frozen=True)
class Family:
    """What is known of a family.

    Attributes:
        name: as its paper calls it.
        backbone: the class that runs it.
        takes: what it is given, in words.
        extractor: transformers' class for that; None where it is given waveforms.
        padding: which frames count, in words.
        pooling, head: of transformers' own classification class; a model of both is saved in its format.
        layer_sum: whether that class has a weighted sum of layers.
        holds: the name of the encoder in that class; None for its `base_model_prefix`.
        masked: whether there is a vector for masked frames.
    """

    name: str
    backbone: type[Backbone]
    takes: str = "waveform"
    extractor: str | None = None
    padding: str = OWN_FRAMES
    pooling: str = "mean"
    head: str = "projection"
    layer_sum: bool = True
    holds: str | None = None
    masked: bool = True


#: By transformers' `model_type`.
FAMILIES: Mapping[str, Family] = {
    "wav2vec2": Family("wav2vec 2.0", WaveformBackbone),
    "wav2vec2-conformer": Family("wav2vec 2.0 Conformer", ConformerBackbone),
    "wav2vec2-bert": Family("Wav2Vec2-BERT", BertBackbone, "80 log-mel bands", "SeamlessM4TFeatureExtractor"),
    "hubert": Family("HuBERT", WaveformBackbone),
    "wavlm": Family("WavLM", WaveformBackbone),
    "data2vec-audio": Family("data2vec-audio", WaveformBackbone),
    "unispeech": Family("UniSpeech", WaveformBackbone),
    "unispeech-sat": Family("UniSpeech-SAT", WaveformBackbone),
    "sew": Family("SEW", SqueezedBackbone),
    "sew-d": Family("SEW-D", DisentangledBackbone),
    "audio-spectrogram-transformer": Family(
        "AST",
        PatchBackbone,
        "128 log-mel bands",
        "ASTFeatureExtractor",
        CANVAS,
        pooling="tokens",
        head="normalised",
        layer_sum=False,
        masked=False,
    ),
    "whisper": Family(
        "Whisper",
        WhisperBackbone,
        "80 or 128 log-mel bands",
        "WhisperFeatureExtractor",
        CANVAS,
        pooling="all_frames",
        holds="encoder",
        masked=False,
    ),
}


def backbone_of(model: Any, features: Mapping[str, Any] | None, exact: bool = True) -> Backbone:
    """What runs a transformers model.

    Args:
        model: of one of `FAMILIES`.
        features: settings of its published feature extractor; only asked where it takes features.
        exact: see `Backbone`.
    """
    family = FAMILIES[model.config.model_type]
    if family.extractor is None:
        return family.backbone(model, exact)
    return family.backbone(model, exact, front_end(extractor(features or {})))  # type: ignore[call-arg]


def extractor(settings: Mapping[str, Any]) -> Any:
    """transformers' own feature extractor of such settings.

    Raises:
        ModelError: they are of none that is known here.
    """
    import transformers

    kind, known = settings.get("feature_extractor_type"), [f.extractor for f in FAMILIES.values() if f.extractor]
    if kind not in known:
        raise ModelError(f"preprocessor_config.json is of {kind!r}; the encoder takes features of {', '.join(known)}")
    return getattr(transformers, kind).from_dict(dict(settings))


def save_model(model: Any, folder: Path) -> None:
    """Write an encoder as `AutoModel` reads it; Whisper's lies in a model with a decoder, whose place stays empty."""
    kept = {f"encoder.{k}": v for k, v in model.state_dict().items()} if model.config.model_type == "whisper" else None
    model.save_pretrained(folder, state_dict=kept)


def classifier_attribute(whole: Any) -> str:
    """Under which name a classification class of transformers holds its encoder."""
    return FAMILIES[whole.config.model_type].holds or whole.base_model_prefix
