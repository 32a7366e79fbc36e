"""The sections of a config: every setting with its type, range, default and, below it, its help text."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from audioft.configuration.names import Name, Names
from audioft.configuration.values import (
    AUTO,
    Count,
    Duration,
    Fold,
    Layers,
    OptionalRate,
    OptionalShare,
    Patience,
    Rate,
)

Spec = str | dict[str, Any]


class Section(BaseModel):
    """A group of settings: no unknown key, no later change, docstrings kept as descriptions."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, strict=False)


class DataSection(Section):
    source: str | None = None
    """Folder, `.csv`, `.tsv` or `.jsonl` with the recordings."""
    label: str | None = None
    """Column of the table that holds the label; `label` or `labels` if not given. `folder:2` is the name of a folder of
    the second level in the source, `folder:-1` of that which a recording lies in; `name:PATTERN` is what a regular
    expression (its first group, if it has one) finds in the file's name."""
    group: str | None = None
    """Column whose clips stay on one side of a split; `speaker`, `group` or `source` if there, else the recording.
    `folder:1`, `name:^(.*?)_` and the like, as for `label`."""
    valid: float | str | None = 0.15
    """Validation side: a share of the clips, or `COLUMN=VALUE`; null for none. A split that the data gives is kept."""
    test: float | str | None = 0.15
    """Test side, likewise."""
    fold: Fold = None
    """`2/5`: of the clips that are not tested the second of five folds, made by whole groups, is the validation side,
    and all others are trained on; `train --folds 5` sets it for each of its runs."""
    max_seconds: float = Field(10.0, gt=0.025)
    """Longest piece that goes through the model, in seconds as the encoder hears them: training crops, evaluation and
    prediction take windows."""
    time_expansion: float | None = None
    """Recordings are slowed down by so much (ultrasound by 10), or below 1 sped up (infrasound by 0.1), and so heard;
    all times stay those of the recordings. null: as the encoder or model was trained, where neither this nor `band` is
    given."""
    band: list[float] | None = None
    """`[LOWEST, HIGHEST]` in Hz, as [18000, 80000]: only this is heard, shifted down so that the lowest lies at 0 Hz;
    one that is wider than the encoder hears is slowed down as well, by as much as it needs. null likewise."""
    max_bad: float = Field(0.05, ge=0, le=1)
    """Share of bad recordings above which the run stops before training."""
    allow_outside: bool = False
    """Whether a table may name files outside its own folder."""
    audio_root: str | None = None
    """Folder that the names in a table are relative to, where the table lies elsewhere; null: the table's own. Names
    with the folders of another machine are looked for in it by their last parts."""
    na: Literal["empty", "keep"] = "empty"
    """What `NA`, `nan`, `None`, `null` and the like are as labels: `empty`, missing ones; `keep`, labels."""
    source_kind: Literal["classes", "events"] | None = None
    """What the labels of a folder are: `classes`, the names of its folders; `events`, its label files. null: label
    files, where there are some; less than half of the recordings with one are asked about."""
    label_files: str | None = None
    """Which label files are read, a pattern as `*.selections.txt`; null: all, and two of one recording are refused."""
    min_score: float | None = Field(None, ge=0, le=1)
    """Label files and tables whose labels have scores, as detections of a program do: those of at least this score are
    taken. null: label files with scores are refused."""
    unlabelled: Literal["skip", "background"] | None = None
    """Selections of Raven without a label: `skip` leaves them out, `background` calls them background; null refuses."""
    folders: Literal["plain", "birdnet"] = "plain"
    """`birdnet`: a folder `dog,rain` holds both labels, `-dog` recordings without dog, and `background`, `noise`,
    `other` and `silence` hold none; clips may then have several labels."""
    rename: dict[Name, Name] = {}
    """New names of labels, `{dogs: dog, Dog: dog}`; several may get the same one. A name that no label has is an error,
    here and in `merge`, `drop`, `keep` and `negatives`, which speak of labels as they are then called."""
    merge: dict[Name, Names] = {}
    """Labels that become one, `{animal: [dog, cat]}`."""
    drop: Names = []
    """Labels that are left out, with the clips that have no other."""
    keep: Names = []
    """The only labels that are kept, all others are left out; empty keeps all."""
    negatives: Names = []
    """Labels that are background: their clips are of the class `background`, which is no event to `predict --what
    segments`, or of no label where clips may have several."""
    exclude: Names = []
    """Recordings that are left out: patterns of their names or paths (`old/*.wav`), folders, names, or files of names
    (one a line, or a table with a column of recordings as `bad_files.csv`; a row with times leaves out these)."""
    workers: int = Field(2, ge=0)
    """Processes that read clips; changes no result."""


