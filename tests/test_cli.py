"""The command: what it prints where, and with which code it ends."""

from __future__ import annotations

import csv
import io
import json
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import makers
import pytest
import yaml

from audioft import cli

COMMAND = (sys.executable, "-m", "audioft")


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_help_answers_in_under_half_a_second():
    def once(*arguments: str) -> float:
        begun = time.monotonic()
        done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True)
        assert done.returncode == 0
        assert "audioft" in done.stdout
        assert done.stderr == ""
        return time.monotonic() - begun

    assert statistics.median(once("--help") for _ in range(3)) < 0.5
    assert once("train", "--help") < 2
    assert once("--version") < 2


def test_settings_are_listed(audioft_command):
    code, out, err = audioft_command("train", "--settings")
    assert (code, err) == (0, "")
    assert "train.epochs=auto\n    Passes over the training side." in out


def test_train_writes_its_folder_on_stdout_and_all_else_on_stderr(
    audioft_command, two_tones, train_arguments, tmp_path
):
    run = tmp_path / "run"
    code, out, err = audioft_command("train", two_tones, *train_arguments, "--out", run, "train.epochs=2")
    assert code == 0
    assert out == f"{run}\n"
    for part in ("split: train 8, valid 2, test 2", "parameters: ", "epoch 2: ", "accuracy", "report.html"):
        assert part in err
    names = {p.name for p in run.iterdir()}
    assert names >= {"config.yaml", "manifest.csv", "bad_files.csv", "metrics.jsonl", "report.json", "report.html"}
    assert names >= {"predictions.csv", "checkpoints", "model"}
    assert yaml.safe_load((run / "config.yaml").read_text())["train"]["epochs"] == 2  # a setting after an option


def test_quiet_says_nothing_but_the_result(audioft_command, trained, two_tones, train_arguments, tmp_path):
    run = tmp_path / "run"
    assert audioft_command("train", "-q", two_tones, *train_arguments, "--out", run) == (0, f"{run}\n", "")
    code, out, err = audioft_command("evaluate", trained.folder, two_tones, "--quiet", "--out", tmp_path / "e")
    assert (code, err) == (0, "")
    assert out.startswith("8 of 12 recordings were trained on by this run: the figures are too good.\n\nall: 12 clips")


def test_a_run_goes_on_or_is_replaced_when_asked(audioft_command, two_tones, train_arguments, tmp_path):
    call = ("train", two_tones, *train_arguments, "--out", tmp_path / "run")
    assert audioft_command(*call)[0] == 0
    before = makers.files(tmp_path / "run" / "model")
    code, _, err = audioft_command("train", "--resume", "--out", tmp_path / "run")
    assert code == 0, err
    assert makers.files(tmp_path / "run" / "model") == before
    assert audioft_command(*call, "--overwrite", "seed=5")[0] == 0
    assert makers.files(tmp_path / "run" / "model")["model.safetensors"] != before["model.safetensors"]


def test_each_goes_on_past_a_failure(audioft_command, train_arguments, tmp_path):
    good = [makers.tones(tmp_path / name, seed=i) for i, name in enumerate(("first", "third"))]
    lone = makers.tones(tmp_path / "second", labels=("low",))
    call = ("train", "--each", good[0], lone, good[1], *train_arguments, "--out", tmp_path / "runs")
    code, out, err = audioft_command(*call)
    assert code == 1
    rows = [line.split(maxsplit=2) for line in out.splitlines()]
    assert [(Path(r[0]).name, r[1]) for r in rows] == [("first", "done"), ("second", "FAILED"), ("third", "done")]
    assert "accuracy" in rows[0][2]
    assert "the one label 'low'" in rows[1][2]
    assert "the one label 'low'" in err
    assert (tmp_path / "runs" / "first" / "model").is_dir()
    assert (tmp_path / "runs" / "third" / "model").is_dir()
    code, out, _ = audioft_command("train", "--each", *good, *train_arguments, "--out", tmp_path / "again")
    assert (code, len(out.splitlines())) == (0, 2)


