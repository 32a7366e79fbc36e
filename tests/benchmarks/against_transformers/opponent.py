"""The opponent: transformers' Trainer and pipeline. Runs in a process of its own and imports nothing of audioft.

python opponent.py TASK.json RESULT.json

`train` follows transformers' examples/pytorch/audio-classification: its feature extractor with an attention mask,
random crops, `freeze_feature_encoder`, an evaluation an epoch, the best epoch kept, one evaluation at the end. At its
defaults it has what the commands in the example's README say of that, and the Trainer's own values for all else. At its
best it has besides: bfloat16 where the machine computes in it, clips of like length together (their lengths known
beforehand), two workers that decode and resample and stay alive, evaluation in smaller batches (faster on a processor),
no checkpoint but of a better epoch and of the model alone, frozen parts kept in eval mode (no dropout to draw), no
masking, and audioft's betas and weight decay. (Where some layers train, it skips frozen ones by LayerDrop too, which
makes it a little faster.)

`label` hands the recordings to `pipeline`: at its best as 16 kHz samples that its workers decode by soundfile and
resample by soxr, as audioft does; at its defaults as decoded, so that the pipeline resamples, one at a time.
"""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
import torch
from torch.utils.data import Dataset

EXTENSIONS = (".wav", ".flac", ".ogg")


def recordings(folder: Path) -> list[Path]:
    """All recordings below a folder, by name."""
    return sorted(p for p in folder.rglob("*") if p.suffix in EXTENSIONS)


def read(path: Path) -> tuple[np.ndarray, int]:
    """A recording as one channel `(T,)` float32, and its rate."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return samples.mean(1), rate


def read_at(path: Path, rate: int) -> np.ndarray:
    """A recording at a rate, `(T,)` float32."""
    samples, own = read(path)
    return samples if own == rate else soxr.resample(samples, own, rate)


class TrainingClips(Dataset):
    """What the example's `train_transforms` and `val_transforms` make of a clip.

    Args:
        folder: a folder a label.
        labels: in the order of the model's outputs.
        extractor: the feature extractor.
        max_seconds: longer clips are cropped at random; None for whole clips.
    """

    def __init__(self, folder: Path, labels: list[str], extractor: Any, max_seconds: float | None):
        self.paths, self.labels, self.extractor = recordings(folder), labels, extractor
        self.max_seconds = max_seconds

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> dict[str, Any]:
        rate = self.extractor.sampling_rate
        samples = read_at(self.paths[index], rate)
        if self.max_seconds is not None and len(samples) > self.max_seconds * rate:
            begin = random.randint(0, len(samples) - round(self.max_seconds * rate) - 1)
            samples = samples[begin : begin + round(self.max_seconds * rate)]
        values = self.extractor([samples], sampling_rate=rate)["input_values"][0]
        return {"input_values": values, "labels": self.labels.index(self.paths[index].parent.name)}

    def lengths(self) -> list[int]:
        """Of each clip, from its header: what `datasets` would keep in a column."""
        headers = [soundfile.info(str(p)) for p in self.paths]
        return [round(h.frames * self.extractor.sampling_rate / h.samplerate) for h in headers]


def freeze(model: Any, policy: str | dict[str, int], quiet: bool) -> None:
    """Freeze as audioft's setting of the same name does; `quiet` keeps what is frozen in eval mode."""
    base = model.base_model
    model.freeze_feature_encoder()  # always: without it the convolutions ask for gradients of the samples
    frozen = [base.feature_extractor]
    if policy == "all":
        model.freeze_base_model()
        frozen = [base]
    elif isinstance(policy, dict):
        e = base.encoder
        frozen += [base.feature_projection, e.pos_conv_embed, e.layer_norm, e.dropout, *e.layers[: -policy["top"]]]
        base.masked_spec_embed.requires_grad_(False)
    for module in frozen:
        module.requires_grad_(False)
        if quiet:
            module.eval()
            module.train = lambda mode=True, module=module: module


