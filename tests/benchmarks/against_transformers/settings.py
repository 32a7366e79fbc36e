"""What is compared, at which sizes, with which settings: everything a reader may want to doubt or change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

BATCH = 8  # clips a step, of both; the same mean seconds
#: audioft's settings in every row. The rates are those of the opponent, and so is what is not drawn: no augmentation,
#: no masking. What is left out has audioft's default.
OURS: dict[str, Any] = {
    "data.valid": None,  # the folders give the sides
    "data.test": None,  # at the end both measure the best epoch on the validation side once more
    "data.max_seconds": 12,  # no clip is cut
    "data.workers": 2,
    "train.batch_size": BATCH,
    "train.head_lr": None,  # one rate for all, as the Trainer has it
    "freeze": "feature_extractor",
    "model.start": "random",  # both begin with the same weights
    "model.pooling": "own",
    "train.metric": None,
}
#: besides, where clips have all lengths
OURS_MIXED: dict[str, Any] = {"train.batch_seconds": 50}  # the same mean seconds a step

WARMUP, DECAY, BETAS = 0.1, 0.01, (0.9, 0.98)  # audioft's defaults, given to the opponent at its best
PIPELINE_BATCHES = (8, 4, 2, 1)  # of these the fastest is taken; 1 comes last
ENCODER = {  # the published facebook/wav2vec2-base, its weights apart
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "feat_extract_norm": "group",
    "hidden_dropout": 0.1,
    "attention_dropout": 0.1,
    "activation_dropout": 0.0,
    "feat_proj_dropout": 0.1,
    "final_dropout": 0.0,
    "layerdrop": 0.05,
    "mask_time_prob": 0.05,
}
SMALL = {  # for a quick try
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


@dataclass(frozen=True)
class Sizes:
    """How much of everything.

    Attributes:
        train, valid: clips a side.
        label: recordings to label.
        score_train, score_valid, score_epochs: of the row that learns with `mini`.
        few: clips of the row of 100 times the clips, at its smaller size.
        epochs: instead of each row's own.
        pairs: instead of each row's own.
        defaults: how many of the pairs have the opponent at its defaults beside them.
        batches: sizes of batch tried with the pipeline.
    """

    train: int = 32
    valid: int = 16
    label: int = 72
    score_train: int = 120
    score_valid: int = 80
    score_epochs: int = 6
    few: int = 600  # 180 s: prediction looks at 160 s together
    times: int = 100
    epochs: int | None = None
    pairs: int | None = None
    defaults: int = 1
    batches: tuple[int, ...] = PIPELINE_BATCHES


QUICK = Sizes(8, 4, 6, 16, 8, 1, 40, 3, epochs=1, pairs=1, defaults=0, batches=(4, 1))


@dataclass(frozen=True)
class Training:
    """A row in which both train.

    Attributes:
        title: in the table.
        clips: `equal` (5 s) or `mixed` (0.5 to 12 s).
        freeze: of audioft; the opponent's is `opponent.freeze` of the same name.
        epochs, lr: of both.
        floors: how many times as fast audioft is to be as the opponent at its best, at its defaults.
        pairs: how often both run, one after the other.
        encoder: `base`, or `mini` (in the package), which has learnt something.
        settings: of audioft, besides `OURS`.
    """

    title: str
    clips: str
    freeze: Any
    epochs: int
    lr: float
    floors: tuple[float, float] | None
    pairs: int = 2
    encoder: str = "base"
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Labelling:
    """A row in which both label a folder.

    Attributes:
        title, floors, pairs: as for `Training`.
        precision: `fp32` or `bf16`.
    """

    title: str
    precision: str
    floors: tuple[float, float]
    pairs: int = 3


TRAININGS = {
    "probe": Training("probe: encoder frozen", "equal", "all", 20, 1e-3, (12, 20)),
    "top2": Training("top 2 layers free", "equal", {"top": 2}, 10, 1e-4, (2.5, 5)),
    "mixed": Training(
        "feature extractor frozen, mixed lengths", "mixed", "feature_extractor", 3, 5e-5, (1.5, 3), settings=OURS_MIXED
    ),
    "equal": Training("the same, equal lengths", "equal", "feature_extractor", 3, 5e-5, (1.25, 2)),
    "score": Training("same score: `mini`, all layers", "mixed", "feature_extractor", 6, 3e-4, None, 1, encoder="mini"),
}
LABELLINGS = {
    "label-bf16": Labelling("label a folder, bfloat16", "bf16", (2.5, 2.5)),
    "label-fp32": Labelling("label a folder, float32", "fp32", (1.2, 1.2)),
}
ROWS = (*TRAININGS, *LABELLINGS, "hundredfold", "step")
