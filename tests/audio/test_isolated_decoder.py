"""A process apart gives what the decoder gives; what happens to one that is lost: `torture/recordings.py`."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from audioft.audio import io, isolated_decoder, live
from audioft.errors import AudioError


@pytest.fixture
def recording(tmp_path):
    noise = np.random.default_rng(0).normal(0, 0.1, (44100 * 3, 2))
    path = tmp_path / "noise \u00e4 '.flac"
    soundfile.write(path, noise, 44100)
    return path


@pytest.mark.parametrize("rate", [None, 16000])
def test_the_same_samples(recording, rate):
    assert np.array_equal(isolated_decoder.read(recording, rate), io.read(recording, rate))
    assert np.array_equal(isolated_decoder.read(recording, rate, 0.5, 1.75), io.read(recording, rate, 0.5, 1.75))
    blocks = list(isolated_decoder.stream(recording, rate, block_seconds=0.5))
    assert [len(b) for b in blocks] == [len(b) for b in io.stream(recording, rate, block_seconds=0.5)]
    blocks[0][0] = 1.0  # they are ours


def test_the_same_header(recording):
    isolated_decoder.probe(recording)
    idle = list(isolated_decoder._pool()._idle)
    assert isolated_decoder.probe(recording) == io.probe(recording)
    assert isolated_decoder._pool()._idle == idle, "it was not begun anew for that"


@pytest.mark.parametrize("look", ["probe", "read"])
def test_the_same_errors(tmp_path, look):
    (tmp_path / "text.wav").write_text("no sound")
    for path in (tmp_path / "text.wav", tmp_path / "none.wav", tmp_path):
        told = []
        for module in (io, isolated_decoder):
            with pytest.raises(AudioError) as e:
                getattr(module, look)(path)
            told.append((e.value.path, e.value.stage, e.value.reason))
        assert told[0] == told[1]


def test_what_comes_before_damage_is_given(tmp_path, recording):
    cut = tmp_path / "cut.flac"
    cut.write_bytes(recording.read_bytes()[:200_000])
    for module in (io, isolated_decoder):
        got: list[int] = []
        with pytest.raises(AudioError) as e:
            got.extend(map(len, module.stream(cut, None)))
        assert e.value.stage == "decode"
        assert sum(got) > 40_000


def test_a_process_is_used_again_and_replaced_once_it_is_gone(recording):
    isolated_decoder.read(recording)
    (decoder, *_) = isolated_decoder._pool()._idle[::-1]
    isolated_decoder.read(recording)
    assert isolated_decoder._pool()._idle[-1] is decoder
    decoder.process.kill()
    decoder.process.wait()
    with pytest.raises(AudioError, match="crashed"):
        isolated_decoder.read(recording)
    assert len(isolated_decoder.read(recording)) == 48_000
    assert decoder not in isolated_decoder._pool()._idle


def test_one_that_is_left_in_the_middle_is_not_used_again(recording):
    blocks = isolated_decoder.stream(recording, None, block_seconds=0.1)
    next(blocks)
    idle = list(isolated_decoder._pool()._idle)
    blocks.close()
    assert isolated_decoder._pool()._idle == idle
    assert np.array_equal(isolated_decoder.read(recording), io.read(recording))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_a_forked_process_has_its_own(recording):
    isolated_decoder.read(recording)
    before = list(isolated_decoder._pool()._idle)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            same = np.array_equal(isolated_decoder.read(recording), io.read(recording))
            code = 0 if same and not set(before) & set(isolated_decoder._pool()._idle) else 2
            isolated_decoder.stop()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert np.array_equal(isolated_decoder.read(recording), io.read(recording))


def test_ctrl_c_of_the_terminal_does_not_reach_it(recording):
    isolated_decoder.read(recording)
    decoder = isolated_decoder._pool()._idle[-1]
    decoder.process.send_signal(signal.SIGINT)
    isolated_decoder.read(recording)
    assert isolated_decoder._pool()._idle[-1] is decoder


def through_a_pipe(data, read, *args):
    """What `read` gives of bytes that arrive through a pipe."""
    pipe = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert pipe.stdin is not None
    assert pipe.stdout is not None
    pipe.stdin.write(data)  # less than a pipe holds
    pipe.stdin.close()
    try:
        return list(read(pipe.stdout.fileno(), *args))
    finally:
        pipe.wait()
        pipe.stdout.close()


@pytest.mark.parametrize("raw", [None, live.Raw(8000, 2, "PCM_16", "LITTLE")])
@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_pipe_gives_the_same_samples(tmp_path, raw, rate):
    samples = np.random.default_rng(0).integers(-9000, 9000, (12_000, 2), dtype=np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 8000)
    data = (tmp_path / "a.wav").read_bytes() if raw is None else samples.tobytes()
    here, there = (through_a_pipe(data, module.piped, rate, raw) for module in (live, isolated_decoder))
    assert np.array_equal(np.concatenate(here), np.concatenate(there))
    assert sum(map(len, there)) == 12_000 * rate // 8000
    assert len(there) > 10, "they come as they arrive"


def test_a_pipe_has_the_same_errors():
    told = []
    for module in (live, isolated_decoder):
        with pytest.raises(AudioError) as e:
            through_a_pipe(b"no sound", module.piped, 16000)
        told.append((e.value.path, e.value.stage, e.value.reason))
    assert told[0] == told[1]


def test_a_pipe_that_is_left_is_left_by_its_decoder_too():
    reading, writing = os.pipe()
    try:
        os.write(writing, bytes(16_000))
        blocks = isolated_decoder.piped(reading, 16000, live.Raw(16000, 1, "PCM_16", "LITTLE"))
        next(blocks)
        blocks.close()
        os.close(reading)
        with pytest.raises(BrokenPipeError):
            os.write(writing, bytes(2))
    finally:
        os.close(writing)


PROGRAM = """
from audioft.audio import isolated_decoder, live
blocks = isolated_decoder.piped(0, 16000, live.Raw(16000, 1, "PCM_16", "LITTLE"))
next(blocks)
print("begun", flush=True)
next(b for b in blocks if b.any())  # which does not come
"""


def test_a_killed_program_leaves_no_decoder_at_a_silent_pipe():
    program = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(bytes(16_000))
    program.stdin.flush()
    assert program.stdout.readline() == b"begun\n"
    program.kill()
    program.wait()
    waiting = select.poll()
    waiting.register(program.stdin.fileno(), 0)
    assert waiting.poll(10_000), "somebody still waits for sound"  # POLLERR: nobody reads
    program.stdout.close()
    program.stdin.close()
