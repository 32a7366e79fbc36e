"""`audioft merge` and `audioft.merge`: one face each of the same work, and what they refuse."""

from __future__ import annotations

import shutil

import makers
import pytest
from safetensors.torch import load_file, save_file

import audioft
from audioft.errors import ModelError, UsageError
from audioft.models import heard

QUIET = audioft.Console(quiet=True)


@pytest.fixture(scope="module")
def adapted(two_tones, small_encoder, tmp_path_factory):
    """A run whose model is an adapter alone."""
    out = tmp_path_factory.mktemp("adapted") / "run"
    return makers.train(two_tones, small_encoder, out, adapt={"name": "lora", "save": "adapter"})


def test_command_and_function_make_the_same_model(audioft_command, adapted, two_tones, tmp_path):
    code, out, err = audioft_command("merge", adapted.folder, "--out", tmp_path / "by command")
    assert (code, out) == (0, f"{tmp_path / 'by command'}\n")
    assert f"merged the adapter of {adapted.model} and its encoder" in err
    for given in (adapted.folder, adapted.model):
        name = f"by {given.name}"
        assert audioft.merge(given, tmp_path / name, console=QUIET) == tmp_path / name
        assert makers.files(tmp_path / name) == makers.files(tmp_path / "by command")
    assert len(heard.read(tmp_path / "by command" / heard.FILE).recordings) == 12
    whole = audioft.load_model(tmp_path / "by command")
    one, other = ([p.scores for p in audioft.predict(m, two_tones)] for m in (whole, adapted))
    assert one == other


def test_quiet_says_the_folder_alone(audioft_command, adapted, tmp_path):
    code, out, err = audioft_command("merge", adapted.folder, "--out", tmp_path / "whole", "--quiet")
    assert (code, out, err) == (0, f"{tmp_path / 'whole'}\n", "")


def test_what_is_there_is_not_touched(refused, adapted, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for place in ("mine", "file"):
        said = (f"{tmp_path / place} is not empty; nothing there is touched", "--out")
        refused("merge", adapted.folder, "--out", tmp_path / place, code=2, said=said)
    assert makers.files(tmp_path / "mine").keys() == {"letter.txt"}
    (tmp_path / "empty").mkdir()
    assert (audioft.merge(adapted.folder, tmp_path / "empty", console=QUIET) / "model.safetensors").is_file()


def test_a_whole_model_is_not_merged(audioft_command, refused, trained, tmp_path):
    said = (f"{trained.model} is whole already", "adapt.save=adapter")
    refused("merge", trained.folder, "--out", tmp_path / "out", code=2, said=said)
    with pytest.raises(UsageError, match="is whole already"):
        audioft.merge(trained.folder, tmp_path / "out", console=QUIET)
    refused("merge", tmp_path / "none", "--out", tmp_path / "out", code=2, said=("none",))
    code, _, err = audioft_command("merge", trained.folder)
    assert code == 2
    assert "required: --out" in err
    assert not any(tmp_path.iterdir())


def test_an_encoder_that_moved_is_named_and_another_one_is_refused(refused, adapted, small_encoder, tmp_path):
    moved = shutil.copytree(small_encoder, tmp_path / "moved")
    whole = audioft.merge(adapted.folder, tmp_path / "whole", encoder=str(moved), console=QUIET)
    assert (whole / "model.safetensors").is_file()
    weights = load_file(moved / "model.safetensors")
    save_file({k: v + 0.1 for k, v in weights.items()}, moved / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="moved"):
        audioft.merge(adapted.folder, tmp_path / "wrong", encoder=str(moved), console=QUIET)
    call = ("merge", adapted.folder, "--out", tmp_path / "wrong", "--encoder", moved)
    refused(*call, code=1, said=(str(moved),))
    assert not (tmp_path / "wrong").exists()
