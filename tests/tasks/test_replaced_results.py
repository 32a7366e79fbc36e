"""`--overwrite` that comes to nothing leaves what was there, whatever verb it is of and however it ends."""

from __future__ import annotations

import shutil
from pathlib import Path

import makers
import pytest
import small_pretraining as small

from audioft.core import set_aside
from audioft.data import check


@pytest.fixture
def broken(tmp_path):
    """A folder of two labels that no header tells is none of recordings."""
    for label in ("high", "low"):
        for i in range(4):
            place = tmp_path / "broken" / label / f"{i}.wav"
            place.parent.mkdir(parents=True, exist_ok=True)
            makers.tone(place, seconds=0.5)
            place.write_bytes(place.read_bytes()[:44] + bytes(16000))  # silent
    return tmp_path / "broken"


@pytest.fixture(scope="session")
def pretrained(two_tones, tmp_path_factory) -> Path:
    """An encoder; not to be changed."""
    return small.pretrain(two_tones, tmp_path_factory.mktemp("encoders") / "first")


def kept(folder: Path) -> dict[str, bytes]:
    """What is in a folder, but for the table that a message refers to."""
    return {k: v for k, v in makers.files(folder).items() if not k.endswith("bad_files.csv")}


TRAIN = {
    "data that cannot be read": ("BROKEN",),
    "no data": ("gone",),
    "a setting": ("TONES", "train.loss=bce"),
    "a misspelt setting": ("TONES", "train.epoch=1"),
    "no encoder": ("TONES", "--encoder", "gone"),
    "few-shot": ("BROKEN", "--few-shot"),
}


@pytest.fixture
def said(request):
    """Names of fixtures in a call, as what they are."""
    use = request.getfixturevalue
    named = {"BROKEN": "broken", "TONES": "two_tones", "ENCODER": "small_encoder", "SEVERAL": "chords"}
    return lambda call: tuple(use(named[part]) if part in named else part for part in call)


@pytest.mark.parametrize("name", TRAIN)
def test_train(audioft_command, trained, tmp_path, said, name, small_encoder):
    run = shutil.copytree(trained.folder, tmp_path / "run")
    (run / "notes.txt").write_text("mine")
    before = kept(run)
    quick = () if "--encoder" in TRAIN[name] else ("--encoder", small_encoder)
    quick += () if "--few-shot" in TRAIN[name] else (*makers.QUICK_ARGUMENTS,)
    call = ("train", *said(TRAIN[name]), *quick, "--out", run, "--overwrite")
    code, _, err = audioft_command(*call)
    assert code in (1, 2)
    assert "Traceback" not in err
    assert kept(run) == before
    assert ("holds the run that it held before" in err) == (name != "a misspelt setting"), err


INPUTS = {
    "encoder.name": ("TONES", "--encoder", "RUN/model"),
    "data.source": ("RUN/manifest.csv", "--encoder", "ENCODER"),
    "data.audio_root": ("TONES", "--encoder", "ENCODER", "data.audio_root=RUN/checkpoints"),
    "augment.0.folder": ("TONES", "--encoder", "ENCODER", "augment=[{name: noise, folder: RUN/decoded/mine}]"),
}


@pytest.mark.parametrize("key", INPUTS)
def test_train_on_what_lies_in_the_run(refused, trained, tmp_path, said, key):
    run = shutil.copytree(trained.folder, tmp_path / "run")
    makers.tone(run / "decoded" / "mine" / "noise.wav")
    before = makers.files(run)
    call = [x.replace("RUN", str(run)) if isinstance(x, str) else x for x in said(INPUTS[key])]
    wanted = (f"{key}=", f"lies in {run}, the folder of the run", "give another --out")
    refused("train", *call, *makers.QUICK_ARGUMENTS, "--out", run, "--overwrite", code=2, said=wanted)
    assert makers.files(run) == before


def test_pretrain_from_the_encoder_that_is_to_be_replaced(refused, pretrained, two_tones, tmp_path):
    out = shutil.copytree(pretrained, tmp_path / "encoder")
    before = makers.files(out)
    call = ("pretrain", two_tones, *small.strings(small.BRIEF)[1:], "--from", out, "--out", out, "--overwrite")
    refused(*call, code=2, said=("holds the encoder that the pretraining is to go on from; give another --out",))
    assert makers.files(out) == before


@pytest.mark.parametrize("sides", [(), ("data.valid=null",), ("data.valid=null", "data.test=null")])
@pytest.mark.parametrize("saving", [(), ("train.save_steps=1",)])
def test_train_that_diverges(audioft_command, trained, two_tones, train_arguments, tmp_path, sides, saving):
    run = shutil.copytree(trained.folder, tmp_path / "run")
    before = makers.files(run)
    wild = ("train.lr=1e30", "train.epochs=2", *sides, *saving)
    code, _, err = audioft_command("train", two_tones, *train_arguments, *wild, "--out", run, "--overwrite")
    assert code == 1
    assert "diverged" in err
    assert f"{run} holds the run that it held before" in err
    assert makers.files(run) == before


