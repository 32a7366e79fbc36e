"""`audioft pretrain` called wrongly: one clear message, the right code, nothing begun; and what it only shows."""

from __future__ import annotations

import json

import makers
import pytest
import small_pretraining as small
import soundfile
import yaml

from audioft.configuration.config import PretrainConfig, check, describe, keys, load, save
from audioft.errors import ConfigError
from audioft.tasks.pretrain import resolve

QUICK = small.strings(small.BRIEF)


@pytest.fixture
def pretrain(refused, tmp_path):
    """`audioft pretrain` with brief settings into `tmp_path/out`, refused before anything is begun."""

    def call(*arguments, code: int, said: tuple[str, ...]) -> str:
        out = () if "--out" in arguments else ("--out", tmp_path / "out")
        err = refused("pretrain", *QUICK, *arguments, *out, code=code, said=said)
        assert not (tmp_path / "out" / "config.json").exists()
        assert not list(tmp_path.glob("out/pretraining/round-*"))
        return err

    return call


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("train.epochs=3",), ("unknown key 'train.epochs'",)),
        (("train.mesures=3",), ("unknown key 'train.mesures': did you mean 'train.measures'?",)),
        (("objective.maks=0.3",), ("unknown key 'objective.maks': did you mean 'objective.mask'?",)),
        (("objective.mask=0.9",), ("objective.mask: input should be less than 0.63", "found 0.9")),
        (("train.schedule=linaer",), ("train.schedule: unknown schedule 'linaer': did you mean 'linear'?",)),
        (("encoder.architecture={hiden_size: 3}",), ("encoder.architecture.hiden_size", "'hidden_size'")),
        (("encoder.dtype=float8",), ("encoder.dtype", "float8")),
        (("disturb=[{name: speed}]",), ("disturb.0: speed moves what is to be predicted; set it in augment",)),
        (("disturb=[noise, shift]",), ("disturb.1: shift moves what is to be predicted",)),
        (("augment=[{name: niose}]",), ("augment.0: unknown augmentation 'niose': did you mean 'noise'?",)),
        (("mixing={p: 2}",), ("mixing.p: 2.0 is not a share between 0 and 1",)),
        (("mixing={share: 2}",), ("mixing.share",)),
        (("freeze={top: x}",), ("freeze",)),
        (
            ("objective.rounds=[{targets: layer}]",),
            ("objective.rounds.0: an encoder from nothing has no layer worth clustering yet; begin with mfcc",),
        ),
        (("objective.rounds=[{targets: mfcc, clusters: 1}]",), ("objective.rounds.0.clusters", "found 1")),
        (("objective.rounds=[{targets: mfcc, cluster: 9}]",), ("objective.rounds.0.cluster",)),
        (("data.sources=[{where: 3}]",), ("data.sources.0: path is missing", "data.sources.0.where")),
        (("data.sources=[{path: x, wieght: 2}]",), ("data.sources.0.wieght: unknown; known are path, where",)),
        (("data.sources=[{path: x, weight: 0}]",), ("data.sources.0.weight: 0 is not a number above 0",)),
        (("data.sources=[{path: 5}]",), ("data.sources.0.path",)),
        (("data.sources=[{path: x, test: maybe}]",), ("data.sources.0.test",)),
        (("--config", "nowhere.yaml"), ("config nowhere.yaml: no such file",)),
        (("train.device=tpu",), ("device 'tpu' is unknown; expected auto, cpu or cuda",)),
        (
            ("train.mesures=3", "objective.mask=0.9", "disturb=[speed]", "mixing={p: 2}"),
            ("4 problems in the configuration", "train.mesures", "objective.mask", "disturb.0", "mixing.p"),
        ),
    ],
)
def test_a_wrong_setting(pretrain, two_tones, given, said):
    sources = () if any("data.sources" in str(g) for g in given) else (two_tones,)
    pretrain(*sources, *given, code=2, said=said)


def test_a_layer_the_encoder_has_not(pretrain, two_tones):
    rounds = "objective.rounds=[{targets: mfcc, steps: 2}, {targets: layer, layer: 3, steps: 2}]"
    pretrain(two_tones, rounds, code=1, said=("objective.rounds.1.layer: 3, but the encoder has 2 layers",))


def test_no_data(pretrain, tmp_path):
    pretrain(code=2, said=("no recordings given: `audioft pretrain DATA... --out ENCODER`, or set data.sources",))
    pretrain(tmp_path / "none", code=2, said=(f"{tmp_path / 'none'}: no such file or folder",))
    (tmp_path / "empty").mkdir()
    pretrain(tmp_path / "empty", code=1, said=("empty: no recordings in this folder or below it",))


def test_bad_recordings(pretrain, two_tones, tmp_path):
    for i in range(3):
        (tmp_path / "bad").mkdir(exist_ok=True)
        (tmp_path / "bad" / f"{i}.wav").write_bytes(b"RIFF nothing")
    pretrain(two_tones, tmp_path / "bad", code=1, said=("3 of 15", "bad_files.csv", "data.max_bad"))


def test_a_single_recording_cannot_be_held_out_of_itself(pretrain, tmp_path):
    makers.tone(tmp_path / "a.wav")
    said = ("1 recordings are too few to hold some out; set data.held_out=0",)
    pretrain(tmp_path / "a.wav", "data.held_out=0.9", code=1, said=said)


@pytest.mark.parametrize("name", ["nobody/no-such-encoder", "./no-folder"])
def test_an_encoder_to_go_on_from_that_does_not_exist(pretrain, two_tones, name):
    code = 1 if name.startswith("nobody") else 2
    rounds = "objective.rounds=[]"
    pretrain(two_tones, "--from", name, rounds, code=code, said=(f"encoder {name!r}",))


def test_a_probe_that_cannot_be(pretrain, two_tones, chords, tmp_path):
    said = ("a probe needs one label a clip; these clips carry several",)
    pretrain(two_tones, "--probe", chords, code=1, said=(str(chords), *said))
    assert not (tmp_path / "out" / "pretraining" / "decoded").exists(), "told before the long decoding"
    pretrain(two_tones, "--probe", tmp_path / "none", code=2, said=(f"{tmp_path / 'none'}: no such file or folder",))
    makers.tone(tmp_path / "few" / "a" / "1.wav")
    makers.tone(tmp_path / "few" / "b" / "1.wav", 900)
    pretrain(
        two_tones,
        "--probe",
        tmp_path / "few",
        code=1,
        said=("few: nothing to probe on: there is only one clip of 'a', 'b'",),
    )


def test_where_nothing_may_be_written(pretrain, two_tones, tmp_path):
    (tmp_path / "file").write_text("mine")
    pretrain(two_tones, "--out", tmp_path / "file", code=2, said=("is a file; give the encoder a folder of its own",))
    for name in ("mine.txt", "config.json"):
        folder = tmp_path / f"full {name}"
        folder.mkdir()
        (folder / name).write_text("mine")
        before = makers.files(folder)
        for more in ((), ("--overwrite",)):
            said = ("is not empty and was not pretrained by audioft; nothing there is touched",)
            pretrain(two_tones, "--out", folder, *more, code=2, said=said)
        assert makers.files(folder) == before


def test_nothing_to_resume(pretrain, two_tones, tmp_path, refused):
    refused("pretrain", two_tones, "--resume", code=2, said=("--resume needs the encoder's folder", "--out"))
    pretrain(two_tones, "--resume", code=2, said=("there is no run to resume",))
    refused("pretrain", "--resume", "--out", tmp_path / "none", code=2, said=("there is no run to resume",))
    assert not (tmp_path / "none").exists()


def test_options_of_other_verbs(audioft_command, two_tones):
    code, out, err = audioft_command("pretrain", two_tones, "--each")
    assert (code, out) == (2, "")
    assert "unknown option: --each" in err


def test_settings_are_listed(audioft_command):
    code, out, err = audioft_command("pretrain", "--settings")
    assert (code, err) == (0, "")
    assert out == describe(PretrainConfig) + "\n"
    for key, field in keys(PretrainConfig).items():
        assert f"{key}=" in out
        assert field.description


def test_a_dry_run_shows_the_settings_and_writes_nothing(audioft_command, two_tones, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call = ("pretrain", two_tones, "--dry-run", "train.lr=0.5", "--probe", two_tones)
    code, out, told = audioft_command(*call, "--settings")
    assert code == 0
    shown = yaml.safe_load(out)
    assert shown["data"]["sources"] == shown["probe"]["sources"] == [str(two_tones)]
    assert shown["train"]["lr"] == 0.5
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "config.yaml").write_text(out)
    assert load("config.yaml", kind=PretrainConfig) == check(shown, kind=PretrainConfig)
    code, short, err = audioft_command(*call)
    assert (code, err) == (0, "")
    assert audioft_command(*call, "-q") == (0, short, "")
    assert short.startswith(told)
    changed = yaml.safe_load(short[len(told) :].partition("\n")[2])
    assert changed == {"train": {"lr": 0.5}, "probe": {"sources": [str(two_tones)]}}


