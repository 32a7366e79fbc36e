"""What settings are called elsewhere: in transformers' Trainer and examples, Lightning, Keras, SpeechBrain, timm."""

from __future__ import annotations

import difflib
from collections.abc import Collection

#: Our key, the names that others have for it in any section, and what it takes where that is another thing there.
_SAME = (
    ("train.lr", "lr learning_rate base_lr max_lr init_lr initial_lr encoder_lr backbone_lr", ""),
    ("train.head_lr", "head_learning_rate classifier_lr classifier_learning_rate", ""),
    ("train.epochs", "epochs num_train_epochs num_epochs max_epochs n_epochs nb_epochs number_of_epochs epoch", ""),
    (
        "train.batch_size",
        "batch_size per_device_train_batch_size per_gpu_train_batch_size train_batch_size bs batchsize",
        "",
    ),
    (
        "train.accumulate",
        "gradient_accumulation_steps accumulate_grad_batches grad_accumulation_steps grad_accum accumulation_steps",
        "",
    ),
    (
        "train.schedule.warmup",
        "warmup warmup_ratio warmup_steps num_warmup_steps warmup_epochs",
        "a share of all steps, 0 to 1",
    ),
    ("train.schedule", "lr_scheduler_type lr_scheduler scheduler lr_schedule", ""),
    ("train.weight_decay", "wd weight_decay", ""),
    ("train.clip_norm", "max_grad_norm gradient_clip_val grad_clip clip_grad clip_grad_norm gradient_clipping", ""),
    ("train.precision", "fp16 bf16 amp mixed_precision half_precision use_amp dtype", "fp32, bf16 or auto"),
    ("train.loss", "loss criterion loss_function loss_fn", ""),
    (
        "train.loss",
        "label_smoothing label_smoothing_factor",
        "{name: cross_entropy, smoothing: 0.1}",
    ),
    ("train.class_weights", "class_weight class_weights", "none or balanced"),
    ("train.patience", "early_stopping_patience patience early_stopping early_stop", ""),
    ("train.metric", "metric_for_best_model metric monitor eval_metric", ""),
    ("train.keep", "save_total_limit", ""),
    ("train.log_every", "logging_steps log_interval log_every_n_steps", ""),
    ("train.save_steps", "save_interval checkpoint_steps", ""),
    ("train.device", "no_cuda use_cuda cuda gpu gpus accelerator", "auto, cpu or cuda"),
    ("train.tensorboard", "report_to", ""),
    ("train.layer_decay", "llrd layerwise_lr_decay layer_lr_decay", ""),
    ("seed", "random_seed random_state data_seed manual_seed seed_everything", ""),
    ("evaluate.batch_seconds", "per_device_eval_batch_size eval_batch_size val_batch_size", "seconds"),
    (
        "encoder.name",
        "model_name_or_path model_name model_id pretrained_model pretrained_model_name_or_path base_model backbone "
        "encoder_name checkpoint",
        "",
    ),
    ("encoder.start", "model_name_or_path model_name encoder_name checkpoint", ""),
    ("encoder.revision", "model_revision", ""),
    ("encoder.dropout", "hidden_dropout attention_dropout feat_proj_dropout activation_dropout", ""),
    (
        "data.max_seconds",
        "max_length_seconds max_duration_in_seconds max_length_s max_duration max_audio_length max_length "
        "clip_duration duration chunk_length_s sample_duration max_seconds",
        "seconds",
    ),
    (
        "data.source",
        "data_dir train_dir dataset_name dataset data_path train_file train_data train_csv data_folder",
        "",
    ),
    ("data.label", "label_column_name label_column target_column label_col", "the name of a column"),
    ("data.group", "group_column group_col speaker_column", "the name of a column"),
    (
        "data.valid",
        "validation_split val_split validation_split_percentage eval_split valid_split val_size valid_size "
        "validation_size val_ratio dev_split",
        "",
    ),
    ("data.test", "test_split test_size test_ratio", ""),
    ("data.workers", "dataloader_num_workers num_workers n_workers preprocessing_num_workers", ""),
    (
        "freeze",
        "freeze_feature_encoder freeze_feature_extractor freeze_base_model freeze_encoder freeze_backbone "
        "freeze_layers unfreeze",
        "feature_extractor, all, none or {top: N}",
    ),
    ("latent", "mask_time_prob apply_spec_augment spec_augment specaugment", "{time: 0.05}"),
    ("mixup", "mixup_alpha mixup_prob", "{p: 0.5, alpha: 0.4}"),
    ("augment", "augmentation augmentations transforms use_augmentation", "a list, as [gain, noise]"),
    ("adapt", "lora peft peft_config lora_r lora_alpha lora_rank", "{name: lora, r: 8}"),
    ("model.pooling", "pooling pooling_mode pooling_type", ""),
    ("model.layers", "use_weighted_layer_sum layer", "last or weighted"),
    ("cache.audio", "cache_dir cache_audio", ""),
)
#: What is no setting here, and where it is found instead.
_ELSEWHERE = (
    ("output_dir out out_dir save_dir output_path output checkpoint_dir logging_dir", "the option --out names it"),
    ("overwrite_output_dir overwrite", "that is the option --overwrite"),
    ("resume_from_checkpoint resume", "that is the option --resume"),
    ("config_file config_path", "that is the option --config"),
    ("num_labels num_classes n_classes label2id id2label", "the labels are those of the data"),
    (
        "sampling_rate sample_rate sr target_sr",
        "the encoder says its rate, and recordings of any rate are resampled to it",
    ),
    ("optim optimizer", "it is AdamW; train.lr, train.head_lr and train.weight_decay are its settings"),
    ("do_train do_eval do_predict", "`audioft train`, `evaluate` and `predict` are verbs"),
    ("push_to_hub hub_model_id", "nothing is uploaded here"),
    ("max_steps", "train.epochs says how long; a dry run tells the steps"),
    ("eval_strategy evaluation_strategy eval_steps save_strategy", "each epoch is validated, and the best is kept"),
)
#: Our options, and the names that others have for them.
_OPTIONS = (
    ("--out", "o output output_dir output_file output_path out_dir outdir outfile save_dir save_to dest results"),
    ("--overwrite", "f force overwrite_output_dir clobber replace yes"),
    ("--resume", "continue resume_from_checkpoint skip_existing"),
    ("--quiet", "silent"),
    ("--batch-seconds", "batch_size bs batch per_device_eval_batch_size eval_batch_size"),
    ("--device cuda", "cuda gpu use_cuda use_gpu"),
    ("--device cpu", "cpu no_cuda"),
    ("--device", "accelerator devices"),
    ("--precision bf16", "bf16 half fp16 amp"),
    ("--precision", "dtype torch_dtype"),
    ("--window", "window_size window_length chunk_length_s chunk_length chunk_size segment_length duration"),
    ("--hop", "hop_size hop_length stride stride_length_s step overlap"),
    ("--threshold", "min_score min_conf min_confidence confidence thresholds"),
    ("--top-k", "k n_best top best"),
    ("--all-scores", "scores probs probabilities return_all_scores all"),
    ("--encoders", "encoder encoder_name models model_name_or_path"),
    ("--encoder", "encoder_name model_name_or_path model_name backbone pretrained checkpoint base_model"),
    ("--clips", "max_samples limit num_samples"),
    ("--side", "split subset"),
    ("--rate", "sample_rate sampling_rate sr"),
)
#: Sections that elsewhere are a setting of their own: what is meant by a text in their place.
SECTIONS = {"model": "encoder.name", "encoder": "encoder.name", "data": "data.source", "start": "start.model"}


