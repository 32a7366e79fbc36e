"""Settings: what is refused, what is understood, and that a written config is the same config again."""

from __future__ import annotations

from pathlib import Path

import pydantic
import pytest
import yaml

import audioft
from audioft.assembly import build, contradictions
from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.errors import ConfigError, UsageError
from audioft.tasks.pretrain import resolve

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


def problems(*overrides, base=None) -> list[str]:
    with pytest.raises(ConfigError) as e:
        audioft.settings("data", config=base, overrides=list(overrides))
    return e.value.problems


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("train.epohs=3", "unknown key 'train.epohs': did you mean 'train.epochs'?"),
        ("epochs=3", "unknown key 'epochs': did you mean 'train.epochs'?"),
        ("epohcs=3", "unknown key 'epohcs': did you mean 'train.epochs'?"),
        ("training.lr=3", "unknown key 'training"),
        ("colour=3", "known are data, events, encoder, start, freeze, adapt, model, augment"),
        (
            "model.head.dropuot=0.1",
            "model.head.dropuot: head 'projection' has no such argument: did you mean 'dropout'?",
        ),
        ("model.head=liner", "model.head: unknown head 'liner': did you mean 'linear'?"),
        ("model.head={name: mlp, dropout: lots}", "model.head.dropout: 'lots' is not of type float"),
        ("model.pooling=lstm", "model.pooling: unknown pooling 'lstm'; known are"),
        ("train.epochs=three", "train.epochs: expected auto or a whole number above 0"),
        ("train.epochs=0", "train.epochs: expected auto or a whole number above 0; found 0"),
        ("train.epochs=2.5", "train.epochs: expected auto or a whole number above 0"),
        ("train.lr=-1", "train.lr: expected auto or a number above 0; found -1"),
        ("train.lr=.nan", "train.lr"),
        ("train.precision=fp16", "train.precision: input should be 'fp32', 'bf16' or 'auto'; found 'fp16'"),
        ("train.metric=acuracy", "train.metric: unknown metric 'acuracy': did you mean 'accuracy'?"),
        ("train.loss=focall", "train.loss: unknown loss 'focall': did you mean 'focal'?"),
        ("train.schedule={name: cosine, warmup: 3}", "train.schedule.warmup: 3.0 is not a share between 0 and 1"),
        ("freeze=some", "freeze: 'some' is not a policy"),
        ("augment=[{name: gian}]", "augment.0: unknown augmentation 'gian': did you mean 'gain'?"),
        ("mixup={p: 3}", "mixup.p: 3 is not between 0 and 1"),
        ("latent={tme: 2}", "latent.tme: part 'latent' has no such argument: did you mean 'time'?"),
        ("train.loss=am_softmax", "needs a head that gives cosines, 'projection' gives none; set model.head=cosine"),
        ("train.loss={name: aam_softmax, margin: {2: 0.1}}", "train.loss.margin: a plan begins at epoch 0"),
        ("train=fast", "train: input should be a valid dictionary"),
        ("train.lr.deep=3", "train.lr"),
        ("train.lr=[1", "train.lr: '[1' is not a value in YAML; quote it"),
        ("no equals", "'no equals': expected section.key=value"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_meant(given, said):
    assert any(said in p for p in problems(given)), problems(given)


def test_all_problems_come_in_one_message():
    found = problems("train.epohs=3", "train.lr=fast", "model.head=liner", "mixup={p: 3}", "seed=-1")
    assert [p.split(":")[0] for p in found] == [
        "train.lr",
        "unknown key 'train.epohs'",
        "seed",
        "model.head",
        "mixup.p",
    ]
    with pytest.raises(ConfigError, match=r"5 problems in the configuration:\n  - train.lr"):
        raise ConfigError(found)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("mixup={p: 0.5}", "mixup: 'aam_softmax' has a margin for the one label of a clip, and a mixture has two"),
        ("events.use=frames", "train.loss: 'aam_softmax' is for one label a clip; set train.loss=bce"),
    ],
)
def test_a_margin_is_for_one_label(given, said):
    assert any(said in p for p in problems("model.head=cosine", "train.loss=aam_softmax", given))
    assert audioft.settings("d", overrides=["model.head=cosine", given])  # it is the margin that does not fit


def test_values_are_yaml_and_small_numbers_are_numbers():
    c = audioft.settings(
        "data",
        overrides=["train.lr=1e-4", "data.test=fold=5", "freeze={top: 2}", "train.loss=null", "augment=[gain]"],
    )
    assert (c.train.lr, c.data.test, c.freeze, c.train.loss, c.augment) == (1e-4, "fold=5", {"top": 2}, None, ["gain"])
    deep = audioft.settings("data", overrides=["model.head={name: mlp, dropout: 1e-1}", "train.schedule.warmup=1e-1"])
    assert deep.train.schedule == {"name": "linear", "warmup": "1e-1"}  # read as a number where it is used


