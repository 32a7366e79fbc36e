"""`audioft train --dry-run`: what a run would be, and what is wrong with it, before anything is trained."""

from __future__ import annotations

import re
from pathlib import Path

import makers
import pytest
import yaml

import audioft


def test_a_dry_run_shows_everything_and_writes_nothing(
    audioft_command, two_tones, train_arguments, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    call = ("train", two_tones, *train_arguments, "--dry-run", "freeze={top: 1}")
    code, out, err = audioft_command(*call)
    assert (code, err) == (0, "")
    assert list(tmp_path.iterdir()) == []
    assert f"source: {two_tones} (a folder a label)\ndata: 12 clips, 0.00 hours, 2 labels (one label a clip)\n" in out
    assert "split: train 8, valid 2, test 2" in out
    lines = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.strip()}
    assert lines["high"] == lines["low"] == ["4", "1", "1"]
    assert lines["layer_1"][-1] == lines["feature_extractor"][-1] == "frozen"
    assert lines["layer_2"][-1] == lines["head"][-1] == "trains"
    assert "steps: 1 epochs of 2" in out
    weights = (Path(train_arguments[1]) / "model.safetensors").stat().st_size
    assert weights / 1e6 - 1 <= float(lines["memory:"][0]) <= 4 * weights / 1e6 + 1
    settings = yaml.safe_load(out[out.index("settings that differ") :].partition("\n")[2])
    assert settings["freeze"] == {"top": 1}
    assert settings["train"]["epochs"] == 1
    assert "source" not in settings.get("data", {})
    assert audioft_command(*call, "--quiet") == (0, out, ""), "the answer that was asked for"
    code, written, told = audioft_command(*call, "--settings")
    assert code == 0
    assert told == out[: out.index("settings that differ")], "the same, and settings are a file to be kept"
    assert audioft_command(*call, "--settings", "--quiet") == (0, written, "")
    config = yaml.safe_load(written)
    assert config["freeze"] == {"top": 1}
    assert config["train"]["epochs"] == 1
    assert config["train"]["lr"] == "auto"
    assert audioft.settings(config=_saved(tmp_path, written)) == audioft.settings(
        two_tones, config=_saved(tmp_path, yaml.safe_dump(settings))
    )


def _saved(folder: Path, text: str) -> Path:
    (folder / "config.yaml").write_text(text)
    return folder / "config.yaml"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("train.loss=bce", "train.loss: 'bce' does not fit data with one label a clip"),
        ("train.metric=subset_accuracy", "train.metric: metric 'subset_accuracy' is not defined for one label a clip"),
        ("cache.views=2 freeze=none", "cache.views: nothing stays frozen, so there is nothing to keep"),
        ("freeze={0: all, 1: {top: 9}}", "freeze: `top: 9` asks for more layers than the 2 of this encoder"),
        ("adapt={name: lora, targets: [nothing]}", "adapt.targets: no linear layer is called nothing"),
        ("augment=[{name: noise, folder: nowhere}]", "augment.0.folder: there is no folder 'nowhere'"),
    ],
)
def test_a_dry_run_refuses_what_the_run_would(settings, said, audioft_command, two_tones, train_arguments, tmp_path):
    given = [settings] if "{" in settings else settings.split()
    for how in (("--dry-run",), ("--out", tmp_path / "run")):
        code, _, err = audioft_command("train", two_tones, *train_arguments, *given, *how)
        assert code == 2
        assert said in err
    assert not (tmp_path / "run").exists()


def test_a_dry_run_with_the_defaults_says_so(audioft_command, two_tones):
    code, out, err = audioft_command("train", two_tones, "--dry-run")
    assert (code, err) == (0, "")
    assert out.endswith("\nsettings: all defaults\n")
    assert len(out.splitlines()) < 25


def test_a_dry_run_says_first_what_is_wrong_with_the_data(audioft_command, train_arguments, tmp_path):
    data = makers.tones(tmp_path / "data", labels=("low", "mid", "high"))
    for i in range(5):
        (data / "mid" / f"mid_{i:02d}.wav").write_bytes(b"")
    (data / "low" / "low_00.wav").write_text("none")
    (data / "low" / "notes.txt").write_text("x")
    (data / "mid" / "mid_05.wav").write_bytes(b"")
    code, out, err = audioft_command("train", data, *train_arguments, "--dry-run", "data.max_bad=0.5")
    assert code == 1
    assert re.sub(r" \(Format .*", "", out).splitlines() == [
        "note: 1 text file is left out: low/notes.txt",
        "note: 7 of 18 recordings cannot be used",
        "  - low/low_00.wav: not audio that soundfile can read",
        "  - 6 times, mid/mid_00.wav, mid/mid_01.wav, mid/mid_02.wav and 3 more: the file is empty (0 bytes)",
    ], out
    assert "the class 'mid' is lost: none of its recordings can be used" in err
    code, out, err = audioft_command("train", data, *train_arguments, "--dry-run")
    assert (code, out) == (1, "note: 1 text file is left out: low/notes.txt\n")
    assert "7 of 18 clips (38.9%) cannot be used" in err
    assert len(err.splitlines()) == 3


def test_a_dry_run_says_what_trains_later_on(audioft_command, two_tones, train_arguments):
    plan = "freeze={0: all, 1: {top: 1}, 3: none}"
    code, out, _ = audioft_command("train", two_tones, *train_arguments, "--dry-run", plan, "train.epochs=4")
    assert code == 0
    trained = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+)(?: of [\d,]+)? train \(", out)]
    assert len(trained) == 3
    assert trained == sorted(set(trained))
    assert "from epoch 2 on: " in out
    assert "from epoch 4 on: " in out
    assert re.search(r"layer_2 .* frozen\n", out), "as it is in the first epoch"


def test_a_dry_run_writes_examples_to_hear_and_to_see(audioft_command, two_tones, train_arguments, tmp_path):
    call = ("train", two_tones, *train_arguments, "--dry-run", "--examples", tmp_path / "ex")
    code, out, err = audioft_command(*call, "augment=[{name: gain, p: 1}, noise]")
    assert code == 0, err
    assert f"examples: {tmp_path / 'ex' / 'examples.png'}\n" in out
    assert (tmp_path / "ex" / "examples.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((tmp_path / "ex").glob("*_original.wav"))) == 4
    assert len(list((tmp_path / "ex").glob("*_version_*.wav"))) == 12
    code, out, _ = audioft_command(*call)
    assert code == 0
    assert "no augmentations are set" in out


@pytest.mark.parametrize(
    ("others", "more", "told"),
    [
        (20, (), True),
        (6, (), False),
        (20, ("train.class_weights=balanced",), False),
        (20, ("train.sampler=balanced",), False),
    ],
)
def test_a_label_that_most_clips_have_is_told(others, more, told, small_encoder, tmp_path, audioft_command):
    makers.tones(tmp_path / "data", each=4, labels=("low",))
    makers.tones(tmp_path / "data", each=others, labels=("high",), seed=9)
    code, out, said = audioft_command("train", tmp_path / "data", "--encoder", small_encoder, "--dry-run", *more)
    assert code == 0, said
    assert ("of the clips are 'high'" in out) == told
    assert ("train.class_weights=balanced lets" in out) == told