@pytest.mark.parametrize("more", [makers.QUICK_ARGUMENTS, ("--few-shot",)])
def test_train_interrupted(audioft_command, trained, two_tones, small_encoder, tmp_path, monkeypatch, more):
    run = shutil.copytree(trained.folder, tmp_path / "run")
    before = makers.files(run)
    call = ("train", two_tones, "--encoder", small_encoder, *more, "seed=5", "--out", run)
    interrupt(monkeypatch)
    code, _, err = audioft_command(*call, "--overwrite")
    assert (code, makers.files(run)) == (130, before)
    assert f"{run} holds the run that it held before" in err
    assert "--resume" not in err
    monkeypatch.undo()
    assert audioft_command(*call, "--overwrite")[0] == 0
    assert makers.files(run)["model/model.safetensors"] != before["model/model.safetensors"]
    assert not set_aside.folder_of(run).exists()


def test_train_killed(audioft_command, trained, two_tones, train_arguments, tmp_path, monkeypatch):
    """What a killed process had set aside is put back by the next call, whatever that is."""
    run = shutil.copytree(trained.folder, tmp_path / "run")
    before = makers.files(run)
    kill(monkeypatch)
    with pytest.raises(Killed):
        audioft_command("train", two_tones, *train_arguments, "seed=5", "--out", run, "--overwrite")
    monkeypatch.undo()
    assert not (run / "model").exists()
    code, _, err = audioft_command("train", two_tones, *train_arguments, "--out", run)
    assert code == 2
    assert "already holds a run" in err
    assert makers.files(run) == before


PRETRAIN = {
    "probes that do not go": ("TONES", "--probe", "SEVERAL"),
    "data that cannot be read": ("BROKEN",),
    "no data": ("gone",),
    "a setting": ("TONES", "data.crop_seconds=-1"),
    "no encoder to go on from": ("TONES", "--from", "gone"),
}


@pytest.mark.parametrize("name", PRETRAIN)
def test_pretrain(audioft_command, pretrained, tmp_path, said, name):
    out = shutil.copytree(pretrained, tmp_path / "encoder")
    before = kept(out)
    settings = small.strings(small.BRIEF)[1 if "--from" in PRETRAIN[name] else 0 :]
    code, _, err = audioft_command("pretrain", *settings, *said(PRETRAIN[name]), "--out", out, "--overwrite")
    assert code in (1, 2)
    assert "Traceback" not in err
    assert kept(out) == before


def test_pretrain_interrupted(audioft_command, pretrained, two_tones, tmp_path, monkeypatch):
    out = shutil.copytree(pretrained, tmp_path / "encoder")
    before = makers.files(out)
    call = ("pretrain", two_tones, *small.strings(small.BRIEF), "seed=5", "--out", out, "--overwrite")
    interrupt(monkeypatch)
    code, _, err = audioft_command(*call)
    assert (code, makers.files(out)) == (130, before)
    assert "holds the run that it held before" in err
    monkeypatch.undo()
    assert audioft_command(*call)[0] == 0
    assert makers.files(out)["model.safetensors"] != before["model.safetensors"]
    assert not set_aside.folder_of(out / "pretraining").exists()


OTHERS = {
    "probe": ("probe", "TONES", "--encoders", "ENCODER", "--no-cache"),
    "learning-curve": ("learning-curve", "TONES", "--encoder", "ENCODER", "--no-cache", "--shots", "1", "--draws", "2"),
    "render": ("render", "TONES", "augment=[gain]"),
}
WORSE = {"probe": ("data.test=fold=5",), "learning-curve": ("data.test=fold=5",), "render": ("augment=[gone]",)}


@pytest.mark.parametrize("verb", OTHERS)
def test_other_verbs(audioft_command, tmp_path, said, verb, broken):
    out, call = tmp_path / "out", said(OTHERS[verb])
    assert audioft_command(*call, "--out", out)[0] == 0
    before = makers.files(out)
    for wrong in ((*call, *WORSE[verb]), (verb, broken / "gone", *call[2:])):
        code, _, err = audioft_command(*wrong, "--out", out, "--overwrite")
        assert code in (1, 2)
        assert "Traceback" not in err
        assert makers.files(out) == before


def test_evaluate(audioft_command, trained, two_tones, tmp_path, broken, chords):
    out = tmp_path / "out"
    assert audioft_command("evaluate", trained.folder, two_tones, "--out", out)[0] == 0
    before = makers.files(out)
    for data in (broken, chords, tmp_path / "gone"):
        code, _, err = audioft_command("evaluate", trained.folder, data, "--out", out, "--overwrite")
        assert code in (1, 2)
        assert "Traceback" not in err
        assert kept(out) == {k: v for k, v in before.items() if not k.endswith("bad_files.csv")}
    code, _, err = audioft_command("evaluate", trained.folder, two_tones, "--side", "test", "--out", out)
    assert (code, "--overwrite" in err) == (2, True)
    assert kept(out) == {k: v for k, v in before.items() if not k.endswith("bad_files.csv")}
    assert audioft_command("evaluate", trained.folder, two_tones, "--side", "test", "--out", out, "--overwrite")[0] == 0
    assert makers.files(out)["report.json"] != before["report.json"]


class Killed(BaseException):
    """Nothing answers it, as nothing does when a process is killed."""


def interrupt(monkeypatch):
    """Ctrl-C while the recordings are checked."""

    def checked(*args, **how):
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "check", checked)


def kill(monkeypatch):
    def checked(*args, **how):
        raise Killed

    monkeypatch.setattr(check, "check", checked)
    monkeypatch.setattr(set_aside, "put_back", lambda aside, but=(): False)
    monkeypatch.setattr(set_aside, "let_go", lambda aside: None)
