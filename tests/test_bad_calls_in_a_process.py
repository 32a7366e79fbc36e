"""What wrong calls get, as a shell sees it: from a process of its own."""

from __future__ import annotations

import subprocess
import sys

import makers
import pytest


@pytest.mark.parametrize(
    ("call", "code", "said"),
    [
        (("train", "gone", "--out", "run"), 2, "gone: no such file or folder"),
        pytest.param(*(("train", "data", "train.epohs=3"), 2, "did you mean 'train.epochs'?"), marks=pytest.mark.slow),
        pytest.param(*(("train", "empty", "--out", "run"), 1, "no recordings found"), marks=pytest.mark.slow),
        pytest.param(
            *(("train", "data", "--encoder", "nobody/no-such-encoder", "--out", "run"), 1, "hf download ID"),
            marks=pytest.mark.slow,
        ),
        pytest.param(*(("predict", "gone", "x.wav"), 2, "model gone: no such folder"), marks=pytest.mark.slow),
    ],
)
def test_a_process_ends_with_one_message_and_its_code(tmp_path, call, code, said):
    makers.tones(tmp_path / "data")
    (tmp_path / "empty").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "audioft", *call], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr
