"""A process apart gives what the decoder gives; what happens to one that is lost: `torture/recordings.py`."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
import soundfile

from audioft.audio import apart, io
from audioft.errors import AudioError


@pytest.fixture
def recording(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, (44100 * 3, 2))
    path = tmp_path / "noise \u00e4 '.flac"
    soundfile.write(path, noise, 44100)
    return path


@pytest.mark.parametrize("rate", [None, 16000])
def test_the_same_samples(recording, rate):
    assert np.array_equal(apart.read(recording, rate), io.read(recording, rate))
    assert np.array_equal(apart.read(recording, rate, 0.5, 1.75), io.read(recording, rate, 0.5, 1.75))
    blocks = list(apart.stream(recording, rate, block_seconds=0.5))
    assert [len(b) for b in blocks] == [len(b) for b in io.stream(recording, rate, block_seconds=0.5)]
    blocks[0][0] = 1.0  # they are ours


def test_the_same_header(recording):
    apart.probe(recording)
    idle = list(apart._pool()._idle)
    assert apart.probe(recording) == io.probe(recording)
    assert apart._pool()._idle == idle, "it was not begun anew for that"


@pytest.mark.parametrize("look", ["probe", "read"])
def test_the_same_errors(tmp_path, look):
    (tmp_path / "text.wav").write_text("no sound")
    for path in (tmp_path / "text.wav", tmp_path / "none.wav", tmp_path):
        told = []
        for module in (io, apart):
            with pytest.raises(AudioError) as e:
                getattr(module, look)(path)
            told.append((e.value.path, e.value.stage, e.value.reason))
        assert told[0] == told[1]


def test_what_comes_before_damage_is_given(tmp_path, recording):
    cut = tmp_path / "cut.flac"
    cut.write_bytes(recording.read_bytes()[:200_000])
    for module in (io, apart):
        got: list[int] = []
        with pytest.raises(AudioError) as e:
            got.extend(map(len, module.stream(cut, None)))
        assert e.value.stage == "decode"
        assert sum(got) > 40_000


def test_a_process_is_used_again_and_replaced_once_it_is_gone(recording):
    apart.read(recording)
    (decoder, *_) = apart._pool()._idle[::-1]
    apart.read(recording)
    assert apart._pool()._idle[-1] is decoder
    decoder.process.kill()
    decoder.process.wait()
    with pytest.raises(AudioError, match="crashed"):
        apart.read(recording)
    assert len(apart.read(recording)) == 48_000
    assert decoder not in apart._pool()._idle


def test_one_that_is_left_in_the_middle_is_not_used_again(recording):
    blocks = apart.stream(recording, None, block_seconds=0.1)
    next(blocks)
    idle = list(apart._pool()._idle)
    blocks.close()
    assert apart._pool()._idle == idle
    assert np.array_equal(apart.read(recording), io.read(recording))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_a_forked_process_has_its_own(recording):
    apart.read(recording)
    before = list(apart._pool()._idle)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            same = np.array_equal(apart.read(recording), io.read(recording))
            code = 0 if same and not set(before) & set(apart._pool()._idle) else 2
            apart.stop()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert np.array_equal(apart.read(recording), io.read(recording))


def test_ctrl_c_of_the_terminal_does_not_reach_it(recording):
    apart.read(recording)
    decoder = apart._pool()._idle[-1]
    decoder.process.send_signal(signal.SIGINT)
    apart.read(recording)
    assert apart._pool()._idle[-1] is decoder
