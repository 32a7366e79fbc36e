"""Train one model on a folder or table of recordings.

python pipelines/finetune_folder.py samples/speakers runs/speakers
"""

import sys

import audioft

data, out = sys.argv[1:3]
run = audioft.finetune(
    data,
    out=out,
    encoder="mini",  # or a hub id: "facebook/wav2vec2-base"
    overrides={
        "freeze": {0: "all", 3: {"top": 2}},  # the head first, from the fourth epoch on the last two layers too
        "augment": [{"name": "gain", "p": 0.5}, {"name": "noise", "p": 0.5, "min_snr_db": 10}],
        "train.epochs": 6,
        "train.head_lr": 5e-3,
    },
)
print(run.report)
print(f"model: {run.model}")