class EventsSection(Section):
    use: Literal["clips", "frames"] | None = None
    """What is learnt of labels with times: `clips`, cut out around each event; `frames`, an answer for every frame of
    the encoder. Null: label files beside recordings are cut to clips, and rows of a table are clips as they are."""
    context: float = Field(0.0, ge=0)
    """Clips: seconds of the recording kept before and after each event."""
    background: Literal["none", "class", "negatives"] = "none"
    """Clips: what lies between events. `class`: a class of its own, called background; `negatives`: clips of no label,
    and every clip has all the labels that are in it. Frames learn from what lies between in any case."""
    point_width: float | None = Field(None, gt=0)
    """Seconds that an event without a length lasts, half before and half after its point; null refuses points."""


class EncoderSection(Section):
    name: str = "mini"
    """`mini` (in the package), a local folder in transformers' format, or a hub id as facebook/wav2vec2-base."""
    revision: str | None = None
    """Branch, tag or commit on the hub."""
    dropout: OptionalShare = AUTO
    """Replaces every dropout of the encoder in training; null keeps the checkpoint's. `auto`: 0 where the head begins
    as the probe, which was fitted to what the encoder says without; else the checkpoint's."""
    layerdrop: OptionalShare = AUTO
    """Replaces the probability that a layer is skipped in training; null and `auto` as for `dropout`."""


class StartSection(Section):
    model: str | None = None
    """A run, a model folder or a hub id of a classifier to go on from, with its encoder; the head is kept where the
    labels are the same, and made where they are not."""
    extend: bool = False
    """Keep all labels of that model, and add those of the data to them."""
    probe: str | None = None
    """A folder that `audioft probe --out DIR` has made: its probe becomes the model as it is, nothing is trained."""
    keep_sides: bool = True
    """Where sides are made, what that model (or `encoder.name`) was trained on is trained on again, and what it was
    tested on is tested on; `false` makes them anew."""


class ModelSection(Section):
    layers: Layers = AUTO
    """`last`: the encoder's output; `weighted`: a learned sum over all its layers; a number N: the states after layer N
    (0: before the first), as `audioft probe` counts them. The layers above are neither run nor saved, and `freeze`
    counts from layer N. `auto`: the layer on which the probe that the run begins with does best, where another one
    does better than the last and the whole encoder stays frozen, or there are fewer than 1,000 clips; else the last."""
    pooling: Spec = AUTO
    """`mean`, `stats` (mean and deviation), `attentive_stats` (weighted by what is learned; with `context: true` by the
    whole clip too) or `xvector` (time-delay layers, then `stats`); `own` is how transformers' classification class of
    the encoder pools: `mean`, but `tokens` of the AST and `all_frames` of Whisper. `auto`: `stats` where the probe that
    the run begins with does better by it, else `own`."""
    head: Spec = "own"
    """`projection`, `linear`, `mlp`, `normalised`, `cosine` (an embedding beside one of each label) or `prototype`
    (fitted, not trained: --few-shot); `own` is the head of transformers' classification class of the encoder:
    `projection`, but `normalised` of the AST."""
    start: Literal["random", "probe"] = "probe"
    """How a new head begins: `probe`, as the linear classifier that fits best what the encoder says of the training
    side before it is trained; training goes on from it, and it is kept where no epoch is better. Or `random`."""


