"""Wrong settings are named, with what was found."""

from __future__ import annotations

import pytest

from audioft.audio import media, writing
from audioft.augmentation import Mixup, augmentations
from audioft.augmentation.waveform import Gain
from audioft.errors import ConfigError


@pytest.mark.parametrize("name", augmentations.names())
def test_the_defaults_are_right(name):
    assert augmentations.check(name, "augment[0]") == []
    assert 0 < augmentations.build(name).p < 1


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"name": "gian"}, "unknown augmentation 'gian': did you mean 'gain'?"),
        ({"name": "gain", "max_bd": 1.0}, "max_bd: augmentation 'gain' has no such argument: did you mean"),
        ({"name": "gain", "p": 1.3}, "augment[2].p: 1.3 is not between 0 and 1"),
        ({"name": "gain", "p": float("nan")}, "p: nan is not between"),
        ({"name": "gain", "p": "often"}, "p: 'often' is not of type float"),
        ({"name": "gain", "min_db": 6, "max_db": -6}, "min_db: 6 is greater than max_db, which is -6"),
        ({"name": "shift", "max_seconds": -1}, "max_seconds: -1 is not between"),
        ({"name": "shift", "rolled": 1}, "rolled: 1 is not of type bool"),
        ({"name": "noise", "min_snr_db": 50}, "min_snr_db: 50 is greater than max_snr_db"),
        ({"name": "noise", "color": "grey"}, "color: 'grey' is not of type"),
        ({"name": "noise", "folder": "/no/such"}, "folder: there is no folder '/no/such'"),
        ({"name": "reverb", "folder": "/no/such"}, "folder: there is no folder '/no/such'"),
        ({"name": "reverb", "min_rt60": 0}, "min_rt60: 0 is not between"),
        ({"name": "reverb", "max_drr_db": -5}, "min_drr_db: 0 is greater than max_drr_db"),
        ({"name": "speed", "min_rate": 0}, "min_rate: 0 is not between 0.25 and 4"),
        ({"name": "time_stretch", "max_rate": 9}, "max_rate: 9 is not between 0.25 and 4"),
        ({"name": "pitch", "max_semitones": 30}, "max_semitones: 30 is not between"),
        ({"name": "time_mask", "masks": 0}, "masks: 0 is not between 1 and 20"),
        ({"name": "time_mask", "max_share": 1}, "max_share: 1 is not between 0 and 0.9"),
        ({"name": "frequency_mask", "masks": 1.5}, "masks: 1.5 is not of type int"),
    ],
    ids=str,
)
def test_a_bad_setting_is_named(spec, expected):
    problems = augmentations.check(spec, "augment[2]")
    assert len(problems) == 1
    assert problems[0].startswith("augment[2]")
    assert expected in problems[0]
    with pytest.raises(ConfigError):
        augmentations.build(spec)


def test_all_bad_settings_are_named_at_once():
    problems = augmentations.check({"name": "noise", "p": -1, "min_snr_db": -99, "folder": "/no/such"}, "a")
    assert len(problems) == 3


def test_a_constructor_checks_without_the_registry_too():
    with pytest.raises(ConfigError, match=r"gain\.min_db: 3 is greater than max_db"):
        Gain(min_db=3, max_db=-3)


def test_a_folder_without_sounds_is_named(tmp_path):
    (tmp_path / "readme.txt").write_text("nothing to hear")
    (problem,) = augmentations.check({"name": "noise", "folder": str(tmp_path)}, "a")
    assert "no sound files" in problem
    assert str(tmp_path) in problem


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.m4a", b"\0\0\0\x1cftypM4A \0\0"),
        ("a.3GP", b"\0\0\0\x18ftyp3gp4\0\0"),
        ("a.webm", b"\x1aE\xdf\xa3\x01"),
        ("a.wma", b"0&\xb2u\x8ef\xcf\x11\xa6"),
        ("voice", b"#!AMR\n\x3c\x91"),
    ],
)
@pytest.mark.parametrize("part", ["noise", "reverb"])
def test_sounds_of_phones_are_taken_or_refused_by_name(name, head, part, tmp_path, monkeypatch):
    writing.write_wav(tmp_path / "b.wav", [0.1] * 100, 16_000)
    (tmp_path / "read.me").write_text("no sound")
    (tmp_path / name).write_bytes(head)
    spec = {"name": part, "folder": str(tmp_path)}
    monkeypatch.setattr(media, "decoder", lambda: (media.PipedMedia, "ffmpeg"))
    assert augmentations.check(spec, "a") == []
    assert sorted(augmentations.build(spec).files) == sorted([name, "b.wav"])
    monkeypatch.setattr(media, "decoder", lambda: None)
    (problem,) = augmentations.check(spec, "a")
    assert f"1 file in {str(tmp_path)!r} cannot be decoded here, as {name}: {media.ADVICE}" in problem


def test_where_nothing_needs_another_decoder_none_is_looked_for(tmp_path, monkeypatch):
    writing.write_wav(tmp_path / "b.wav", [0.1] * 100, 16_000)
    monkeypatch.setattr(media, "decoder", lambda: pytest.fail("looked for"))
    assert augmentations.check({"name": "noise", "folder": str(tmp_path)}, "a") == []


def test_a_color_and_a_folder_exclude_each_other(tmp_path):
    writing.write_wav(tmp_path / "a.wav", [0.1] * 100, 16_000)
    (problem,) = augmentations.check({"name": "noise", "folder": str(tmp_path), "color": "pink"}, "a")
    assert "no effect" in problem


def test_mixup_checks_its_settings():
    assert Mixup.validate(p=0.5, alpha=0.4) == []
    assert len(Mixup.validate(p=1.5, alpha=0)) == 2
    with pytest.raises(ConfigError, match=r"mixup\.alpha"):
        Mixup(alpha=-1)
