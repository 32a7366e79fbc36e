"""Nobody is enrolled from a dead microphone, found in it, or compared by it."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import soundfile


@pytest.mark.parametrize("samples", [np.zeros(16000), np.full(16000, 0.2), np.resize([0, 1, 0, -1], 16000) / 32768])
def test_every_verb_refuses_it(audioft_command, model, voices, tmp_path, samples):
    dead, one = tmp_path / "dead.wav", voices / "ada/0.wav"
    soundfile.write(dead, samples, 16000, subtype="PCM_16")
    code, out, err = audioft_command("enroll", model, "ghost", dead)
    assert (code, out, "silent" in err) == (1, "", True)
    assert not (model / "speakers.json").exists()
    assert audioft_command("enroll", model, "ada", one)[0] == 0
    code, out, err = audioft_command("identify", model, dead, "--threshold", 0)
    assert (code, "silent" in err, "ada" in out) == (1, True, False)
    code, out, err = audioft_command("verify", model, one, dead, "--threshold", 0)
    assert (code, out, "silent" in err) == (1, "", True)
    code, out, err = audioft_command("predict", model, dead, one)
    assert (code, "silent" in err, "dead.wav" in out) == (1, True, False)
    code, out, err = audioft_command("predict", model, dead, one, "--what", "windows")
    assert (code, "silent" in err) == (1, True)
    assert all(",,,," in line for line in out.splitlines() if "dead.wav" in line), out  # a row that says why


def test_evaluate_counts_it_and_leaves_it_out(audioft_command, model, two_tones, tmp_path):
    data = shutil.copytree(two_tones, tmp_path / "data")
    soundfile.write(data / "high" / "dead.wav", np.zeros(16000), 16000)
    code, out, err = audioft_command("evaluate", model, data, "--side", "all")
    assert code == 0
    assert "silent" in out + err