class TrainSection(Section):
    epochs: Count = AUTO
    """Passes over the training side. `auto`: fewer, the more clips there are: 40 of up to 225, 19 of 1,000, 6 of
    10,000, 3 of 40,000 and more."""
    budget: Duration = None
    """How long the whole run may take on this machine, as 90s, 5m, 2h, 1h30m or 1:30:00: where `freeze` and `epochs`
    are `auto`, they are the most that fits, by steps timed before the first one. An estimate: no run is cut short."""
    folds: int | None = Field(None, ge=2)
    """A model a fold, as many as this, each trained on all folds but one; joined into an ensemble, with what each said
    of its own fold in `out_of_fold.csv`. null: one model."""
    batch_size: int = Field(16, gt=0)
    """Clips a step, over all processes and pieces together."""
    batch_seconds: float | None = Field(None, gt=0)
    """Seconds of sound a step, padding included, over all processes and pieces together: as many clips of like length
    as fit, and batch_size says nothing. A longer clip is a step of its own. null: batch_size decides."""
    accumulate: int = Field(1, gt=0)
    """Pieces a step is computed in: more pieces take less memory and learn the same but for the draws of dropout."""
    lr: Rate = AUTO
    """Peak learning rate of the encoder. `auto`: 1e-4; where the head begins as the probe, less of a wider encoder, and
    of adapters ten times as much."""
    head_lr: OptionalRate = AUTO
    """Peak learning rate of pooling and head; null for the encoder's. `auto`: 1e-3; where the head begins as the probe,
    as much as an encoder without adapters learns at, and 1e-5 if the whole encoder stays frozen."""
    layer_decay: float = Field(1.0, gt=0, le=1)
    """Each encoder layer learns at this times the rate of the one above it."""
    weight_decay: float = Field(0.01, ge=0)
    """AdamW's, of matrices and kernels."""
    schedule: Spec = "linear"
    """`linear`, `cosine`, `tri_stage` or `constant`, each with `warmup` as a share of the steps."""
    loss: Spec | None = None
    """`cross_entropy`, `focal` or `bce`; null takes cross_entropy, or bce where clips carry several labels. With the
    head cosine also `am_softmax` and `aam_softmax`, whose `margin` is a number or a plan by epoch as {0: 0, 5: 0.2}."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced`: rare labels weigh more in the loss."""
    sampler: Literal["shuffle", "balanced"] = "shuffle"
    """`balanced`: rare labels are drawn more often."""
    ema: float | None = Field(None, gt=0, lt=1)
    """Validated and kept are weights averaged over the steps, each step's counting this much less than the one after
    it: 0.999 is over about a thousand steps, fewer at the beginning. Training goes on from its own. null: none."""
    average_last: int = Field(0, ge=0)
    """Likewise the mean of the weights after so many of the last epochs; 0: none."""
    clip_norm: float = Field(1.0, ge=0)
    """Gradients are scaled down to this norm; 0 leaves them."""
    metric: str | None = "auto"
    """Figure by which the best epoch is kept. `auto`: `refined_loss`, the log loss after the best temperature, which
    says more of few clips than how many are right; map where frames are labelled. null: accuracy, or map where clips
    carry several labels. `last` keeps the last epoch, as a plan of stages wants it."""
    patience: Patience = AUTO
    """Stop after so many epochs without a better one; 0 never. `auto`: a fifth of the epochs, at least 3, where the
    head begins as the probe and `freeze` is no plan; else never."""
    precision: Literal["fp32", "bf16", "auto"] = "auto"
    """`auto` takes bf16 where the device computes in it natively."""
    device: str = "auto"
    """`auto`, `cpu`, `cuda`."""
    save_steps: int = Field(0, ge=0)
    """A checkpoint every so many steps, besides those after an epoch."""
    save_minutes: float = Field(10.0, ge=0)
    """A checkpoint every so many minutes, besides those after an epoch: after each, or where a save takes over two
    seconds, once it is a tenth of the time since the last one."""
    keep: int = Field(2, gt=0)
    """How many checkpoints to keep."""
    log_every: int = Field(10, gt=0)
    """Steps between two rows of training metrics."""
    tensorboard: bool = True
    """Write TensorBoard events."""


class CacheSection(Section):
    views: int | None = Field(None, ge=0)
    """What is frozen is computed once for so many drawn views of a clip (crop, augmentation, mixture) and kept; 0 keeps
    nothing. null: 1 where nothing is drawn before the frozen part ends, else 0."""
    precision: Literal["float16", "bfloat16", "float32"] = "float16"
    """What is kept in; it is read as kept from the first epoch on."""
    gigabytes: float = Field(20.0, ge=0)
    """Most that may be kept of either kind, of all runs together; what was used longest ago goes first."""
    moments: bool = True
    """Of summed layers (`model.layers=weighted`) below the pooling `stats`, keep means and covariances over time, not
    frames; changes numbers by no more than rounding."""
    audio: bool = False
    """Keep the decoded training clips in the user's cache folder (audioft/audio) at the encoder's rate, 115 MB an hour,
    so that later epochs and runs neither decode nor resample. Their samples are rounded to 16 bits; a crop is cut after
    resampling, not before."""


class EvaluateSection(Section):
    batch_seconds: float | None = Field(None, gt=0)
    """Seconds of audio that go through the model at once; changes no score by more than rounding. null: 20 on a
    processor, 60 on a GPU."""
    resamples: int = Field(1000, ge=0)
    """Bootstrap resamples for the 95 % intervals."""
    precision: Literal["fp32", "bf16", "auto"] = "fp32"
    """What is computed once is computed in: evaluation, and what is kept of frozen layers. `auto` takes bf16 where the
    device computes in it natively; scores then differ by about 2e-2 from those on another machine."""
    players: int = Field(100, ge=0)
    """How many mistakes can be heard in `report.html`, at most: up to 10 s each, 20 MB of the page in all, the surest
    first. Whoever has the page can hear them; 0 puts no sound into it."""


class Config(Section):
    """A whole run. See each section for its settings.

    >>> Config().train.batch_size
    16
    """

    data: DataSection = DataSection()
    events: EventsSection = EventsSection()
    encoder: EncoderSection = EncoderSection()
    start: StartSection = StartSection()
    freeze: Any = AUTO
    """`feature_extractor`, `all`, `none`, `{top: N}`, or a plan by epoch as {0: all, 2: {top: 2}}. `auto`: `all` where
    there are fewer than 1,000 clips for a new head to learn from and nothing is augmented or adapted, as training with
    so few does not beat the probe; else, and where frames are labelled, `feature_extractor`."""
    adapt: Spec | None = None
    """Train few parameters of the encoder's layers while its own stay as they are: `lora` with `r`, `alpha`, `dropout`
    and `targets` (attention, all-linear or names of modules); `ia3`; `bias`; `norm`. Layers that `freeze` never frees
    get none; `freeze: none` and `all` are refused. `save: adapter` leaves a small model folder that needs its encoder,
    `merged` (the default) a whole one. `train.lr` is their rate; lora likes ten times the encoder's."""
    model: ModelSection = ModelSection()
    augment: list[Spec] = []
    """Augmentations of the waveform and its spectrogram, in order."""
    mixup: dict[str, Any] | None = None
    """Mixing of two clips: `{p: 0.5, alpha: 0.4}`; null for none."""
    latent: dict[str, Any] | None = None
    """SpecAugment inside the encoder: `{time: 0.05, time_length: 10, channels: 0.0}`; null for none."""
    train: TrainSection = TrainSection()
    cache: CacheSection = CacheSection()
    evaluate: EvaluateSection = EvaluateSection()
    seed: int = Field(0, ge=0)
    """Of everything random."""
