"""What wrong settings, calls, models and places for results get: one clear message, the right code, nothing lost."""

from __future__ import annotations

import os
import shutil

import makers
import pytest
import soundfile


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("train.epohs=3",), ("unknown key 'train.epohs': did you mean 'train.epochs'?",)),
        (("train.lr=fast",), ("train.lr: expected auto or a number above 0; found 'fast'", "found 'fast'")),
        (("model.head=liner",), ("model.head: unknown head 'liner': did you mean 'linear'?",)),
        (("adapt.r=0",), ("adapt: r given, but no adaptation named: add adapt.name=lora; known are bias, ia3, lora",)),
        (("adapt.r=4", "start.model=x"), ("adapt: r given, but no adaptation named", "add adapt.name=lora")),
        (("adapt.x=4",), ("adapt: x given, but no adaptation named: add adapt.name=NAME",)),
        (("model.head={name: mlp, drop: 1}",), ("model.head.drop: head 'mlp' has no such argument",)),
        (
            ("train.epohs=3", "train.lr=fast", "model.head=liner", "mixup={p: 3}"),
            ("4 problems in the configuration", "train.epohs", "train.lr", "model.head", "mixup.p"),
        ),
        (("train.device=tpu",), ("device 'tpu' is unknown; expected auto, cpu or cuda",)),
        (("freeze={top: 12}",), ("freeze: `top: 12` asks for more layers than the 2 of this encoder",)),
        (("train.loss=bce",), ("train.loss: 'bce' does not fit data with one label a clip; use",)),
        (("data.test=fold=5",), ("data.test='fold=5': there is no column 'fold'",)),
        (("data.test=1.5",), ("data.test: 1.5 is not between 0 and 1",)),
        (("--config", "nowhere.yaml"), ("config nowhere.yaml: no such file",)),
    ],
)
def test_a_wrong_setting(train, two_tones, given, said):
    train(two_tones, *given, code=2, said=said)


def test_a_metric_of_one_label_a_clip_where_clips_have_several(train, chords):
    """It was told only after the first epoch, as a KeyError."""
    said = ("train.metric: metric 'accuracy' is not defined for several labels a clip; take one of",)
    train(chords, "train.metric=accuracy", code=2, said=said)


@pytest.mark.parametrize(("given", "code"), [("nobody/no-such-encoder", 1), ("./no-folder", 2), ("/no/folder", 2)])
def test_an_encoder_that_does_not_exist(train, two_tones, given, code):
    train(two_tones, "--encoder", given, code=code, said=(f"encoder {given!r}",))


def test_an_encoder_of_the_hub_without_a_network_says_what_to_do(train, two_tones):
    said = ("cannot be loaded", "give a local folder, the embedded encoder `mini`, or a hub id", "hf download ID")
    train(two_tones, "--encoder", "nobody/no-such-encoder", code=1, said=said)


def test_a_model_where_an_encoder_is_asked_for_and_the_other_way_round(
    train, refused, two_tones, trained, trained_several, small_encoder, tmp_path
):
    run = trained.folder
    path = f"its encoder alone is {run / 'model'}: give that path (`--encoder {run / 'model'}`, of a probe `--encoders"
    said = (f"encoder '{run}' is a trained model", f"--from {run}", path)
    train(two_tones, "--encoder", run, code=2, said=said)
    said = (f"--from {trained_several.model}", f"alone is {trained_several.model / 'encoder'}")
    train(two_tones, "--encoder", trained_several.model, code=2, said=said)
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "config.yaml").write_text("seed: 1")
    train(two_tones, "--encoder", tmp_path / "begun", code=2, said=("is a run that has no model",))
    for call in (("train", two_tones, "--from"), ("predict",)):
        rest = (two_tones,) if call == ("predict",) else ("--out", tmp_path / "out")
        said = ("model mini: that is the embedded encoder", "`audioft train DATA --encoder mini`")
        refused(*call, "mini", *rest, code=2, said=said)
        refused(*call, "nosuch", *rest, code=2, said=("no such folder", "the hub id of a classifier (OWNER/NAME)"))
        refused(*call, small_encoder, *rest, code=1, said=("it is an encoder", "`audioft train DATA --encoder`"))
    assert not (tmp_path / "out").exists()