def counterpart(name: str, known: Collection[str]) -> tuple[str, str] | None:
    """Our key for a setting that has another name elsewhere, and what it takes where that is another thing there.

    Args:
        name: a dotted key, or an option as `--learning-rate`.
        known: the keys there are.

    >>> counterpart("--fp16", ["train.precision"]), counterpart("training.lr", ["seed"])
    (('train.precision', 'fp32, bf16 or auto'), None)
    """
    last = _last(name)
    there = [(key, names.split(), takes) for key, names, takes in _SAME if {key, key.rpartition(".")[0]} & set(known)]
    own = {key.rpartition(".")[2] for key in known}
    if last not in own:  # a key that is there, in another section, is right as it is spelt
        spelt = [n for _, names, _ in there for n in names]
        last = next(iter(difflib.get_close_matches(last, spelt, n=1, cutoff=0.88)), last)
    return next(((key, takes) for key, names, takes in there if last in names), None)


def meant(name: str, known: Collection[str]) -> str | None:
    """What to say of an unknown key that has a name elsewhere, to go behind it; None where nothing is known of it.

    Args:
        name: a dotted key, or an option as `--learning-rate`.
        known: the keys there are.

    >>> meant("training.num_train_epochs", ["train.epochs"]), meant("--output-dir", [])
    (": did you mean 'train.epochs'?", ': the option --out names it')
    >>> meant("fp16", ["train.precision"])
    ": did you mean 'train.precision' (fp32, bf16 or auto)?"
    """
    found = counterpart(name, known)
    if found is not None:
        key, takes = found
        return f": did you mean {key!r}{f' ({takes})' if takes else ''}?"
    last = _last(name)
    return next((f": {said}" for names, said in _ELSEWHERE if last in names.split()), None)


def option(name: str, known: Collection[str]) -> str | None:
    """The option among `known` that has this name elsewhere, with its value where the name says it; None for none.

    >>> option("--cuda", ["--device"]), option("--output-file", ["--out"]), option("--force", ["--out"])
    ('--device cuda', '--out', None)
    """
    last = _last(name)
    return next((own for own, names in _OPTIONS if last in names.split() and own.split()[0] in known), None)


def _last(name: str) -> str:
    return name.strip("-").replace("-", "_").lower().rpartition(".")[2]