def test_a_dry_run_says_what_would_be_heard(audioft_command, two_tones, tmp_path):
    (tmp_path / "bad").mkdir()
    for i in range(4):
        (tmp_path / "bad" / f"{i}.wav").write_bytes(b"")
    makers.tone(tmp_path / "bad" / "good.wav", seconds=2.0)
    rounds = "objective.rounds=[{targets: mfcc, clusters: 5, steps: 30}, {targets: layer, steps: 70}]"
    call = ("pretrain", two_tones, tmp_path / "bad", "--dry-run", rounds, "train.batch_size=4", "data.max_bad=0.5")
    code, out, err = audioft_command(*call, "data.crop_seconds=0.5")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "note: 4 of 17 recordings cannot be used"
    assert lines[1] == "  - 4 times, bad/0.wav, bad/1.wav, bad/2.wav and 1 more: the file is empty (0 bytes)"
    assert lines[2] == "data: 13 recordings, 0.00 hours; 1 of them are only measured on"
    for part in ("round-1: 5 clusters of MFCCs with their deltas, 30 steps", "own layer 3, 70 steps"):
        assert part in out
    seconds = sum(soundfile.info(f).duration for f in two_tones.rglob("*.wav")) + 2
    assert f"steps: 100 of 4 crops of 0.5 s: 0.06 hours, {100 * 4 * 0.5 / seconds:.1f} times all there is" in out
    assert "parameters: " in out


def test_a_config_survives_being_written(tmp_path):
    config = resolve.settings(
        ["a", "b"], "mini", overrides={"mixing": None, "disturb": ["noise"], "objective.rounds": [{"clusters": 5}]}
    )
    (tmp_path / "c.yaml").write_text(save(config))
    assert load(tmp_path / "c.yaml", kind=PretrainConfig) == config
    again = resolve.settings("c", config=tmp_path / "c.yaml")
    assert (again.data.sources, again.encoder.start) == (["c"], "mini")


def test_python_gives_the_same_problems(two_tones):
    with pytest.raises(ConfigError, match=r"did you mean 'objective\.mask'"):
        resolve.settings(two_tones, overrides={"objective.maks": 1})


def test_the_command_and_its_folder(audioft_command, two_tones, tmp_path, monkeypatch):
    """Tables with conditions, quiet, a folder by default, then --resume and a refusal to begin there again."""
    monkeypatch.chdir(tmp_path)
    rows = ["file_name,fold"]
    for i in range(8):
        makers.tone(tmp_path / "forest" / f"{i}.wav", 300 + 100 * i)
        rows.append(f"{i}.wav,{i % 2}")
    (tmp_path / "forest" / "metadata.csv").write_text("\n".join(rows))
    one = {"objective.rounds": [{"targets": "mfcc", "clusters": 5, "steps": 1}], "train.measures": 1}
    brief = small.strings(small.BRIEF | one | {"data.held_out": 0})
    source = json.dumps([{"path": "forest", "where": {"fold": 0}}])
    code, out, err = audioft_command("pretrain", "-q", f"data.sources={source}", *brief)
    assert (code, out, err) == (0, "encoders/forest\n", "")
    card = (tmp_path / "encoders" / "forest" / "README.md").read_text()
    assert "4 recordings were learnt from, 0 only measured on" in card
    assert "Nothing was held out to measure on." in card
    assert not (tmp_path / "encoders" / "forest" / "pretraining.png").exists()
    stored = yaml.safe_load((tmp_path / "encoders" / "forest" / "pretraining" / "config.yaml").read_text())
    assert stored["data"]["sources"] == [{"path": str(tmp_path / "forest"), "where": {"fold": 0}}]
    before = makers.files(tmp_path / "encoders" / "forest")
    code, out, err = audioft_command("pretrain", "--resume", "--out", "encoders/forest")
    assert (code, out) == (0, "encoders/forest\n")
    after = makers.files(tmp_path / "encoders" / "forest")
    assert after["model.safetensors"] == before["model.safetensors"]
    code, _, err = audioft_command("pretrain", "forest", *brief, "--out", "encoders/forest")
    assert code == 2
    assert "already holds a run" in err
