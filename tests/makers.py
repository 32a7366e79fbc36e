"""Small recordings, encoders and runs that the tests of the command and of the Python interface share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from audioft.assembly.run_folder import Run
from audioft.data.clip import Clip

RATE = 16000
PITCHES = {"high": 2400.0, "low": 300.0, "mid": 900.0}
#: Settings under which a run takes a second or two.
QUICK = {
    "model.start": "random",  # a pass less; how runs begin is tested in tests/tasks/train
    "train.epochs": 1,
    "train.batch_size": 4,
    "train.precision": "fp32",  # the same numbers on every machine
    "train.tensorboard": False,
    "data.workers": 0,
    "evaluate.resamples": 20,
}
QUICK_ARGUMENTS = [f"{k}={str(v).lower()}" for k, v in QUICK.items()]


def tone(path: Path, hz: float = 440.0, seconds: float = 0.5, *, seed: int = 0, channels: int = 1) -> Path:
    """A tone with a little noise of its own, so that no two recordings have the same bytes."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng([seed, round(hz)]).normal(0, 0.02, len(time))
    wave = (0.3 * np.sin(2 * np.pi * hz * time) + noise).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.stack([wave] * channels, 1), RATE)
    return path


def tones(folder: Path, each: int = 6, labels: tuple[str, ...] = ("high", "low"), seed: int = 0) -> Path:
    """A folder a class, `each` recordings in it."""
    for label in labels:
        for i in range(each):
            tone(folder / label / f"{label}_{i:02d}.wav", PITCHES[label], seed=seed + i)
    return folder


def chords(folder: Path, clips: int = 16) -> Path:
    """Several labels a clip, some of them unknown: a table `metadata.csv` with its recordings."""
    names = tuple(PITCHES)
    rows = ["file_name,labels,split,place"]
    for i in range(clips):
        present = [x for bit, x in enumerate(names) if i % 7 + 1 >> bit & 1]
        time = np.arange(RATE // 2) / RATE
        wave = sum(0.2 * np.sin(2 * np.pi * PITCHES[x] * time) for x in present)
        wave = wave + np.random.default_rng([5, i]).normal(0, 0.01, len(time))
        (folder / "clips").mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / "clips" / f"{i:02d}.wav", wave, RATE)
        unknown = ["?" + next(x for x in names if x not in present)] if i % 5 == 1 and len(present) < 3 else []
        side = ("train", "train", "valid", "test")[(i // 2 + i // 8) % 4] if i > 6 else "train"
        rows.append(f"clips/{i:02d}.wav,{';'.join(present + unknown)},{side},place {i % 3}")
    rows.append("")
    (folder / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def encoder(folder: Path) -> Path:
    """A wav2vec2 encoder of two layers with random weights, in the hub's format."""
    import torch
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    config = Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(8, 8),
        conv_kernel=(20, 16),
        conv_stride=(20, 16),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        layerdrop=0.0,
        classifier_proj_size=8,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        Wav2Vec2Model(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(return_attention_mask=False).save_pretrained(folder)
    return folder


def train(data: Path, encoder_folder: Path, out: Path, **settings) -> Run:
    """A quick run; `settings` have `__` for the dot."""
    import audioft

    overrides = QUICK | {k.replace("__", "."): v for k, v in settings.items()}
    console = audioft.Console(quiet=True)
    return audioft.finetune(data, encoder=str(encoder_folder), out=out, overrides=overrides, console=console)


def clip(path: Path) -> Clip:
    """A whole recording."""
    return Clip(path, str(path))


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder with their bytes, to see that nothing was lost or overwritten."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
