"""Settings called as in other tools lead to ours."""

from __future__ import annotations

import pytest

import audioft
from audioft.configuration import other_names
from audioft.configuration.config import keys
from audioft.configuration.pretraining import PretrainConfig
from audioft.errors import ConfigError

MEANT = {
    "learning_rate": "train.lr",
    "train.learning_rate": "train.lr",
    "train.lerning_rate": "train.lr",
    "num_train_epochs": "train.epochs",
    "epochs": "train.epochs",
    "train.max_epochs": "train.epochs",
    "per_device_train_batch_size": "train.batch_size",
    "batch_size": "train.batch_size",
    "data.batch_size": "train.batch_size",
    "gradient_accumulation_steps": "train.accumulate",
    "warmup_ratio": "train.schedule.warmup",
    "train.warmup_steps": "train.schedule.warmup",
    "lr_scheduler_type": "train.schedule",
    "weight_decay": "train.weight_decay",
    "max_grad_norm": "train.clip_norm",
    "fp16": "train.precision",
    "train.mixed_precision": "train.precision",
    "train.seed": "seed",
    "random_state": "seed",
    "model_name_or_path": "encoder.name",
    "max_length_seconds": "data.max_seconds",
    "freeze_feature_encoder": "freeze",
    "model.freeze": "freeze",
    "early_stopping_patience": "train.patience",
    "metric_for_best_model": "train.metric",
    "dataloader_num_workers": "data.workers",
    "num_workers": "data.workers",
    "train.workers": "data.workers",
    "label_smoothing_factor": "train.loss",
    "label_column_name": "data.label",
    "train.class_weight": "train.class_weights",
    "mask_time_prob": "latent",
    "data.dropout": "encoder.dropout",
    "trian": "train",
}


def told(**given):
    with pytest.raises(ConfigError) as e:
        audioft.settings("d", overrides=given)
    return str(e.value)


@pytest.mark.parametrize("name", MEANT)
def test_a_name_of_another_tool_leads_to_ours(name):
    assert f"unknown key {name!r}: did you mean {MEANT[name]!r}" in told(**{name: 1})
    assert MEANT[name] in {*keys(), "train", "train.schedule.warmup"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("output_dir", "the option --out names it"),
        ("num_labels", "the labels are those of the data"),
        ("sampling_rate", "the encoder says its rate"),
        ("train.optim", "it is AdamW"),
        ("resume_from_checkpoint", "--resume"),
    ],
)
def test_what_is_no_setting_here_is_said(name, said):
    assert f"unknown key {name!r}: " in told(**{name: 1})
    assert said in told(**{name: 1})


@pytest.mark.parametrize(
    ("section", "said"), [("model", "encoder.name"), ("encoder", "encoder.name"), ("data", "data.source")]
)
def test_a_text_for_a_section_leads_to_the_setting(section, said):
    assert told(**{section: "a/b"}) == f"{section}: 'a/b' is no section: did you mean {said!r}?"


def test_every_name_leads_to_a_setting_that_is_there():
    known = {*keys(), *keys(PretrainConfig)}
    for key, names, _ in other_names._SAME:
        assert key in known or key.rpartition(".")[0] in known, key
        assert names.split() == list(dict.fromkeys(names.split())), key


def test_pretraining_has_its_own():
    known = list(keys(PretrainConfig))
    assert other_names.meant("model_name_or_path", known) == ": did you mean 'encoder.start'?"
    assert other_names.meant("num_train_epochs", known) is None  # it has steps, round by round


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--learning_rate", "1e-4"), "--learning_rate: did you mean train.lr=1e-4? (settings are written as"),
        (("--num-train-epochs=3",), "did you mean train.epochs=3?"),
        (("--train.lr", "3"), "did you mean train.lr=3?"),
        (("--output_dir", "x"), "did you mean --out?"),
    ],
)
def test_an_option_of_another_tool_leads_to_our_setting(option, said, audioft_command):
    code, _, err = audioft_command("train", "d", *option)
    assert code == 2
    assert said in err.splitlines()[-1]


@pytest.mark.parametrize(
    "pairs",
    [
        {"train.epohs": "train.epochs", "data.lable": "data.label", "train.head_rl": "train.head_lr"}
        | {"encoder.dropuot": "encoder.dropout", "model.poling": "model.pooling", "cache.vews": "cache.views"},
        {"learning_rate": "train.lr", "num_train_epochs": "train.epochs", "wd": "train.weight_decay"}
        | {"max_grad_norm": "train.clip_norm", "data_dir": "data.source"},
    ],
    ids=["misspelt", "of other tools"],
)
def test_of_many_unknown_settings_each_is_told_what_was_meant(pairs):
    with pytest.raises(ConfigError) as caught:
        audioft.settings("d", overrides=dict.fromkeys(pairs, 1))
    head, line = str(caught.value).splitlines()
    assert head == f"{len(pairs)} problems in the configuration:"
    assert [f"'{key}' ('{meant}')" in line for key, meant in pairs.items()] == [True] * len(pairs), line


def test_of_hundreds_that_mean_the_same_three_are_told():
    with pytest.raises(ConfigError) as caught:
        audioft.settings("d", overrides={f"train.epochs{i}": 1 for i in range(300)})
    assert "and 297 more" in str(caught.value)
    assert len(str(caught.value)) < 1000
