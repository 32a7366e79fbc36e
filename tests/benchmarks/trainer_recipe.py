"""transformers' own recipe for audio classification, for `recipes.py`: its Trainer, with nothing of audioft.

    python tests/benchmarks/trainer_recipe.py TASK.json RESULT.json

TASK names the encoder, the clips and labels of each side, rate and epochs. As examples/pytorch/audio-classification has
it: feature extractor, frozen convolutions, warm-up of a tenth, an evaluation an epoch, the best epoch kept; its script
reads no folder, so that the few lines which do are here. RESULT has the label of each test clip and the seconds.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from torch.utils.data import Dataset


class Clips(Dataset):
    """What the example's `val_transforms` make of clips, each `(path, label)`, on the extractor's rate already."""

    def __init__(self, clips: list[tuple[str, str]], labels: list[str], extractor: Any):
        self.clips, self.labels, self.extractor = clips, labels, extractor

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> dict[str, Any]:
        path, label = self.clips[index]
        samples, rate = soundfile.read(path, dtype="float32")
        assert rate == self.extractor.sampling_rate
        found = self.extractor(samples, sampling_rate=rate)
        return {k: v[0] for k, v in found.items() if k.startswith("input")} | {"labels": self.labels.index(label)}


def train(task: dict[str, Any]) -> dict[str, str]:
    """The label given to each test clip."""
    from transformers import (
        AutoFeatureExtractor,
        AutoModelForAudioClassification,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    set_seed(task["seed"])
    labels = sorted({label for _, label in task["train"]})
    extractor = AutoFeatureExtractor.from_pretrained(task["encoder"], return_attention_mask=True)
    model = AutoModelForAudioClassification.from_pretrained(
        task["encoder"], num_labels=len(labels), dtype=torch.float32
    )
    if hasattr(model, "freeze_feature_encoder"):
        model.freeze_feature_encoder()
    sides = {name: Clips(task[name], labels, extractor) for name in ("train", "valid", "test")}
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=task["out"],
            num_train_epochs=task["epochs"],
            learning_rate=task["lr"],
            warmup_steps=0.1,  # below 1: a share of the steps
            per_device_train_batch_size=task["batch"],
            per_device_eval_batch_size=4,
            eval_strategy="epoch",
            save_strategy="epoch",
            save_total_limit=1,
            load_best_model_at_end=True,
            metric_for_best_model="accuracy",
            remove_unused_columns=False,
            seed=task["seed"],
            report_to="none",
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
            bf16=task["bf16"],
        ),
        train_dataset=sides["train"],
        eval_dataset=sides["valid"],
        compute_metrics=lambda p: {"accuracy": float((np.argmax(p.predictions, axis=1) == p.label_ids).mean())},
        processing_class=extractor,
    )
    trainer.train()
    given = trainer.predict(sides["test"]).predictions.argmax(1)
    return {path: labels[int(best)] for (path, _), best in zip(task["test"], given, strict=True)}


def main() -> None:
    task, result = (Path(p) for p in sys.argv[1:])
    began = time.monotonic()
    found = train(json.loads(task.read_text(encoding="utf-8")))
    result.write_text(json.dumps({"given": found, "seconds": time.monotonic() - began}), encoding="utf-8")


if __name__ == "__main__":
    main()
