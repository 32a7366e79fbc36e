"""Tiny encoders and recordings: as real ones in form, small enough to train in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import transformers
from transformers import Wav2Vec2FeatureExtractor

from audioft.data.batching import pad
from audioft.models.classifier import AudioClassifier
from audioft.models.encoder import Encoder, Preprocessing

RATE = 16000
SHAPE = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embedding_groups": 4,
}
KERNELS, STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
FEW = {"num_conv_pos_embeddings": 16}
STABLE = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
SQUEEZED = {"squeeze_factor": 2, "num_conv_pos_embeddings": 17, "conv_kernel": KERNELS, "conv_stride": STRIDES}
WHISPER = {
    "d_model": 32,
    "encoder_layers": 3,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_layers": 1,
    "decoder_attention_heads": 2,
    "decoder_ffn_dim": 32,
    "max_source_positions": 100,
    "vocab_size": 20,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
}
CONFORMER = {"conv_depthwise_kernel_size": 7}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "wav2vec2": ("Wav2Vec2", FEW),
    "wav2vec2-layer": ("Wav2Vec2", FEW | {"feat_extract_norm": "layer"}),
    "wav2vec2-stable": ("Wav2Vec2", FEW | STABLE),
    "hubert": ("Hubert", FEW),
    "hubert-layer": ("Hubert", FEW | STABLE),
    "hubert-batch": ("Hubert", FEW | {"conv_pos_batch_norm": True}),
    "wavlm": ("WavLM", FEW),
    "wavlm-stable": ("WavLM", FEW | STABLE),
    "data2vec-audio": ("Data2VecAudio", {"conv_pos_kernel_size": 7}),
    "unispeech": ("UniSpeech", FEW),
    "unispeech-sat": ("UniSpeechSat", FEW | STABLE),
    "conformer-relative": ("Wav2Vec2Conformer", FEW | CONFORMER | {"position_embeddings_type": "relative"}),
    "conformer-rotary": ("Wav2Vec2Conformer", FEW | CONFORMER | {"position_embeddings_type": "rotary"}),
    "bert": ("Wav2Vec2Bert", FEW | CONFORMER | {"position_embeddings_type": "relative_key"}),
    "bert-relative": ("Wav2Vec2Bert", FEW | CONFORMER | {"position_embeddings_type": "relative"}),
    "ast": ("AST", {"max_length": 256, "num_mel_bins": 32}),
    "whisper": ("Whisper", WHISPER),
    "sew": ("SEW", FEW | SQUEEZED),
    "sew-d": ("SEWD", FEW | SQUEEZED | {"position_buckets": 16, "max_relative_positions": 32}),
}
CORE = ("wav2vec2", "wavlm-stable", "sew-d", "bert", "ast", "whisper")
#: For `parametrize`: all kinds, those that add least to the others only where slow tests run.
EVERY = [k if k in CORE else pytest.param(k, marks=pytest.mark.slow) for k in KINDS]
FAMILIES = ("wav2vec2", "hubert", "wavlm", "data2vec-audio")  # those of the wav2vec2 plan that can be pretrained


def make_config(kind: str, **settings: Any) -> Any:
    name, own = KINDS[kind]
    shape = {} if kind == "whisper" else SHAPE
    return getattr(transformers, f"{name}Config")(**(shape | own | settings))


def make_extractor(kind: str) -> Any:
    """The published kind of feature extractor, of a canvas of two seconds and a half where there is one."""
    if kind == "ast":
        return transformers.ASTFeatureExtractor(num_mel_bins=32, max_length=256)
    if kind == "whisper":
        return transformers.WhisperFeatureExtractor(chunk_length=2)
    if kind.startswith("bert"):
        return transformers.SeamlessM4TFeatureExtractor()
    return Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True)


def make_preprocessing(kind: str) -> Preprocessing:
    made = make_extractor(kind)
    if isinstance(made, Wav2Vec2FeatureExtractor):
        return Preprocessing()
    return Preprocessing(16000, False, made.to_dict())


def make_encoder(kind: str, exact: bool = True, seed: int = 0, **settings: Any) -> Encoder:
    """An encoder on `make_model`."""
    return Encoder(make_model(kind, seed=seed, **settings), make_preprocessing(kind), kind, exact)


def make_model(kind: str, form: str = "Model", seed: int = 0, **settings: Any) -> Any:
    """A transformers model of random weights, spread so far that outputs differ from clip to clip.

    Args:
        kind: a key of `KINDS`.
        form: `Model`, `ForSequenceClassification`, `ForPreTraining`, ...
        seed: of the weights.
        settings: of its config.
    """
    config = make_config(kind, **settings)
    if kind in ("ast", "whisper"):
        form = form.replace("ForSequenceClassification", "ForAudioClassification")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = getattr(transformers, KINDS[kind][0] + form)(config)
        with torch.no_grad():
            for p in model.parameters():
                if p.ndim == 1 or not p.any():
                    p.add_(torch.randn_like(p) * 0.1)
                else:
                    p.mul_(1.5)
            for norm in (m for m in model.modules() if isinstance(m, torch.nn.BatchNorm1d)):
                norm.running_mean.normal_()
                norm.running_var.uniform_(0.5, 2)
    model.eval()
    return model.get_encoder() if (kind, form) == ("whisper", "Model") else model


def make_classifier(kind: str = "wav2vec2", labels: int = 3, seed: int = 0, **options: Any) -> AudioClassifier:
    """A classifier on a tiny encoder; `options` of `AudioClassifier`, and `encoder` for settings of the config."""
    encoder = make_encoder(kind, seed=seed, **options.pop("encoder", {}))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return AudioClassifier(encoder, labels, **options).eval()


def save_encoder(folder: Path, kind: str, **settings: Any) -> Path:
    """A tiny encoder as the hub has it: config, safetensors, preprocessor config."""
    form = "ForConditionalGeneration" if kind == "whisper" else "Model"
    make_model(kind, form, **settings).save_pretrained(folder)
    make_extractor(kind).save_pretrained(folder)
    return folder


def noises(lengths: list[int], seed: int = 0) -> list[torch.Tensor]:
    """White noise clips, mean 0 and variance 1."""
    source = torch.Generator().manual_seed(seed)
    return [torch.randn(n, generator=source) for n in lengths]


def batch(clips: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    return pad(clips)


def tone(label: int, rng: np.random.Generator, seconds: tuple[float, float] = (0.3, 0.8)) -> np.ndarray:
    """A tone in noise, 300 Hz higher a label, `(T,)` float32."""
    time = np.arange(int(rng.uniform(*seconds) * RATE)) / RATE
    wave = 0.3 * np.sin(2 * np.pi * (300 * (label + 1) + rng.uniform(-20, 20)) * time + rng.uniform(0, 6))
    return (wave + 0.02 * rng.standard_normal(len(time))).astype(np.float32)


def save_tones(folder: Path, labels: tuple[str, ...] = ("high", "low", "middle"), clips: int = 9) -> Path:
    """`FOLDER/LABEL/N.wav`, 16 kHz, 0.3 to 0.8 s."""
    rng = np.random.default_rng(0)
    for i, label in enumerate(labels):
        (folder / label).mkdir(parents=True)
        for n in range(clips):
            soundfile.write(folder / label / f"{n}.wav", tone(i, rng), RATE, subtype="PCM_16")
    return folder