def test_an_argument_given_alone_goes_to_the_part_that_is_named():
    assert audioft.settings("d", overrides=["model.head.dropout=0.1"]).model.head == {
        "name": "own",
        "dropout": 0.1,
    }
    c = audioft.settings("d", overrides=["model.head=mlp", "model.head.dropout=0.1"])
    assert c.model.head == {"name": "mlp", "dropout": 0.1}


def test_a_mapping_of_overrides_is_the_same_as_strings():
    assert audioft.settings("d", overrides={"train.epochs": 3}) == audioft.settings("d", overrides=["train.epochs=3"])


def test_overrides_and_arguments_lie_above_the_file(tmp_path):
    (tmp_path / "c.yaml").write_text("encoder: {name: a}\ntrain: {epochs: 7, lr: 0.5}\n")
    c = audioft.settings("d", "b", tmp_path / "c.yaml", ["train.lr=0.25"])
    assert (c.data.source, c.encoder.name, c.train.epochs, c.train.lr) == ("d", "b", 7, 0.25)


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"freeze": {0: "all", 2: {"top": 1}}, "augment": ["gain", {"name": "noise", "p": 0.25}], "seed": 3},
        {"mixup": {"p": 0.5}, "latent": {"time": 0.1}, "train.loss": {"name": "focal"}, "data.valid": None},
        {"data.source": "naïve — 数据/日本", "data.test": "fold=5", "train.lr": 1e-7},
    ],
)
def test_a_saved_config_is_the_same_config(tmp_path, overrides):
    config = configs.load(None, overrides)
    (tmp_path / "c.yaml").write_text(configs.save(config), encoding="utf-8")
    assert configs.load(tmp_path / "c.yaml") == config
    assert yaml.safe_load(configs.save(config)) == config.model_dump()


def test_a_config_does_not_change_once_it_is_made():
    config = Config()
    with pytest.raises(pydantic.ValidationError):
        config.seed = 1  # type: ignore[misc]
    with pytest.raises(pydantic.ValidationError):
        config.train.epochs = 1  # type: ignore[misc]


def test_loading_a_config_with_overrides_leaves_the_first_one_alone():
    config = configs.load(None, {"model.head": {"name": "mlp"}})
    configs.load(config, {"model.head.dropout": 0.3, "train.epochs": 3})
    assert config.model.head == {"name": "mlp"}
    assert config.train.epochs == Config().train.epochs


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train:\n  epochs: !!python/object/apply:os.system ['touch HACKED']\n", "is not YAML"),
        ('train: !!python/object/new:builtins.eval [\'open("HACKED", "w")\']\n', "is not YAML"),
        ("train: {epochs: 3\n", "is not YAML"),
        ("- epochs\n", "expected sections such as `train:`, found list"),
        ("just text", "expected sections such as `train:`, found str"),
        ("[" * 3000, "is not YAML"),
        (BOMB + "freeze: *i\n", "its anchors (&, *) multiply beyond 100,000 values"),
        (BOMB + "train: {epochs: *i}\n", "its anchors"),
        ("train: &x\n  epochs: *x\n", "or contain themselves"),
    ],
)
def test_hostile_files_are_refused_and_not_run(tmp_path, monkeypatch, text, said):
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(text)
    with pytest.raises(UsageError) as e:
        configs.load("c.yaml")
    assert said in str(e.value)
    assert len(str(e.value)) < 10_000
    assert not Path("HACKED").exists()


def test_a_missing_file_a_folder_and_bytes_are_told_apart(tmp_path):
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    for name, said in (("none.yaml", "no such file"), ("", "cannot be read"), ("bytes.yaml", "cannot be read")):
        with pytest.raises(UsageError, match=said):
            configs.load(tmp_path / name)


def test_an_empty_file_is_all_defaults(tmp_path):
    (tmp_path / "c.yaml").write_text("# nothing\n")
    assert configs.load(tmp_path / "c.yaml") == Config()


def test_every_setting_is_described():
    told = configs.describe()
    for key, field in configs.keys().items():
        assert f"\n{key}=" in f"\n{told}"
        assert field.description, key


def test_defaults_bind():
    assert contradictions.problems(Config()) == []


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.name)
def test_every_config_of_the_project_binds(path):
    if path.name.startswith("pretrain"):
        pretraining = resolve.settings(config=path)
        assert resolve.problems(pretraining) == []
        build.chain([*pretraining.augment, *pretraining.disturb])
        build.single("mixing", pretraining.mixing)
        return
    config = audioft.settings("data", config=path)
    assert contradictions.problems(config) == []
    build.chain(config.augment)
    build.single("mixup", config.mixup)
    build.single("latent", config.latent)


def test_there_are_configs():
    assert CONFIGS