@pytest.mark.slow
@pytest.mark.parametrize("resume", [True, False])
def test_an_interrupted_training_ends_with_130_and_goes_on(tmp_path, two_tones, small_encoder, resume, audioft_command):
    run = tmp_path / "run"
    call = [*COMMAND, "train", str(two_tones), "--encoder", str(small_encoder), *makers.QUICK_ARGUMENTS]
    call += ["--out", str(run), "train.epochs=4000", "train.save_minutes=0"]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 120
        while not (run / "checkpoints").is_dir() or not any((run / "checkpoints").iterdir()):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < end
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert out == ""
    assert f"interrupted; `audioft train --resume --out {run}` goes on" in err
    assert "Traceback" not in err
    if resume:
        code, _, err = audioft_command("train", "--resume", "--out", run, "train.epochs=4000", "train.epochs=1")
        assert code == 1  # another number of epochs is another run
        assert "train.epochs: was 4000, is 1" in err
    else:
        code, _, err = audioft_command("predict", run, two_tones)
        assert code == 2
        assert "its training has not ended" in err


@pytest.mark.slow
def test_who_closes_the_pipe_gets_no_traceback(trained, two_tones):
    call = [*COMMAND, "predict", str(trained.folder), str(two_tones)]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=120) in (0, 1)
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()


def test_evaluate_prints_the_report_and_writes_four_files(audioft_command, trained, two_tones, tmp_path):
    code, out, err = audioft_command("evaluate", trained.folder, two_tones, "--out", tmp_path / "e")
    assert code == 0
    assert "accuracy" in out
    assert "written to" in err
    assert {p.name for p in (tmp_path / "e").iterdir()} == {
        *("report.json", "report.html", "predictions.csv", "bad_files.csv")
    }
    assert json.loads((tmp_path / "e" / "report.json").read_text())["clips"] == 12
    assert "8 of 12 recordings were trained on by this run: the figures are too good" in out
    code, out, _ = audioft_command("evaluate", trained.model, two_tones)  # it tells what it has heard wherever it lies
    assert code == 0
    assert "8 of 12 recordings were trained on by this model: the figures are too good" in out


def test_evaluate_takes_the_side_that_is_asked_for(audioft_command, trained_several, chords):
    for side, clips in (((), 3), (("--side", "all"), 16), (("--side", "train"), 11), (("--side", "valid"), 2)):
        code, out, err = audioft_command("evaluate", trained_several.folder, chords, *side)
        assert code == 0, err
        assert f": {clips} clips, 3 labels" in out, out


def test_interrupt_and_out_of_memory_have_words(audioft_command, monkeypatch):
    from audioft.tasks.evaluate import api

    def raising(error):
        def evaluate(*_, **__):
            raise error

        return evaluate

    monkeypatch.setattr(api, "evaluate", raising(KeyboardInterrupt()))
    assert audioft_command("evaluate", "a", "b")[0] == 130
    monkeypatch.setattr(api, "evaluate", raising(RuntimeError("CUDA out of memory. Tried to allocate")))
    code, _, err = audioft_command("evaluate", "a", "b")
    assert code == 1
    assert "out of memory; try a smaller --batch-seconds or --window\n" in err
    monkeypatch.setattr("audioft.tasks.train.api.finetune", raising(RuntimeError("can't allocate memory")))
    assert "out of memory; try train.accumulate=4, or a smaller data.max_seconds\n" in audioft_command("train", "a")[2]
    monkeypatch.setattr(api, "evaluate", raising(OSError(28, "No space left on device", "/x")))
    code, _, err = audioft_command("evaluate", "a", "b")
    assert (code, err) == (1, "audioft: /x: No space left on device\n")


def test_a_folder_that_is_gone(tmp_path, monkeypatch, audioft_command):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    code, _, err = audioft_command("doctor")
    assert code == 1
    assert "the folder that this was called in is gone" in err


def test_options_stand_anywhere_among_what_a_verb_takes_any_number_of():
    """Of every verb that there is: the same as with the option behind all."""
    for name, verb in cli.make_parser()[1].items():
        counts = [a.nargs for a in verb._actions if not a.option_strings]
        if "?" in counts or not {"*", "+"} & set(counts):  # enroll puts its own in order
            continue
        needed = [t for a in verb._actions if a.option_strings and a.required for t in (a.option_strings[-1], "y")]
        given, options = [f"x{i}" for i in range(len(counts) + 2)], ["-q", *needed]
        last = vars(cli.parse([name, *given, *options]))
        for i in range(len(given)):
            assert vars(cli.parse([name, *given[:i], *options, *given[i:]])) == last, (name, i)


def test_compare_and_ensemble_take_models_behind_an_option():
    assert cli.parse(["compare", "a", "--out", "x", "b", "data"]).sources == ["a", "b", "data"]
    assert cli.parse(["ensemble", "a", "--out", "x", "b", "--how", "soup", "c"]).models == ["a", "b", "c"]
