"""What `make_formats.py` calls audioft with."""

from __future__ import annotations

from pathlib import Path

PLACE = Path("/tmp/audioft-formats")
RATE = 16000
#: Settings of every run.
QUICK = {
    "train.batch_size": 2,
    "train.precision": "fp32",
    "train.device": "cpu",
    "train.tensorboard": False,
    "train.log_every": 1,
    "train.keep": 1,
    "data.workers": 0,
    "evaluate.resamples": 20,
    "model.head": {"name": "projection", "size": 16},
}
#: A run in which everything is drawn that a resumed run must draw again.
DRAWN = {
    "train.epochs": 4,
    "train.lr": 2e-3,
    "train.head_lr": 2e-2,
    "train.save_steps": 1,
    "cache.views": 0,
    "augment": [{"name": "gain", "p": 0.7}, {"name": "noise", "p": 0.7}],
    "mixup": {"p": 0.3, "alpha": 0.4},
    "latent": {"time": 0.1, "time_length": 2},
}
#: The step after which the stopped run was killed, in the middle of its third epoch of two steps each.
STOPPED_AFTER = 5
#: A run whose frozen part crosses two boundaries, and one that keeps decoded clips.
FROZEN = {"train.epochs": 2, "freeze": {0: "all", 1: {"top": 1}}, "train.head_lr": 2e-2}
DECODED = {"train.epochs": 1, "cache.audio": True, "cache.views": 0, "train.head_lr": 2e-2}
#: What `audioft verify` is asked.
PAIR = ("sounds/tones/test/high/high_0.flac", "sounds/tones/test/low/low_0.flac")
#: Settings of a run that fits prototypes.
FITTED = ("data.workers=0", "evaluate.resamples=20")
#: Of the encoders that were listened to with `audioft probe`.
PROBED_SECONDS = 2.0
#: A pretraining of two rounds, killed in the middle of the second.
PRETRAINED = {
    "encoder.architecture": {
        "family": "wav2vec2",
        "filterbank": False,
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 8,
        "do_stable_layer_norm": True,
        "conv_dim": [8, 8],
        "conv_kernel": [20, 16],
        "conv_stride": [20, 16],
        "conv_bias": True,
        "feat_extract_norm": "layer",
        "num_conv_pos_embeddings": 8,
        "num_conv_pos_embedding_groups": 4,
    },
    "freeze": "none",
    "encoder.dropout": 0.2,
    "data.crop_seconds": 0.25,
    "data.held_out": 0.2,
    "data.workers": 0,
    "augment": [{"name": "gain", "p": 0.7}],
    "disturb": [{"name": "noise", "p": 0.7}],
    "objective.mask_frames": 4,
    "objective.sample_frames": 1000,
    "objective.rounds": [
        {"targets": "mfcc", "clusters": 4, "steps": 4},
        {"targets": "layer", "clusters": 4, "layer": 1, "steps": 6},
    ],
    "train.batch_size": 4,
    "train.measures": 2,
    "train.precision": "fp32",
    "train.device": "cpu",
    "train.log_every": 1,
    "train.keep": 1,
    "train.save_steps": 1,
    "train.tensorboard": False,
}
PRETRAINING_STOPPED_AFTER = 4
AUGMENTED = [{"name": "gain", "p": 1}, {"name": "telephone", "p": 1}]
