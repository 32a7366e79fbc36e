"""The sections of a pretraining's config; see `sections` for a run's."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from audioft.configuration.sections import Section, Spec


class PoolSection(Section):
    sources: list[Spec] = []
    """Where recordings are: paths, or `{path: DIR, where: {fold: [1, 2]}, without: {licence: X}, weight: 2}`."""
    crop_seconds: float = Field(3.0, gt=0.1, le=60)
    """Length of the pieces that are learnt from, in seconds as the encoder hears them."""
    time_expansion: float | None = None
    """As in training: recordings are slowed down by so much, or below 1 sped up; the encoder keeps it for what it is
    trained on later. null: as the encoder that is gone on from, where neither this nor `band` is given."""
    band: list[float] | None = None
    """Likewise: `[LOWEST, HIGHEST]` in Hz, which is shifted down."""
    held_out: float = Field(0.03, ge=0, lt=1)
    """Share of the recordings that are only measured on."""
    max_bad: float = Field(0.05, ge=0, le=1)
    """Share of bad recordings above which nothing is begun."""
    allow_outside: bool = False
    """Whether a table may name files outside its own folder."""
    audio_root: str | None = None
    """Folder that the names in tables are relative to, where the tables lie elsewhere; null: each table's own. Names
    with the folders of another machine are looked for in it by their last parts."""
    workers: int = Field(1, ge=0)
    """Processes that read crops; changes no result."""


class StartSection(Section):
    start: str | None = None
    """Encoder to go on from (`--from`): `mini`, a local folder or a hub id; null begins from nothing."""
    revision: str | None = None
    """Its branch, tag or commit on the hub."""
    architecture: dict[str, Any] = {
        "family": "wav2vec2",
        "filterbank": True,
        "hidden_size": 192,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "intermediate_size": 768,
        "do_stable_layer_norm": True,
        "conv_dim": [128, 192, 256],
        "conv_kernel": [256, 10, 8],
        "conv_stride": [16, 5, 4],
        "conv_bias": True,
        "feat_extract_norm": "layer",
        "num_conv_pos_embeddings": 64,
        "num_conv_pos_embedding_groups": 8,
    }
    """From nothing: `family`, `filterbank` (three convolutions start as one), and transformers' settings."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Every dropout of the encoder while it is pretrained."""
    layerdrop: float = Field(0.0, ge=0, lt=1)
    """How likely a layer is skipped while it is pretrained."""
    dtype: Literal["float32", "float16"] = "float32"
    """Of the weights on disk."""


class Round(Section):
    targets: Literal["mfcc", "layer", "teacher"] = "mfcc"
    """What is clustered: MFCCs with their deltas, or the states of one of the encoder's own layers; `teacher` clusters
    nothing and hides no frame: only what the teacher says is learnt, and textures and likeness."""
    clusters: int = Field(100, ge=2, le=5000)
    """How many clusters."""
    layer: int | None = Field(None, ge=1)
    """Which layer; null takes the middle one."""
    steps: int = Field(3000, ge=1)
    """Optimiser steps."""


class ObjectiveSection(Section):
    rounds: list[Round] = []
    """`[{targets: mfcc, clusters: 100, steps: 3000}, {targets: layer, clusters: 200, layer: 3, steps: 3000}]`;
    empty takes one of each from nothing, one of the second kind where an encoder is gone on from, and with a teacher
    `[{targets: teacher}]`."""
    mask: float = Field(0.5, gt=0, lt=0.63)
    """Share of the frames that is hidden from the transformer, about."""
    mask_frames: int = Field(10, gt=0)
    """Frames a hidden span."""
    masked_clusters: float = Field(1.0, ge=0)
    """Weight of the prediction of hidden frames' clusters."""
    masked_texture: float = Field(0.5, ge=0)
    """Weight of the regression of hidden frames' spectra and their movement; keeps pitch and level."""
    visible_texture: float = Field(0.5, ge=0)
    """Weight of the same for the visible frames as they are heard, from a low layer."""
    visible_layer: int = Field(1, ge=0)
    """That layer; 0 is before the first."""
    like_sound: float = Field(10.0, ge=0)
    """Weight of how far the likeness of whole crops in every layer is from that of their sounds; keeps timbre.
    Crops of one piece on one process are compared."""
    like_recording: float = Field(0.3, ge=0)
    """Weight of telling crops of one recording from all others, in every layer; keeps the voice and the place."""
    like_up_to: int | None = Field(None, ge=0)
    """The highest layer of which the two are asked; null for all."""
    crops: int = Field(2, ge=1)
    """Crops of each recording that is drawn, in the same step; like_recording needs 2."""
    sample_frames: int = Field(100_000, ge=1000)
    """Frames that clusters are found on."""