def test_the_encoder_of_a_model_in_transformers_format_is_an_encoder(trained, trained_several):
    from audioft.models.loading import resolve

    for folder in (trained.model, trained_several.model / "encoder"):
        assert resolve(str(folder)) == str(folder)


def test_an_encoder_folder_without_its_weights(train, two_tones, small_encoder, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(small_encoder, broken)
    (broken / "model.safetensors").unlink()
    train(two_tones, "--encoder", broken, code=1, said=(str(broken), "model.safetensors"))
    (broken / "config.json").unlink()
    train(two_tones, "--encoder", broken, code=1, said=(f"encoder folder {broken}: there is no config.json in it",))


# --- where results go


def test_a_folder_that_holds_a_run(train, two_tones, tmp_path, trained):
    run = tmp_path / "run"
    shutil.copytree(trained.folder, run)
    before = makers.files(run)
    train(two_tones, "--out", run, code=2, said=(f"{run} already holds a run", "--resume", "--overwrite", "--out"))
    train(
        *(two_tones, "--out", run, "--resume", "train.lr=0.5"),
        code=1,
        said=("holds a run of other settings", "train.lr: was 0.0001, is 0.5"),
    )
    assert makers.files(run) == before


def test_a_folder_that_holds_something_else(train, two_tones, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    for more in ((), ("--overwrite",)):
        train(
            *(two_tones, "--out", tmp_path / "full", *more),
            code=2,
            said=("full is not empty and holds no run", "give another --out"),
        )
    assert makers.files(tmp_path / "full") == {"thesis.txt": b"years of work"}


def test_a_file_where_the_run_should_go(train, two_tones, tmp_path):
    (tmp_path / "file").write_text("x")
    train(two_tones, "--out", tmp_path / "file", code=2, said=("file is a file", "--out"))
    train(two_tones, "--out", tmp_path / "file" / "run", code=2, said=("cannot be made: Not a directory", "--out"))
    assert (tmp_path / "file").read_text() == "x"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a file system nobody may write to")
def test_a_place_nobody_may_write_to(train, refused, two_tones, trained):
    train(two_tones, "--out", "/proc/run", code=2, said=("/proc/run cannot be made", "give another --out"))
    refused("evaluate", trained.folder, two_tones, "--out", "/proc/e", code=2, said=("--out /proc/e cannot be made",))
    refused(
        *("predict", trained.folder, two_tones, "--out", "/proc/p.csv"),
        code=2,
        said=("--out /proc/p.csv cannot be written",),
    )


def test_a_run_that_never_began_can_be_begun_again(train, audioft_command, two_tones, small_encoder, tmp_path):
    train(tmp_path / "gone", code=2, said=("no such file or folder",))
    code, _, err = audioft_command(
        *("train", two_tones, "--encoder", small_encoder, *makers.QUICK_ARGUMENTS, "--out", tmp_path / "out")
    )
    assert code == 0, err


@pytest.mark.parametrize("more", [(), ("--few-shot",)])
def test_a_run_that_never_began_leaves_nothing(refused, small_encoder, tmp_path, more):
    """Data of one label, settings that fit no data, an encoder that is not there."""
    one = makers.tones(tmp_path / "one", labels=("low",))
    out = ("--out", tmp_path / "runs" / "mine", "data.workers=0", *more)
    refused("train", one, "--encoder", small_encoder, *out, code=1, said=("the one label",))
    two = makers.tones(tmp_path / "two")
    refused("train", two, "--encoder", "nobody/none", *out, code=1, said=("nobody/none",))
    refused("train", two, "--encoder", small_encoder, *out, "data.test=fold=5", code=2, said=("no column 'fold'",))
    refused("predict", tmp_path / "runs" / "mine", two, code=2, said=("no such folder",))
    assert not (tmp_path / "runs").exists()
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    refused("train", one, "--encoder", small_encoder, *out, code=1, said=("the one label",))
    assert (tmp_path / "runs" / "mine").is_dir(), "which the user has made"


def test_of_a_run_that_bad_recordings_stopped_their_list_stays_and_blocks_nothing(
    train, refused, audioft_command, two_tones, small_encoder, tmp_path
):
    data = shutil.copytree(two_tones, tmp_path / "data")
    (data / "low" / "low_00.wav").write_text("no")
    train(data, code=1, said=("bad_files.csv", "data.max_bad"))
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["bad_files.csv"]
    said = ("a run never began there", str(tmp_path / "out" / "bad_files.csv"))
    refused("predict", tmp_path / "out", two_tones, code=2, said=said)
    quick = ("--encoder", small_encoder, *makers.QUICK_ARGUMENTS, "--out", tmp_path / "out")
    code, _, err = audioft_command("train", two_tones, *quick)
    assert code == 0, err
    assert (tmp_path / "out" / "bad_files.csv").read_text() == "path,start,end,stage,reason\n"


def test_what_is_no_runs_stays_where_a_run_is_replaced_by_one_that_fails(train, two_tones, trained, tmp_path):
    run = shutil.copytree(trained.folder, tmp_path / "run")
    (run / "notes.txt").write_text("mine")
    two = shutil.copytree(two_tones, tmp_path / "data")
    soundfile.write(two / "low" / "low_00.wav", [0.0] * 8000, 16000)  # no header tells
    train(two, "--out", run, "--overwrite", code=1, said=("low_00.wav", "data.max_bad"))
    assert (run / "notes.txt").read_text() == "mine"


def test_nothing_to_resume(train, refused, two_tones, tmp_path):
    train(two_tones, "--resume", code=2, said=(f"{tmp_path / 'out'}: there is no run to resume",))
    refused("train", two_tones, "--resume", code=2, said=("--resume needs the run folder: give it with --out",))
    refused("train", "--resume", "--out", tmp_path / "gone", code=2, said=("there is no run to resume",))


# --- calls


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (("train",), "no data given"),
        (("train", "a", "b"), "2 folders given (a, b); one model a folder is trained with --each"),
        (("train", "a", "x/a", "--each"), "two of the folders are called a"),
        (("train", "--each"), "--each needs at least one folder or table"),
        (("train", "a", "--examples", "b"), "--examples goes with --dry-run"),
        (("train", "a", "b", "--each", "--dry-run"), "--dry-run is of one folder or table: leave out --each"),
        (("train", "a", "--epochs", "3"), "unknown option: --epochs: did you mean train.epochs=3?"),
        (("evaluate", "a"), "required: DATA"),
        (
            ("evaluate", "gone", "data"),
            "model gone: no such folder; give a run folder or a model folder, or the hub id of a classifier",
        ),
        (("predict", "gone", "x.wav"), "model gone: no such folder"),
        (("predict", "a"), "nothing to label"),
        (("predict", "a", "b", "--frobnicate"), "unknown option: --frobnicate"),
        (("predict", "a", "b", "--top-k", "0"), "'0' is not a whole number above 0"),
        (("predict", "a", "b", "--batch-seconds", "-1"), "'-1' is not a number of seconds above 0"),
        (("frobnicate",), "there is no verb 'frobnicate'"),
        (("--quiet",), "usage: audioft"),
    ],
)
def test_a_wrong_call(audioft_command, monkeypatch, tmp_path, call, said):
    monkeypatch.chdir(tmp_path)
    code, out, err = audioft_command(*call)
    assert code == 2
    assert said in out + err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_evaluate_with_labels_the_model_does_not_know(refused, trained, tmp_path, chords):
    data = makers.tones(tmp_path / "strange", labels=("low", "mid"))
    said = ("does not know: 'mid' (as of mid/mid_00.wav)", "It knows high, low")
    refused("evaluate", trained.folder, data, "--out", tmp_path / "e", code=1, said=said)
    assert not (tmp_path / "e").exists()
    refused("evaluate", trained.folder, chords, code=1, said=("several labels a clip", "exactly one"))


