"""What makes a run the same run, also for a newer audioft with more settings."""

from __future__ import annotations

import pytest

from audioft.assembly import run_folder
from audioft.configuration import config as configs
from audioft.configuration.sections import Config, TrainSection
from audioft.errors import CheckpointError, UsageError

CLIPS = [("a.wav", "train", "00ff", "dog")]


class LaterTrain(TrainSection):
    momentum: float = 0.9


class LaterConfig(Config):
    """The config of an audioft to come, with a setting more at the top and in a section."""

    train: LaterTrain = LaterTrain()
    teacher: str | None = None


@pytest.fixture
def folder(tmp_path):
    """A run folder as far as it is needed, of this audioft."""
    (tmp_path / "config.yaml").write_text(configs.save(Config()), encoding="utf-8")
    return tmp_path


def test_settings_that_came_later_do_not_make_it_another_run(folder):
    before = run_folder.identity(Config(), CLIPS, folder)
    assert run_folder.identity(LaterConfig(), CLIPS, folder) == before
    run_folder.refuse(folder, LaterConfig(), resume=True, overwrite=False)


@pytest.mark.parametrize("changed", [{"seed": 1}, {"train": {"lr": 1e-3}}, {"freeze": {0: "all"}}])
def test_settings_of_then_do(changed, folder):
    before = run_folder.identity(Config(), CLIPS, folder)
    assert run_folder.identity(LaterConfig(**changed), CLIPS, folder) != before
    assert run_folder.identity(Config(), [*CLIPS, ("b.wav", "train", "00aa", "dog")], folder) != before


@pytest.mark.parametrize("changed", [{"teacher": "mini"}, {"train": {"momentum": 0.5}}])
def test_a_later_setting_that_was_changed_is_refused(changed, folder):
    with pytest.raises(CheckpointError, match="holds a run of other settings"):
        run_folder.refuse(folder, LaterConfig(**changed), resume=True, overwrite=False)


@pytest.mark.parametrize(
    ("changed", "model", "said"),
    [
        (
            {"train": {"lr": 1e-3}},
            True,
            "audioft train --config {0}/config.yaml --from {0} train.lr=0.001 --out {0}-2`",
        ),
        ({"train": {"schedule": {"name": "cosine"}}}, True, "train.schedule='{{name: cosine}}' --out"),
        ({"train": {"lr": 1e-3}}, False, "begin a new run with them in another folder (`--out {0}-2`"),
        ({"freeze": "all"}, True, "begin a new run with them in another folder (`--out {0}-2`"),
    ],
)
def test_the_way_on_is_named(changed, model, said, folder):
    if model:
        (folder / "model").mkdir()
    with pytest.raises(CheckpointError) as e:
        run_folder.refuse(folder, LaterConfig(**changed), resume=True, overwrite=False)
    assert said.format(folder) in str(e.value)


def test_a_list_of_recordings_in_the_folder_of_the_run_is_refused(tmp_path):
    config = configs.load(overrides={"data.exclude": [str(tmp_path / "run" / "bad_files.csv"), "*.tmp.wav"]})
    with pytest.raises(UsageError, match=r"bad_files\.csv lies in the folder of the run.*give another --out"):
        run_folder.refuse(tmp_path / "run", config, resume=False, overwrite=False)
    run_folder.refuse(tmp_path / "run-2", config, resume=False, overwrite=False)