class TeacherSection(Section):
    encoder: str | None = None
    """Encoder whose states are learnt (`--teacher`): a local folder or a hub id; null for none."""
    revision: str | None = None
    """Its branch, tag or commit on the hub."""
    layers: list[int] = []
    """Which of its layers, 0 being before the first; empty takes the middle one and the last."""
    canvas: Literal["crop", "own"] = "crop"
    """Of an encoder that lays every clip on a canvas: `crop` gives Whisper one as long as a crop, at a cost in
    proportion; `own` its own 30 s."""
    frames: float = Field(1.0, ge=0)
    """Weight of the prediction of its states, frame by frame, from the encoder's last ones (DistilHuBERT)."""
    pooled: float = Field(1.0, ge=0)
    """Weight of the prediction of their mean and deviation over time from those of all the encoder's layers."""
    likeness: float = Field(0.0, ge=0)
    """Weight of how far the likeness of crops in the layers is from that in the teacher. Crops of one piece on one
    process are compared."""
    likeness_from: int = Field(0, ge=0)
    """The lowest layer of the encoder of which that is asked; 0 is before the first."""
    crops: int = Field(10_000, ge=1)
    """About so many crops of all recordings together are learnt from again and again, so that what the teacher says
    of each is computed once; how they are disturbed is drawn anew."""
    precision: Literal["fp32", "bf16", "auto"] = "auto"
    """Of the teacher; `auto` takes bf16 where the device computes in it natively."""
    gigabytes: float = Field(20.0, gt=0)
    """At most so much of its states is kept in the user's cache at the end of a pretraining."""


class StepsSection(Section):
    batch_size: int = Field(16, gt=0)
    """Crops a step, over all processes and pieces together."""
    accumulate: int = Field(1, gt=0)
    """Pieces a step is computed in."""
    lr: float = Field(1.5e-3, gt=0)
    """Peak learning rate."""
    layer_decay: float = Field(1.0, gt=0, le=1)
    """Each layer learns at this times the rate of the one above it."""
    weight_decay: float = Field(0.01, ge=0)
    """AdamW's, of matrices and kernels."""
    schedule: Spec = {"name": "cosine", "warmup": 0.08}
    """`linear`, `cosine`, `tri_stage` or `constant`, over each round."""
    measures: int = Field(10, gt=0)
    """How many times a round is measured: on held-out recordings, and by the probes."""
    clip_norm: float = Field(1.0, ge=0)
    """Gradients are scaled down to this norm; 0 leaves them."""
    precision: Literal["fp32", "bf16", "auto"] = "auto"
    """`auto` takes bf16 where the device computes in it natively."""
    device: str = "auto"
    """`auto`, `cpu`, `cuda`."""
    save_steps: int = Field(0, ge=0)
    """A checkpoint every so many steps, besides those at measures."""
    save_minutes: float = Field(5.0, ge=0)
    """A checkpoint every so many minutes, besides those at measures: at each, or where a save takes over two seconds,
    once it is a tenth of the time since the last one."""
    keep: int = Field(2, gt=0)
    """How many checkpoints to keep."""
    log_every: int = Field(10, gt=0)
    """Steps between two rows of training metrics."""
    tensorboard: bool = True
    """Write TensorBoard events."""


class ProbeSection(Section):
    sources: list[str] = []
    """Labelled folders or tables that the encoder is probed on (`--probe`); their labels are used for nothing else."""
    data: dict[str, Any] = {}
    """How these are read, as `{na: keep, audio_root: DIR}`: settings of a run's `data` section, and `point_width`."""
    clips: int = Field(600, ge=10)
    """At most so many clips of each."""
    seconds: float = Field(5.0, gt=0.1)
    """Of each clip as the encoder hears it, from its beginning."""


class PretrainConfig(Section):
    """A whole pretraining. See each section for its settings.

    >>> PretrainConfig().objective.mask
    0.5
    """

    data: PoolSection = PoolSection()
    encoder: StartSection = StartSection()
    freeze: Any = None
    """As in training: `none`, `feature_extractor`, `{top: N}`, or a plan by measure as {0: {top: 2}, 2: none}; null
    freezes the feature extractor, unless its weights are random."""
    augment: list[Spec] = []
    """Augmentations of a crop before anything is predicted of it."""
    disturb: list[Spec] = []
    """Augmentations of what the encoder hears; what is predicted stays undisturbed. They must not change the length."""
    mixing: dict[str, Any] | None = {"p": 0.5}
    """A part of a second recording in what is heard: `{p: 0.5, max_share: 0.5, min_db: -5, max_db: 15}`, or null."""
    objective: ObjectiveSection = ObjectiveSection()
    teacher: TeacherSection = TeacherSection()
    train: StepsSection = StepsSection()
    probe: ProbeSection = ProbeSection()
    seed: int = Field(0, ge=0)
    """Of everything random."""

    def frozen(self) -> Any:
        """The freezing policy: as set, else of the feature extractor where its weights are worth keeping."""
        random = self.encoder.start is None and not self.encoder.architecture.get("filterbank", False)
        return self.freeze if self.freeze is not None else "none" if random else "feature_extractor"
