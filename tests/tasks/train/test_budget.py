"""`train.budget`: the most that fits is taken, the run is as its settings make it, and one that goes on keeps them."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys

import makers
import pytest
import torch

import audioft
from audioft.assembly import recipe
from audioft.configuration import config as configs
from audioft.core.progress import Console
from audioft.core.runtime import Processes
from audioft.errors import ConfigError, Interrupted, UsageError
from audioft.tasks.train import budget, dry_run, trial
from audioft.tasks.train.estimates import Estimate
from audioft.tasks.train.trial import Pace, Tried
from audioft.training.trainer import Trainer

AUTO = {k: v for k, v in makers.QUICK.items() if k not in ("model.start", "train.epochs")}
SPEED = {"all": 0.0, "top": 0.5, "feature_extractor": 2.0}  # seconds that a second of sound takes in a step


@pytest.fixture
def slow(monkeypatch):
    """A machine on which a pass takes a tenth of the sound, and training as `SPEED` says; nothing is computed."""

    def of(self, freeze, clips):
        name = next(iter(freeze)) if isinstance(freeze, dict) else freeze
        return Tried({0: Pace(0.1, SPEED.get(name, 0.0), 0.0)}, 1, name == "all")

    monkeypatch.setattr(trial.Trial, "of", of)
    monkeypatch.setattr(trial.Trial, "passing", lambda *_: 0.1)
    monkeypatch.setattr(budget, "LEAST_CLIPS", 1)


def parts_of(data, encoder, **settings):
    given = AUTO | {"data.source": str(data), "encoder.name": str(encoder)}
    asked = configs.load(overrides=given | {k.replace("__", "."): v for k, v in settings.items()})
    return asked, dry_run.from_headers(asked, Processes("cpu"), Console(quiet=True))


def settled(data, encoder, seconds, **settings):
    """Policy and epochs that a budget gives, on a machine that has done nothing yet."""
    asked, parts = parts_of(data, encoder, train__budget=seconds, **settings)
    said = io.StringIO()
    parts.console = Console(stream=said)
    budget.settle(parts, asked, budget.time.monotonic(), None, {})
    return parts.config.freeze, parts.config.train.epochs, said.getvalue()


def run(data, encoder, out, **settings):
    overrides = AUTO | {k.replace("__", "."): v for k, v in settings.items()}
    return audioft.finetune(data, encoder=str(encoder), out=out, overrides=overrides, console=Console(quiet=True))


@pytest.fixture(scope="module")
def layered(encoder_folder):
    """Three layers, so that the top two are a choice."""
    return encoder_folder("wav2vec2")


@pytest.mark.parametrize(
    ("seconds", "freeze", "epochs"),
    [("5s", "all", 0), ("30s", {"top": 2}, 12), ("60s", {"top": 2}, 27), ("90s", "feature_extractor", 10)],
)
def test_the_most_layers_that_train_for_long_enough_and_the_most_epochs(
    seconds, freeze, epochs, slow, two_tones, layered
):
    found = settled(two_tones, layered, seconds)
    assert found[0] == freeze
    assert abs(found[1] - epochs) <= 2  # of 8 clips of half a second, and the two seconds at the end


def test_more_time_than_all_epochs_take_adds_none(slow, two_tones, layered):
    assert settled(two_tones, layered, "2h")[:2] == ("feature_extractor", 40)


def test_what_is_set_is_not_varied(slow, two_tones, layered):
    assert settled(two_tones, layered, "2h", freeze={"top": 1})[:2] == ({"top": 1}, 40)
    assert settled(two_tones, layered, "2h", freeze="none", train__epochs=3)[:2] == ("none", 3)
    freeze, epochs, _ = settled(two_tones, layered, "60s", train__epochs=12)
    assert (freeze, epochs) == ({"top": 2}, 12)
    assert settled(two_tones, layered, "2h", train__epochs=5)[:2] == ("all", 5), "too few for so few clips"


def test_few_clips_leave_the_encoder_frozen_however_long_there_is(slow, two_tones, layered, monkeypatch):
    monkeypatch.setattr(budget, "LEAST_CLIPS", 270)
    freeze, _, said = settled(two_tones, layered, "2h")
    assert freeze == "all"
    assert "layers train from 270 clips on" in said


def test_many_clips_train_layers_for_fewer_epochs(slow, two_tones, layered, monkeypatch):
    monkeypatch.setattr(recipe, "FEW", 1)
    assert settled(two_tones, layered, "40s")[0] == "feature_extractor"


def test_what_was_chosen_is_told_with_its_estimates(slow, two_tones, layered):
    said = settled(two_tones, layered, "60s")[2].splitlines()
    assert re.fullmatch(
        r"budget 1m: \d s before and after training; an epoch takes under 1 s with the encoder frozen, "
        r"2 s with the top 2 layers free, 8 s with all layers free",
        said[0],
    ), said
    assert re.fullmatch(
        r"taken: the top 2 layers free, \d+ epochs, at most about 5\d s in all by this estimate", said[1]
    )


@pytest.mark.parametrize(
    "asked", [{}, {"freeze": "feature_extractor"}, {"train__epochs": 3, "freeze": "none"}], ids=str
)
def test_where_nothing_fits_it_is_said_what_it_takes(asked, slow, two_tones, layered, monkeypatch):
    monkeypatch.setitem(SPEED, "none", 2.0)
    with pytest.raises(
        UsageError, match=r"train.budget: \ds is too short: .* takes about \d+ s .* --budget \d0s"
    ) as told:
        settled(two_tones, layered, "2s" if not asked else "5s", **asked)
    assert told.value.exit_code == 2
    assert ("one pass of the frozen encoder over 12 clips" in str(told.value)) == (not asked)


def test_a_run_that_does_not_fit_leaves_nothing(two_tones, small_encoder, tmp_path, refused, train_arguments):
    call = ("train", two_tones, *train_arguments, "--out", tmp_path / "run", "--budget", "1s")
    refused(*call, code=2, said=("train.budget: 1s is too short", "give --budget "))
    assert not (tmp_path / "run").exists()


def test_epochs_of_a_plan_take_what_their_policies_take():
    found = Estimate({0: "all", 2: "none"}, 10.0, {0: 1.0, 2: 5.0})
    assert [found.of(n) for n in (1, 2, 3, 4)] == [11, 12, 17, 22]
    assert [found.most(3, seconds) for seconds in (10.5, 12, 16.9, 17, 1000)] == [0, 2, 2, 3, 3]


def test_measuring_changes_nothing(two_tones, layered):
    _, parts = parts_of(two_tones, layered, train__budget="5m", encoder__dropout=0.1)
    before = {k: v.clone() for k, v in parts.model.state_dict().items()}
    free = [p.requires_grad for p in parts.model.parameters()]
    torch.manual_seed(5)
    state = torch.get_rng_state()
    with trial.opened(parts) as measured:
        for freeze in ("all", {"top": 2}, "feature_extractor", {0: "all", 1: "none"}):
            found = measured.of(freeze, 4)
            assert all(pace.step > 0 for pace in found.paces.values())
    assert torch.equal(torch.get_rng_state(), state)
    after = parts.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[k], after[k]) for k in before)
    assert [p.requires_grad for p in parts.model.parameters()] == free
    assert all(p.grad is None for p in parts.model.parameters())


def test_a_run_is_that_of_the_settings_that_were_taken(two_tones, small_encoder, tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "LEAST_CLIPS", 1)
    monkeypatch.setattr(recipe, "MOST_EPOCHS", 8)
    found = run(two_tones, small_encoder, tmp_path / "run", train__budget="1h")
    kept = recipe.kept(found.folder)
    assert (kept["freeze"], kept["train.epochs"]) == ("feature_extractor", 8)
    assert kept[budget.TOLD].startswith("taken: all layers free, 8 epochs")
    asked = run(two_tones, small_encoder, tmp_path / "asked", freeze="feature_extractor", train__epochs=8)
    weights = [(one.model / "model.safetensors").read_bytes() for one in (found, asked)]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("at", ["training", "the choice"])
def test_a_killed_run_goes_on_with_its_choice_however_fast_the_machine_is(
    at, slow, two_tones, layered, tmp_path, monkeypatch
):
    monkeypatch.setattr(recipe, "MOST_EPOCHS", 9)
    step = Trainer._train_step

    def killed(trainer):
        if trainer.state.step == 3:
            trainer._save()
            raise Interrupted(15)
        step(trainer)

    def stopped(*_):
        raise Interrupted(15)

    place = (Trainer, "_train_step", killed) if at == "training" else (dry_run, "introduce", stopped)
    with monkeypatch.context() as patch:
        patch.setattr(*place)
        with pytest.raises(Interrupted):
            run(two_tones, layered, tmp_path / "run", train__budget="40s")
    kept = json.loads((tmp_path / "run" / recipe.FILE).read_text())
    assert kept["freeze"] == {"top": 2}
    monkeypatch.setattr(trial, "opened", None)  # nothing is measured again
    said = io.StringIO()
    found = audioft.finetune(out=tmp_path / "run", resume=True, console=Console(stream=said))
    assert "as chosen when the run began: taken: the top 2 layers free" in said.getvalue()
    assert len([r for r in found.history if r["kind"] == "valid"]) <= kept["train.epochs"] + 1
    after = recipe.kept(found.folder)
    assert {k: after[k] for k in budget.KEYS} == {k: kept[k] for k in budget.KEYS}


def test_a_run_does_not_go_on_with_another_budget(slow, two_tones, layered, tmp_path):
    run(two_tones, layered, tmp_path / "run", train__budget="5s", train__epochs=1)
    with pytest.raises(audioft.errors.CheckpointError, match=r"train\.budget: was 5s, is 2h"):
        audioft.finetune(two_tones, out=tmp_path / "run", resume=True, budget="2h", console=Console(quiet=True))


@pytest.mark.parametrize(
    ("settings", "freeze"),
    [
        ({"adapt": "lora"}, "feature_extractor"),
        ({"augment": ["gain"], "cache.views": 2}, "feature_extractor"),
        ({"augment": ["gain"], "mixup": {}, "latent": {}}, "feature_extractor"),
        ({"model.start": "random", "train.accumulate": 2, "train.sampler": "balanced"}, "feature_extractor"),
        ({"model.layers": "weighted"}, "feature_extractor"),
        ({"freeze": "{0: all, 1: {top: 1}}", "train.batch_seconds": 2}, {0: "all", 1: {"top": 1}}),
    ],
    ids=str,
)
def test_whatever_trains_is_measured(settings, freeze, two_tones, small_encoder, monkeypatch):
    monkeypatch.setattr(budget, "LEAST_CLIPS", 1)
    given = AUTO | {"data.source": str(two_tones), "encoder.name": str(small_encoder), "train.budget": "1h"} | settings
    asked = configs.load(
        overrides=[f"{k}={configs.spell(v) if not isinstance(v, str) else v}" for k, v in given.items()]
    )
    parts = dry_run.from_headers(asked, Processes("cpu"), Console(quiet=True))
    budget.settle(parts, asked, budget.time.monotonic(), None, {})
    assert parts.config.freeze == freeze
    assert parts.config.train.epochs == 40


def test_recordings_whose_frames_are_labelled(small_encoder, tmp_path):
    rows = ["file_name,start,end,label,split"]
    for i in range(8):
        makers.tone(tmp_path / f"{i}.wav", seconds=1.0, seed=i)
        rows.append(f"{i}.wav,0.2,0.7,high,{('train', 'train', 'valid', 'test')[i % 4]}")
    (tmp_path / "metadata.csv").write_text("\n".join([*rows, ""]))
    asked, parts = parts_of(tmp_path / "metadata.csv", small_encoder, train__budget="1h", events__use="frames")
    assert parts.model.frame_level
    budget.settle(parts, asked, budget.time.monotonic(), None, {})
    assert parts.config.freeze == "feature_extractor"


def test_a_model_that_is_gone_on_from(trained, two_tones, tmp_path):
    asked = configs.load(
        overrides=AUTO | {"data.source": str(two_tones), "start.model": str(trained.model), "train.budget": "1h"}
    )
    parts = dry_run.from_headers(asked, Processes("cpu"), Console(quiet=True))
    budget.settle(parts, asked, budget.time.monotonic(), None, {})
    assert parts.config.freeze == "feature_extractor"


def test_what_trains_nothing_takes_no_budget(two_tones, train, tmp_path, refused):
    with pytest.raises(ConfigError, match=r"train\.budget: 5m has nothing to act on"):
        audioft.finetune(two_tones, few_shot=True, budget="5m", out=tmp_path / "run", console=Console(quiet=True))
    refused("train", "--from-probe", tmp_path, "--budget", "5m", code=2, said=("leave out --budget",))


def test_another_spelling_is_refused_before_anything_is_read(refused):
    refused("train", "nowhere", "--budget", "soon", code=2, said=("train.budget: expected a duration as 90s",))


def test_each_folder_has_the_budget_of_its_own(slow, two_tones, layered, tmp_path, audioft_command):
    options = [f"{k}={configs.spell(v)}" for k, v in AUTO.items()]
    call = ("train", two_tones, "--each", "--encoder", layered, *options, "--out", tmp_path, "--budget", "5s")
    code, _, err = audioft_command(*call, "train.epochs=1")
    assert code == 0, err
    assert recipe.kept(tmp_path / two_tones.name)["freeze"] == "all"


def test_a_dry_run_tells_the_same_and_trains_nothing(slow, two_tones, layered, audioft_command):
    options = [f"{k}={configs.spell(v)}" for k, v in AUTO.items()]
    code, out, err = audioft_command("train", two_tones, "--encoder", layered, *options, "--dry-run", "--budget", "60s")
    assert code == 0, err
    assert out.splitlines()[1].startswith("taken: the top 2 layers free, ")
    assert "budget: 1m" in out


@pytest.mark.slow
def test_two_processes_take_the_same(two_tones, small_encoder, tmp_path):
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "audioft"]
    options = [f"{k}={configs.spell(v)}" for k, v in AUTO.items()] + ["augment=[gain]", "train.epochs=2"]
    call = ["train", two_tones, "--encoder", small_encoder, "--out", tmp_path / "run", "--budget", "1h", *options]
    done = subprocess.run([*launch, *map(str, call)], capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("taken: all layers free, 2 epochs") == 1  # one process speaks
    found = audioft.Run(tmp_path / "run")
    assert recipe.kept(found.folder)["freeze"] == "feature_extractor"
    call[-len(options) - 1] = "1s"
    call[call.index("--out") + 1] = tmp_path / "short"
    done = subprocess.run([*launch, *map(str, call)], capture_output=True, text=True, check=False, timeout=240)
    assert "train.budget: 1s is too short" in done.stderr
    assert not (tmp_path / "short").exists()