def train(task: dict[str, Any]) -> dict[str, Any]:
    """Train and evaluate; figures of the best epoch."""
    from transformers import (
        AutoFeatureExtractor,
        AutoModelForAudioClassification,
        Trainer,
        TrainingArguments,
        set_seed,
    )
    from transformers.trainer_pt_utils import LengthGroupedSampler

    best, data = task["best"], Path(task["data"])
    set_seed(0)
    extractor = AutoFeatureExtractor.from_pretrained(task["model"], return_attention_mask=True)
    model = AutoModelForAudioClassification.from_pretrained(task["model"], dtype=torch.float32)
    model.config.apply_spec_augment = model.config.apply_spec_augment and not best
    freeze(model, task["freeze"], quiet=best)
    labels = [label for _, label in sorted(model.config.id2label.items())]
    training = TrainingClips(data / "train", labels, extractor, task["max_seconds"])
    validation = TrainingClips(data / "valid", labels, extractor, None)

    class Grouping(Trainer):
        """With the lengths of a plain dataset known: the Trainer would read every clip to find them."""

        def _get_train_sampler(self, train_dataset=None):
            return LengthGroupedSampler(self.args.train_batch_size, lengths=training.lengths())

        def _get_eval_sampler(self, eval_dataset):
            return LengthGroupedSampler(self.args.eval_batch_size, lengths=validation.lengths())

    trainer = (Grouping if best else Trainer)(
        model=model,
        args=TrainingArguments(**arguments(task)),
        train_dataset=training,
        eval_dataset=validation,
        compute_metrics=lambda p: {"accuracy": float((np.argmax(p.predictions, axis=1) == p.label_ids).mean())},
        processing_class=extractor,
    )
    trained = trainer.train()
    trainer.save_model()
    figures = trainer.evaluate()
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    return {
        "accuracy": figures["eval_accuracy"],
        "valid_loss": figures["eval_loss"],
        "train_loss": losses[-1] if losses else None,
        "clips": len(validation),
        "training_seconds": trained.metrics["train_runtime"],
    }


def arguments(task: dict[str, Any]) -> dict[str, Any]:
    """Of `TrainingArguments`."""
    cuda = torch.cuda.is_available()
    given = {
        "output_dir": task["out"],
        "num_train_epochs": task["epochs"],
        "learning_rate": task["lr"],
        "warmup_steps": task["warmup"],  # below 1: a share of the steps
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "save_total_limit": 3,
        "load_best_model_at_end": True,
        "metric_for_best_model": "accuracy",
        "logging_strategy": "steps",
        "logging_steps": 10,
        "remove_unused_columns": False,
        "seed": 0,
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": cuda,
        "use_cpu": not cuda,  # without it bf16 is refused where there is no GPU
    }
    if not task["best"]:
        return given
    return given | {
        "per_device_train_batch_size": task["batch"],
        "per_device_eval_batch_size": task["batch"] if cuda else 4,
        "bf16": task["bf16"],
        "dataloader_num_workers": 2,
        "dataloader_persistent_workers": True,
        "adam_beta1": task["betas"][0],
        "adam_beta2": task["betas"][1],
        "weight_decay": task["decay"],
        "save_strategy": "best",
        "save_only_model": True,
        "save_total_limit": 1,
        "logging_strategy": "epoch",
    }


class Recordings(Dataset):
    """What the pipeline is given of each recording.

    Args:
        paths: of the recordings.
        rate: of the samples; None leaves resampling to the pipeline.
    """

    def __init__(self, paths: list[Path], rate: int | None):
        self.paths, self.rate = paths, rate

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> dict[str, Any]:
        samples, own = read(self.paths[index])
        if self.rate is None or own == self.rate:
            return {"raw": samples, "sampling_rate": own}
        return {"raw": soxr.resample(samples, own, self.rate), "sampling_rate": self.rate}


def label(task: dict[str, Any]) -> dict[str, Any]:
    """Label a folder once for each pass that is asked for; the seconds of each, and the scores of the last."""
    from transformers import pipeline

    folder = Path(task["folder"])
    device = 0 if torch.cuda.is_available() else "cpu"
    seconds, scores, labellers = [], {}, {}
    for one in task["passes"]:
        how = {"dtype": {"bf16": torch.bfloat16, "fp32": torch.float32}[one["precision"]]} if task["best"] else {}
        labeller = labellers.get(one["precision"]) or pipeline(
            "audio-classification", model=task["model"], device=device, **how
        )
        labellers[one["precision"]] = labeller
        paths = recordings(folder)
        if one["sorted"]:
            paths.sort(key=lambda p: soundfile.info(str(p)).duration)
        given = Recordings(paths, labeller.feature_extractor.sampling_rate if task["best"] else None)
        workers = {"num_workers": 2} if task["best"] else {}
        began = time.monotonic()
        found = list(labeller(given, batch_size=one["batch"], top_k=None, **workers))
        seconds.append(time.monotonic() - began)
        scores = {
            str(p.relative_to(folder)): {x["label"]: x["score"] for x in answer}
            for p, answer in zip(paths, found, strict=True)
        }
    return {"seconds": seconds, "scores": scores}


def main() -> None:
    """Do the task that a file describes."""
    task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    found = {"train": train, "label": label}[task["do"]](task)
    Path(sys.argv[2]).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
