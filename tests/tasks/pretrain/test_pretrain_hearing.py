"""A pretraining on ultrasound: its crops are heard as asked, and the encoder keeps how."""

from __future__ import annotations

import bats
import pytest
from small_pretraining import SMALL, pretrain

from audioft.assembly import hearings
from audioft.audio.hearing import Hearing
from audioft.configuration.sections import DataSection
from audioft.models.architecture import save_encoder
from audioft.models.loading import load_encoder
from audioft.tasks.pretrain import rounds
from audioft.tasks.pretrain.resolve import settings

BRIEF = {
    "objective.rounds": [{"targets": "mfcc", "clusters": 4, "steps": 2}],
    "train.measures": 1,
    "train.save_steps": 0,
}


@pytest.fixture(scope="module")
def passes(tmp_path_factory):
    return bats.folder(tmp_path_factory.mktemp("bats") / "bats", 4)


HOW = Hearing(16000, None, (18_000.0, 80_000.0))
BAND = {"data.band": [18_000, 80_000]}


@pytest.mark.slow
def test_the_encoder_keeps_how_it_hears(passes, tmp_path):
    out = pretrain(passes, tmp_path / "encoder", overrides=BRIEF | BAND)
    assert load_encoder(str(out))[0].hearing == HOW
    assert f"recordings are heard {HOW}" in (out / "README.md").read_text()


def test_who_begins_with_such_an_encoder_hears_as_it_does(passes, tmp_path):
    new = {"encoder.architecture": SMALL}
    encoder, _ = rounds.first_encoder(settings(passes, overrides=new | BAND))
    assert encoder.hearing == HOW
    assert rounds.first_encoder(settings(passes, overrides=new))[0].hearing == Hearing(16000)
    out = tmp_path / "encoder"
    out.mkdir()
    save_encoder(encoder, out, dtype="float16", about={"pretrained": True})
    assert hearings.known(DataSection(), str(out)) == HOW
    assert rounds.first_encoder(settings(passes, str(out)))[0].hearing == HOW
    other, _ = rounds.first_encoder(settings(passes, str(out), overrides={"data.time_expansion": 10}))
    assert other.hearing == Hearing(16000, 10)


def test_a_dry_run_counts_what_is_heard(passes, tmp_path, audioft_command):
    arguments = ("--out", tmp_path / "e", "--dry-run", "data.time_expansion=10", "data.crop_seconds=2")
    code, out, err = audioft_command("pretrain", passes, *arguments)
    assert code == 0, err
    assert "recordings are heard: slowed down by 10" in out + err
    # 6000 steps of 16 crops of 2 s for the encoder, of eight recordings of 0.4 s
    assert "16 crops of 2 s: 5.33 hours, 6000.0 times all there is" in out + err