def test_evaluate_where_it_cannot(refused, trained, two_tones, tmp_path):
    run = trained.folder
    (tmp_path / "file").write_text("x")
    refused("evaluate", run, tmp_path / "gone", code=2, said=(str(tmp_path / "gone"), "no such file or folder"))
    refused("evaluate", run, two_tones, "--side", "tset", code=2, said=("side 'tset': expected one of train, valid",))
    new = makers.tones(tmp_path / "new", each=1, seed=9)
    refused("evaluate", run, new, "--side", "test", code=1, said=("the data gives no split", "--side all"))
    refused("evaluate", run, two_tones, "--out", tmp_path / "file", code=2, said=("is a file; --out takes a folder",))
    before = makers.files(run)
    refused("evaluate", run, two_tones, "--out", run, code=2, said=("holds a run, whose own report",))
    assert makers.files(run) == before
    assert (tmp_path / "file").read_text() == "x"


def test_predict_where_it_cannot(audioft_command, refused, trained, two_tones, tmp_path):
    run = trained.folder
    (tmp_path / "file").write_text("x")
    refused("predict", run, two_tones, "--out", tmp_path / "x.txt", code=2, said=("x.txt", "ending in .csv or .jsonl"))
    refused("predict", run, two_tones, "--out", tmp_path / "file" / "x.csv", code=2, said=("cannot be written",))
    refused("predict", run, two_tones, "--device", "tpu", code=2, said=("device 'tpu' is unknown",))
    said = ("gone.wav: no such file or folder", "there: no such")
    refused("predict", run, tmp_path / "gone.wav", tmp_path / "not there", code=2, said=said)
    one = next(two_tones.glob("*/*.wav"))
    for given, said, inputs in (("*.mp9", "no file matches this pattern", []), ("gone.wav", "no such file", [one])):
        code, out, err = audioft_command("predict", run, tmp_path / given, *inputs)
        assert (code, len(out.splitlines())) == (1, 1 + len(inputs))
        assert f"audioft: {tmp_path / given}: {said}" in err
        assert f"1 of {1 + len(inputs)} inputs could not be labelled" in err


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "preprocessor_config.json", "audioft.json"])
def test_a_model_folder_with_a_file_missing(refused, trained, two_tones, tmp_path, name):
    shutil.copytree(trained.model, tmp_path / "model")
    (tmp_path / "model" / name).unlink()
    said = (f"{tmp_path / 'model'} is not a whole model folder: {name} missing",)
    refused("predict", tmp_path / "model", two_tones, code=1, said=said)
    refused("evaluate", tmp_path / "model", two_tones, code=1, said=said)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_model_folder_whose_encoder_lacks_a_file(refused, trained_several, two_tones, tmp_path, name):
    shutil.copytree(trained_several.model, tmp_path / "model")
    (tmp_path / "model" / "encoder" / name).unlink()
    refused("predict", tmp_path / "model", two_tones, code=1, said=(str(tmp_path / "model"), name))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "audioft.json"])
def test_a_model_folder_with_half_a_file(refused, trained, two_tones, tmp_path, name):
    shutil.copytree(trained.model, tmp_path / "model")
    path = tmp_path / "model" / name
    path.write_bytes(path.read_bytes()[:40])
    listed = ("is damaged", "Copy the folder anew") if name != "audioft.json" else ("cannot be read",)
    refused("predict", tmp_path / "model", two_tones, code=1, said=(str(path), *listed))
    (tmp_path / "model" / "hashes.json").unlink()
    refused("predict", tmp_path / "model", two_tones, code=1, said=(str(tmp_path / "model"), "cannot be read"))


def test_a_run_whose_training_has_not_ended(refused, trained, two_tones, tmp_path):
    shutil.copytree(trained.folder, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "model")
    resume = f"audioft train --resume --out {tmp_path / 'run'}"
    said = ("has no model yet: its training has not ended", resume)
    refused("predict", tmp_path / "run", two_tones, code=2, said=said)
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    said = ("has no model: it was stopped before its first checkpoint", resume)
    refused("predict", tmp_path / "run", two_tones, code=2, said=said)
