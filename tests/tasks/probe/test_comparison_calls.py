"""`audioft probe` as it is called: what is refused, what is written where, and what is told."""

from __future__ import annotations

import logging
import shutil

import makers
import pytest

from audioft.errors import ModelError
from audioft.models import hub
from audioft.models.loading import load_encoder


@pytest.mark.parametrize(
    ("more", "text"),
    [
        (("train.lr=1",), "train.lr=1: a probe trains nothing"),
        (("events.use=frames",), "events.use=frames labels frames"),
        (("--device", "tpu"), "device 'tpu' is unknown"),
        (("data.tst=0.1",), "unknown key 'data.tst'"),
        (("data.test=fold=5",), "data.test='fold=5': there is no column"),
    ],
)
def test_wrong_calls(more, text, two_tones, refused):
    refused("probe", two_tones, *more, code=2, said=(text,))


def test_no_data_and_a_file_for_a_folder(refused, two_tones, tmp_path):
    refused("probe", code=2, said=("none given",))
    (tmp_path / "f").write_text("x")
    refused("probe", two_tones, "--out", tmp_path / "f", code=2, said=("is a file",))


def test_a_label_of_one_clip_is_named_before_an_encoder_is_run(here, cache, two_tones, refused, tmp_path):
    data = shutil.copytree(two_tones, tmp_path / "data")
    for label in ("creak", "squeak"):
        makers.tone(data / label / "x.wav", 700 + 10 * len(label))
    said = ("there is only one clip of 'creak', 'squeak'", "add recordings")
    refused("probe", data, "--out", tmp_path / "new" / "out", code=1, said=said)
    assert here == []
    assert not (tmp_path / "new").exists()


def test_encoders_that_are_named_twice_or_not_at_all(here, cache, two_tones, small_encoder, audioft_command, refused):
    code, table, said = audioft_command("probe", two_tones, "--encoders", f"{small_encoder},{small_encoder}")
    assert code == 0
    assert here == [12, 12]
    assert f"note: {small_encoder} is named more than once; it is measured once" in said
    assert "no tested clip has a say" in table
    for given in ("", " , "):
        refused("probe", two_tones, "--encoders", given, code=2, said=("--encoders names no encoder",))


def test_results_are_replaced_only_where_that_is_asked_for(
    here, cache, two_tones, small_encoder, audioft_command, refused, tmp_path
):
    out = tmp_path / "out"
    (out).mkdir()
    for name in ("probe.csv", "probe.png", "notes.txt"):
        (out / name).write_text("mine")
    call = ("probe", two_tones, "--encoders", "./nowhere", "--out", out)
    said = (f"{out} already holds results (probe.csv, probe.png)", "--overwrite", "another --out")
    refused(*call, code=2, said=said)
    assert set(makers.files(out).values()) == {b"mine"}
    refused(*call, "--overwrite", "data.test=fold=5", code=2, said=("no column 'fold'",))
    assert set(makers.files(out).values()) == {b"mine"}
    audioft_command(*call, "--overwrite")
    assert set(makers.files(out).values()) == {b"mine"}, "nothing was measured, so what was there stays"
    audioft_command("probe", two_tones, "--encoders", small_encoder, "--out", out, "--overwrite")
    found = {name for name in makers.files(out) if not name.startswith("classifier")}
    assert found == {"probe.csv", "layers.csv", "probe.json", "probe.png", "notes.txt"}
    assert (out / "notes.txt").read_text() == "mine"


def test_a_wrong_call_leaves_no_folder(two_tones, refused, tmp_path):
    (tmp_path / "here").mkdir()
    for verb in ("probe", "learning-curve"):
        for out in (tmp_path / "new" / "out", tmp_path / "here"):
            refused(verb, two_tones, "--out", out, "data.test=fold=5", code=2, said=("no column 'fold'",))
    assert list(tmp_path.iterdir()) == [tmp_path / "here"]


def test_a_name_that_is_nearly_an_embedded_one_is_refused_before_anything_is_done(
    here, cache, two_tones, refused, tmp_path, monkeypatch
):
    monkeypatch.setattr("audioft.assembly.recordings.load", lambda *_, **__: pytest.fail("recordings are looked at"))
    said = ("encoder 'minni' is no folder and no embedded encoder: did you mean 'mini'?",)
    refused("probe", two_tones, "--encoders", "mini,minni", code=2, said=said)
    said = ("2 problems in the encoders", "'minni'", "'Mini'")
    refused("probe", two_tones, "--encoders", "Mini,minni", "--out", tmp_path / "out", code=2, said=said)
    said = ("encoder.name: 'minni' is no folder and no embedded encoder: did you mean 'mini'?",)
    for verb in ("train", "learning-curve"):
        refused(verb, two_tones, "--encoder", "minni", "--out", tmp_path / "out", code=2, said=said)
    said = ("encoder.start: 'minni' is no folder", "'mini'?")
    refused("pretrain", two_tones, "--from", "minni", "--out", tmp_path / "out", code=2, said=said)
    assert not (tmp_path / "out").exists()
    with pytest.raises(ModelError, match="'wav2vec2' cannot be loaded"):
        load_encoder("wav2vec2")


def test_what_the_hubs_client_tries_again_is_not_told(monkeypatch):
    from huggingface_hub import errors

    told = []

    def download(*_, **__):
        told.append(logging.getLogger("huggingface_hub.utils._http").isEnabledFor(logging.WARNING))
        raise errors.LocalEntryNotFoundError("gone")

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    monkeypatch.setattr("transformers.AutoConfig.from_pretrained", download)
    with pytest.raises(ModelError, match="gone"):
        hub.download("a/b")
    with pytest.raises(ModelError, match="gone"):
        load_encoder("a/b")
    assert told == [False, False]
    assert logging.getLogger("huggingface_hub.utils._http").isEnabledFor(logging.WARNING)
