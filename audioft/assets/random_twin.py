"""The same network as an encoder's, with random weights: `python -m audioft.assets.random_twin ENCODER FOLDER`.

What an encoder has learnt shows beside it: both are trained the same way, see `docs/measured.md`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from audioft.models.architecture import save_encoder
from audioft.models.encoder import Encoder
from audioft.models.loading import attention, load_encoder, quiet_transformers


def twin(encoder: Encoder, seed: int = 1) -> Encoder:
    """An encoder of the same config, its weights as transformers draws them after `torch.manual_seed(seed)`."""
    from transformers import AutoModel

    config = encoder.model.config
    with torch.random.fork_rng(devices=[]), quiet_transformers():
        torch.manual_seed(seed)
        model = AutoModel.from_config(config, **attention(config))
    if not isinstance(model, type(encoder.model)):  # Whisper's comes with a decoder
        model = model.get_encoder()
    return Encoder(model, encoder.preprocessing, name="random twin")


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    save_encoder(twin(load_encoder(sys.argv[1])[0]), folder, about={"pretrained": False})
