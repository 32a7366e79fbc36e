"""Makes the folder `mini`: the encoder that needs no network. `python -m audioft.assets.make_mini FOLDER`.

Its weights are random but for the front end, which is designed: 64 band-pass filters on the mel scale in two phases,
then the mean of their rectified outputs over 20 ms, which is a coarse spectrogram. It has learnt nothing from sound.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audioft.storage import write_json

RATE = 16000
BANDS, TAPS, STRIDE, MEAN = 64, 256, 16, 20


def filterbank() -> np.ndarray:
    """`(2 * BANDS, TAPS)` Gabor filters of unit energy, 60 to 7600 Hz, cosine and sine of each in turn."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (60, 7600))
    centres = 700 * (10 ** (np.linspace(low, high, BANDS) / 2595) - 1)
    time = (np.arange(TAPS) - (TAPS - 1) / 2) / RATE
    filters = []
    for centre in centres:
        width = max(60.0, 0.12 * centre)  # Hz; about as wide as the ear's
        envelope = np.exp(-0.5 * (np.pi * width * time) ** 2) * np.hanning(TAPS)
        filters += [envelope * np.cos(2 * np.pi * centre * time + phase) for phase in (0, np.pi / 2)]
    return np.stack([f / np.linalg.norm(f) for f in filters])


def make(folder: Path) -> None:
    """Write the encoder, its preprocessor and the mark that it is not pretrained."""
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    torch.manual_seed(0)
    channels = 2 * BANDS
    config = Wav2Vec2Config(
        hidden_size=192,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=768,
        conv_dim=(channels, channels),
        conv_kernel=(TAPS, MEAN),
        conv_stride=(STRIDE, MEAN),
        feat_extract_norm="layer",
        conv_bias=True,
        do_stable_layer_norm=True,
        num_conv_pos_embeddings=64,
        num_conv_pos_embedding_groups=8,
        hidden_dropout=0.1,
        attention_dropout=0.0,
        activation_dropout=0.0,
        feat_proj_dropout=0.0,
        layerdrop=0.0,
    )
    model: Any = Wav2Vec2Model(config)
    first, second = (layer.conv for layer in model.feature_extractor.conv_layers)
    with torch.no_grad():
        first.weight.copy_(torch.from_numpy(filterbank())[:, None])
        second.weight.copy_(torch.eye(channels)[:, :, None].expand(-1, -1, MEAN) / MEAN)
        for conv in (first, second):
            conv.bias.zero_()
    model.half().save_pretrained(folder)
    Wav2Vec2FeatureExtractor(return_attention_mask=True, do_normalize=True).save_pretrained(folder)
    write_json(folder / "encoder.json", {"pretrained": False})


if __name__ == "__main__":
    make(Path(sys.argv[1]))
